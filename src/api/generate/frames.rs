//! What the generate route streams.

use actix_web::web::BytesMut;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::sse::{Frame, write_frame};
use crate::domain::{Locale, TokenUsage};
use crate::services::generation::{Failure, GenerationEvent, Receipt};

/// An event on its way to a reader of this language.
pub(super) struct LocalizedEvent {
    pub(super) event: GenerationEvent,
    pub(super) locale: Locale,
}

/// The JSON on the `data:` line of one frame.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum FrameData {
    Typed(TypedData),
    Status(Status),
    Warning(Warning),
}

/// What carries the answer and how it ends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum TypedData {
    /// A frame without a name: the next piece of the tests.
    Chunk { content: String },
    /// `event: message`, the last frame: the tests are complete.
    Done {
        /// The row in the history; null when the tests could not be saved.
        #[schema(required = true)]
        history_id: Option<Uuid>,
        /// Whether the answer was given before and cost nothing.
        cached: bool,
        /// The model that answered.
        model: String,
        usage: Usage,
    },
    /// `event: error`, the last frame: there will be no complete result.
    Error {
        code: FailureCode,
        /// For a person.
        message: String,
    },
}

/// `event: status`: what happens now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    #[schema(inline)]
    step: Step,
    /// For a person.
    message: &'static str,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Step {
    SavingHistory,
}

/// `event: warning`: the tests are complete but could not be saved.
#[derive(Debug, Serialize, ToSchema)]
// A message is all there is: other frames have one too, and must not be described by this as well.
#[serde(deny_unknown_fields)]
pub(super) struct Warning {
    /// For a person.
    message: &'static str,
}

/// Tokens the model counted; all zero when `cached`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
pub(super) struct Usage {
    /// Tokens of the prompt.
    prompt_tokens: u64,
    /// Tokens of the answer.
    output_tokens: u64,
    /// Tokens the model thought with.
    thinking_tokens: u64,
    /// All of them, as the model counts.
    total_tokens: u64,
}

/// Why a stream ended without a complete result.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum FailureCode {
    GenerationBlocked,
    GenerationTruncated,
    GenerationError,
    UpstreamBusy,
    Timeout,
}

impl Frame for LocalizedEvent {
    fn write(self, out: &mut BytesMut) {
        let (event, data) = self.frame();
        write_frame(out, event, &data);
    }
}

impl LocalizedEvent {
    /// The name of the frame, where it has one, and its data.
    fn frame(self) -> (Option<&'static str>, FrameData) {
        let locale = self.locale;
        match self.event {
            GenerationEvent::Chunk(content) => {
                (None, FrameData::Typed(TypedData::Chunk { content }))
            }
            GenerationEvent::Saving => {
                let message =
                    locale.pick("히스토리에 저장하는 중입니다.", "Saving to your history.");
                let status = Status { step: Step::SavingHistory, message };
                (Some("status"), FrameData::Status(status))
            }
            GenerationEvent::NotSaved => {
                let message = locale.pick(
                    "테스트는 완성되었지만 히스토리에 저장하지 못했습니다. 결과를 복사해 두세요.",
                    "The tests are complete but could not be saved to your history. Keep a copy.",
                );
                (Some("warning"), FrameData::Warning(Warning { message }))
            }
            GenerationEvent::Done(Receipt { history_id, cached, model, usage }) => {
                let history_id = history_id.map(|id| id.0);
                let done = TypedData::Done { history_id, cached, model, usage: usage.into() };
                (Some("message"), FrameData::Typed(done))
            }
            GenerationEvent::Failed(failure) => {
                let error = TypedData::Error {
                    code: failure_code(failure),
                    message: failure_message(failure, locale),
                };
                (Some("error"), FrameData::Typed(error))
            }
        }
    }
}

impl From<TokenUsage> for Usage {
    fn from(usage: TokenUsage) -> Self {
        let TokenUsage { prompt_tokens, output_tokens, thinking_tokens, total_tokens } = usage;
        Self { prompt_tokens, output_tokens, thinking_tokens, total_tokens }
    }
}

