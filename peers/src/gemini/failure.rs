use std::io;

use serde_json::{Value, json};

use crate::http::Connection;

/// An error as the API words it: `{"error":{"code","message","status","details"}}`.
#[derive(Clone, Debug)]
pub struct Failure {
    status: u16,
    name: String,
    message: String,
    details: Vec<Value>,
    headers: Vec<(String, String)>,
    content_type: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Object,
    Array,
    Text(String),
}

impl Failure {
    /// An error of that HTTP status, canonical name (`UNAVAILABLE`, …) and message.
    #[must_use]
    pub fn new(status: u16, name: &str, message: &str) -> Self {
        Self {
            status,
            name: name.to_owned(),
            message: message.to_owned(),
            details: Vec::new(),
            headers: Vec::new(),
            content_type: "application/json; charset=UTF-8".to_owned(),
            form: Form::Object,
        }
    }

    /// 503, the model is overloaded.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    }

    /// 429, a quota of requests a minute.
    #[must_use]
    pub fn rate_limited() -> Self {
        Self::new(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.")
            .quota("GenerateRequestsPerMinutePerProjectPerModel")
    }

    /// 400 `API_KEY_INVALID`.
    #[must_use]
    pub fn invalid_key() -> Self {
        let message = "API key not valid. Please pass a valid API key.";
        Self::new(400, "INVALID_ARGUMENT", message).detail(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
        }))
    }

    /// Adds a `RetryInfo` with this `retryDelay` (`"34.4s"`, `"250ms"`, or nonsense).
    #[must_use]
    pub fn retry_delay(self, delay: &str) -> Self {
        self.detail(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": delay,
        }))
    }

    /// Adds a `QuotaFailure` that names this quota (`…PerDay…` is final for today).
    #[must_use]
    pub fn quota(self, id: &str) -> Self {
        self.detail(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": id, "quotaValue": "5"}],
        }))
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }

    /// Adds a header, such as `Retry-After`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the body as a one-element array.
    #[must_use]
    pub fn as_array(mut self) -> Self {
        self.form = Form::Array;
        self
    }

    /// Says `text/event-stream` of the JSON body.
    #[must_use]
    pub fn as_event_stream(mut self) -> Self {
        "text/event-stream".clone_into(&mut self.content_type);
        self
    }

    /// Sends this body instead, as a proxy in between would.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.form = Form::Text(text.to_owned());
        "text/html".clone_into(&mut self.content_type);
        self
    }

    /// The error as JSON.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut error = json!({"code": self.status, "message": self.message, "status": self.name});
        if !self.details.is_empty() {
            error["details"] = self.details.clone().into();
        }
        json!({ "error": error })
    }
}

pub(super) async fn write_failure(
    connection: &mut Connection,
    failure: &Failure,
) -> io::Result<()> {
    let body = match &failure.form {
        Form::Object => failure.body().to_string(),
        Form::Array => json!([failure.body()]).to_string(),
        Form::Text(text) => text.clone(),
    };
    let mut headers = vec![("content-type", failure.content_type.as_str())];
    headers.extend(failure.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    connection.respond(failure.status, &headers, body.as_bytes()).await
}
