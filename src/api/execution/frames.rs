//! What the execution streams carry.

use actix_web::web::BytesMut;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::error::{ApiError, ErrorCode};
use crate::api::sse::{Frame, write_frame};
use crate::domain::{ExecutionEvent, Locale, TestResult, Verdict};
use crate::gateways::ExecutorError;

/// An event on its way to a reader of this language.
pub(in crate::api) struct LocalizedEvent {
    pub(in crate::api) event: Result<ExecutionEvent, ExecutorError>,
    pub(in crate::api) locale: Locale,
}

/// The JSON on the `data:` line of one frame.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::api) enum ExecutionFrame {
    /// `event: test`: a test ended. What the result says of it counts.
    Test(TestResult),
    /// `event: result`, the last frame: the verdict.
    Result(Box<Verdict>),
    /// `event: error`, the last frame: there will be no verdict.
    Error {
        code: ErrorCode,
        /// For a person.
        message: String,
    },
}

impl Frame for LocalizedEvent {
    fn write(self, out: &mut BytesMut) {
        let (event, data) = match self.event {
            Ok(ExecutionEvent::Test(test)) => ("test", ExecutionFrame::Test(test)),
            Ok(ExecutionEvent::Result(verdict)) => ("result", ExecutionFrame::Result(verdict)),
            Err(error) => {
                let error = ApiError::from(error);
                error.log();
                let message = error.message(self.locale);
                ("error", ExecutionFrame::Error { code: error.code(), message })
            }
        };
        write_frame(out, Some(event), &data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TestStatus;

    fn written(event: Result<ExecutionEvent, ExecutorError>) -> String {
        let mut out = BytesMut::new();
        LocalizedEvent { event, locale: Locale::English }.write(&mut out);
        String::from_utf8(out.to_vec()).expect("JSON is text")
    }

    #[test]
    fn a_test_is_one_frame_with_its_type() {
        let test = TestResult {
            id: "test_a".to_owned(),
            name: "test_a".to_owned(),
            status: TestStatus::Passed,
            duration_ms: 1.5,
            message: None,
            line: Some(3),
            output: "a\nb".to_owned(),
        };
        assert_eq!(
            written(Ok(ExecutionEvent::Test(test))),
            "event: test\ndata: {\"type\":\"test\",\"id\":\"test_a\",\"name\":\"test_a\",\
             \"status\":\"passed\",\"duration_ms\":1.5,\"message\":null,\"line\":3,\
             \"output\":\"a\\nb\"}\n\n"
        );
    }

    #[test]
    fn an_error_tells_a_code_and_no_cause() {
        let text = written(Err(ExecutorError::Unavailable("10.0.0.5 refused".to_owned())));
        assert!(
            text.starts_with("event: error\ndata: {\"type\":\"error\",\"code\":\"UNAVAILABLE\"")
        );
        assert!(!text.contains("10.0.0.5"));
    }
}