const fn failure_code(failure: Failure) -> FailureCode {
    match failure {
        Failure::Blocked => FailureCode::GenerationBlocked,
        Failure::Truncated => FailureCode::GenerationTruncated,
        Failure::Busy { .. } => FailureCode::UpstreamBusy,
        Failure::Timeout => FailureCode::Timeout,
        Failure::Model | Failure::Shutdown => FailureCode::GenerationError,
    }
}

fn failure_message(failure: Failure, locale: Locale) -> String {
    let message = match failure {
        Failure::Blocked => locale.pick(
            "모델이 이 코드에 대한 응답을 거부했습니다. 코드에 민감한 내용이 있는지 확인해 주세요.",
            "The model refused to answer for this code. Check it for sensitive content.",
        ),
        Failure::Truncated => locale.pick(
            "모델의 출력 한도에 도달했습니다. 코드를 나누어 다시 시도해 주세요.",
            "The model reached its output limit. Split the code and try again.",
        ),
        Failure::Busy { retry_after: Some(wait) } => {
            let seconds = wait.as_secs().max(1);
            return match locale {
                Locale::Korean => {
                    format!("모델 사용량이 많습니다. {seconds}초 후에 다시 시도해 주세요.")
                }
                Locale::English => format!("The model is busy. Try again in {seconds} s."),
            };
        }
        Failure::Busy { retry_after: None } => locale.pick(
            "모델 사용량이 많습니다. 잠시 후 다시 시도해 주세요.",
            "The model is busy. Try again shortly.",
        ),
        Failure::Timeout => locale.pick(
            "모델이 제시간에 응답하지 않았습니다. 다시 시도해 주세요.",
            "The model did not answer in time. Try again.",
        ),
        Failure::Model => locale.pick(
            "테스트를 생성하지 못했습니다. 다시 시도해 주세요.",
            "The tests could not be generated. Try again.",
        ),
        Failure::Shutdown => locale.pick(
            "서버가 다시 시작되어 생성이 중단되었습니다. 다시 시도해 주세요.",
            "The server is restarting and cut the generation off. Try again.",
        ),
    };
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::GenerationId;

    fn frame(event: GenerationEvent, locale: Locale) -> String {
        let mut out = BytesMut::new();
        LocalizedEvent { event, locale }.write(&mut out);
        String::from_utf8(out.to_vec()).expect("frames are text")
    }

    #[test]
    fn frames_have_the_form_existing_clients_parse() {
        let id = GenerationId(uuid::Uuid::nil());
        let receipt = Receipt {
            history_id: Some(id),
            cached: false,
            model: "gemini-3.8-flash".to_owned(),
            usage: TokenUsage::default(),
        };
        for (event, expected) in [
            (
                GenerationEvent::Chunk("a\n\"b\"".to_owned()),
                "data: {\"type\":\"chunk\",\"content\":\"a\\n\\\"b\\\"\"}\n\n",
            ),
            (
                GenerationEvent::Saving,
                "event: status\ndata: {\"step\":\"saving_history\",\"message\":\"Saving to your history.\"}\n\n",
            ),
            (
                GenerationEvent::Done(receipt),
                "event: message\ndata: {\"type\":\"done\",\"history_id\":\"00000000-0000-0000-0000-000000000000\",\
                 \"cached\":false,\"model\":\"gemini-3.8-flash\",\"usage\":{\"prompt_tokens\":0,\"output_tokens\":0,\
                 \"thinking_tokens\":0,\"total_tokens\":0}}\n\n",
            ),
            (
                GenerationEvent::Failed(Failure::Timeout),
                "event: error\ndata: {\"type\":\"error\",\"code\":\"TIMEOUT\",\
                 \"message\":\"The model did not answer in time. Try again.\"}\n\n",
            ),
        ] {
            assert_eq!(frame(event, Locale::English), expected);
        }
    }

    #[test]
    fn the_warning_carries_a_message_and_no_type() {
        let text = frame(GenerationEvent::NotSaved, Locale::Korean);
        assert!(text.starts_with("event: warning\ndata: {\"message\":\""), "{text}");
    }
}
