//! What the generate route streams.

use actix_web::web::BytesMut;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::sse::{Frame, write_frame};
use crate::builtin;
use crate::domain::{LanguageCode, Locale, SuiteReport, TokenUsage};
use crate::gateways::{ExplorationError, WritingStep};
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
        /// What is known of the tests, where `builtin` wrote them.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        suite: Option<SuiteReport>,
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
    /// The model is down: `builtin` writes instead, at no cost.
    FallingBack,
    /// `builtin` runs the code with many inputs.
    Exploring,
    /// `builtin` runs its tests, several times.
    Checking,
    SavingHistory,
}

impl Step {
    fn frame(self, message: &'static str) -> (Option<&'static str>, FrameData) {
        (Some("status"), FrameData::Status(Status { step: self, message }))
    }
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
            GenerationEvent::FellBack => Step::FallingBack.frame(locale.pick(
                "모델이 응답하지 않아 내장 엔진이 테스트를 작성합니다. 토큰은 차감되지 않습니다.",
                "The model does not answer: the built-in engine writes the tests, at no cost.",
            )),
            GenerationEvent::Step(WritingStep::Exploring) => Step::Exploring.frame(locale.pick(
                "코드를 다양한 입력으로 실행해 보는 중입니다.",
                "Running the code with many inputs.",
            )),
            GenerationEvent::Step(WritingStep::Checking) => Step::Checking.frame(locale.pick(
                "작성한 테스트를 여러 번 실행해 확인하는 중입니다.",
                "Running the tests several times to check them.",
            )),
            GenerationEvent::Chunk(content) => {
                (None, FrameData::Typed(TypedData::Chunk { content }))
            }
            GenerationEvent::Saving => Step::SavingHistory
                .frame(locale.pick("히스토리에 저장하는 중입니다.", "Saving to your history.")),
            GenerationEvent::NotSaved => {
                let message = locale.pick(
                    "테스트는 완성되었지만 히스토리에 저장하지 못했습니다. 결과를 복사해 두세요.",
                    "The tests are complete but could not be saved to your history. Keep a copy.",
                );
                (Some("warning"), FrameData::Warning(Warning { message }))
            }
            GenerationEvent::Done(Receipt { history_id, cached, model, usage, suite }) => {
                let history_id = history_id.map(|id| id.0);
                let usage = usage.into();
                let done = TypedData::Done { history_id, cached, model, usage, suite };
                (Some("message"), FrameData::Typed(done))
            }
            GenerationEvent::Failed(failure) => {
                let error = TypedData::Error {
                    code: failure_code(&failure),
                    message: failure_message(&failure, locale),
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

const fn failure_code(failure: &Failure) -> FailureCode {
    match failure {
        Failure::Blocked => FailureCode::GenerationBlocked,
        Failure::Truncated => FailureCode::GenerationTruncated,
        Failure::Busy { .. } | Failure::Exploration(ExplorationError::Busy { .. }) => {
            FailureCode::UpstreamBusy
        }
        Failure::Timeout | Failure::Exploration(ExplorationError::Timeout) => FailureCode::Timeout,
        Failure::Model | Failure::Exploration(_) | Failure::Shutdown => {
            FailureCode::GenerationError
        }
    }
}

fn failure_message(failure: &Failure, locale: Locale) -> String {
    let message = match failure {
        Failure::Blocked => locale.pick(
            "모델이 이 코드에 대한 응답을 거부했습니다. 코드에 민감한 내용이 있는지 확인해 주세요.",
            "The model refused to answer for this code. Check it for sensitive content.",
        ),
        Failure::Truncated => locale.pick(
            "모델의 출력 한도에 도달했습니다. 코드를 나누어 다시 시도해 주세요.",
            "The model reached its output limit. Split the code and try again.",
        ),
        Failure::Exploration(error) => return exploration_message(error, locale),
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

/// Why the built-in engine has no tests, and what to do.
fn exploration_message(error: &ExplorationError, locale: Locale) -> String {
    let message = match error {
        ExplorationError::Language(language) => {
            let name = language.display_name();
            let written = builtin::WRITES.map(LanguageCode::display_name).join(", ");
            return match locale {
                Locale::Korean => format!(
                    "내장 엔진은 {name} 테스트를 작성하지 않습니다. 지원하는 언어: {written}."
                ),
                Locale::English => {
                    format!("The built-in engine does not write {name}; it writes {written}.")
                }
            };
        }
        ExplorationError::TooLong { actual, max } => {
            return match locale {
                Locale::Korean => format!(
                    "코드가 내장 엔진에 비해 너무 깁니다(작업 {actual}자, 최대 {max}자). 코드를 나누어 다시 \
                     시도해 주세요."
                ),
                Locale::English => format!(
                    "The code is too long for the built-in engine: its job would have {actual} \
                     characters, at most {max} are possible. Split the code and try again."
                ),
            };
        }
        ExplorationError::Unloadable { reason } => {
            return match locale {
                Locale::Korean => format!(
                    "코드를 불러올 수 없어 테스트를 작성하지 못했습니다: {reason}. 내장 엔진은 코드를 네트워크와 \
                     입력 없이 단독으로 실행합니다. 필요한 것을 코드에 포함해 다시 시도해 주세요."
                ),
                Locale::English => format!(
                    "The code can't be loaded, so nothing could be tested: {reason}. The built-in \
                     engine runs the code by itself, without network or input: put in what it \
                     needs and try again."
                ),
            };
        }
        ExplorationError::NothingTestable => locale.pick(
            "매번 같은 결과로 끝나는 함수나 클래스를 찾지 못했습니다. 값을 반환하는 함수를 포함해 다시 시도해 주세요.",
            "There is no function or class that ends the same way every time it is called. Paste \
             code with functions that return something and try again.",
        ),
        ExplorationError::Unstable => locale.pick(
            "작성한 테스트가 매번 통과하지는 않아 보내지 않았습니다. 시간, 난수, 외부 상태에 의존하는 부분을 분리해 \
             다시 시도해 주세요.",
            "The tests did not pass every time, so none were sent. Separate what depends on time, \
             chance or other state and try again.",
        ),
        ExplorationError::Busy { retry_after } => {
            let seconds = retry_after.as_secs().max(1);
            return match locale {
                Locale::Korean => {
                    format!("실행 대기열이 가득 찼습니다. {seconds}초 후에 다시 시도해 주세요.")
                }
                Locale::English => {
                    format!("As many runs are waiting as may. Try again in {seconds} s.")
                }
            };
        }
        ExplorationError::Unavailable(_) => locale.pick(
            "코드를 실행할 샌드박스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요. `tester dev`라면 시작할 때의 \
             로그에서 원인을 확인해 주세요.",
            "There is no sandbox to run the code in. Try again shortly; with `tester dev`, its log \
             says what is missing.",
        ),
        ExplorationError::Timeout => locale.pick(
            "작성한 테스트를 제시간에 확인하지 못했습니다. 오래 걸리는 부분을 빼고 다시 시도해 주세요.",
            "The tests could not be checked in time. Leave out what takes long and try again.",
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
            suite: None,
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
