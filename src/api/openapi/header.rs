//! The response headers that more than one response has, as components.

use utoipa::openapi::{Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Type};

pub(super) const ALLOW: &str = "Allow";
pub(super) const RETRY_AFTER: &str = "Retry-After";
pub(super) const TRACE_ID: &str = "X-Trace-ID";
pub(super) const WWW_AUTHENTICATE: &str = "WWW-Authenticate";

/// A reference to the component of that name.
pub(super) fn reference(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

/// Every header a [`reference()`] may name.
pub(super) fn components() -> [(&'static str, Header); 4] {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    [
        (ALLOW, header("The methods that this path has.", text())),
        (
            RETRY_AFTER,
            header("Seconds until it is worth coming back, where they are known.", seconds),
        ),
        (
            TRACE_ID,
            header(
                "The id of this request in the log: the one of the request's `traceparent` or \
                 `X-Cloud-Trace-Context`, or a new one.",
                text().pattern(Some("^[0-9a-f]{32}$")),
            ),
        ),
        (WWW_AUTHENTICATE, header("Always `Bearer`.", text())),
    ]
}

fn header(description: &str, schema: ObjectBuilder) -> Header {
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
