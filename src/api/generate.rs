//! `POST /api/generate`: from pasted code to streamed tests.

use actix_web::web::{BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::body::{Fields, read_object};
use super::context::{RequestContext, state};
use super::doors::{admit, authenticate};
use super::error::{ApiError, RequestProblem};
use super::sse::{self, Frame, write_frame};
use crate::app::AppState;
use crate::domain::{
    AuthenticatedUser, Description, Freshness, GenerationId, GenerationRequest, LanguageCode,
    Locale, Model, SourceCode, TextProblem, TokenUsage,
};
use crate::services::generation::{Failure, GenerationEvent, Order, Receipt};
use crate::stores::LimitedAction;

/// Authenticates and counts before it reads a byte of the body.
pub(super) async fn generate(
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let state = state(&request);
    let context = RequestContext::of(&request);
    let user = authenticate(state, &request).await?;
    admit(state, &user, LimitedAction::Generate).await?;
    let fields = read_object(&request, payload, state.body_timeout).await?;
    let order = parse_order(fields, user, &context, state)?;
    let ticket = state.generation.start(order);
    ticket
        .admission
        .await
        .map_err(|_| ApiError::Internal("the generation ended unasked".to_owned()))??;
    let locale = context.locale;
    Ok(sse::respond(ticket.events, move |event| LocalizedEvent { event, locale }, state.heartbeat))
}

fn parse_order(
    mut fields: Fields,
    user: AuthenticatedUser,
    context: &RequestContext,
    state: &AppState,
) -> Result<Order, ApiError> {
    let source = fields.text("input_code")?;
    let source = SourceCode::parse(&source).map_err(|problem| bad_text("input_code", problem))?;
    let language = parse_language(&fields.text("language")?)?;
    let model = parse_model(fields.optional_text("model")?.as_deref(), state)?;
    let description = fields
        .optional_text("description")?
        .map(|text| Description::parse(&text))
        .transpose()
        .map_err(|problem| bad_text("description", problem))?
        .flatten();
    let freshness = match fields.optional_flag("is_regenerate")? {
        Some(true) => Freshness::Regenerate,
        Some(false) | None => Freshness::CachedWillDo,
    };
    let turnstile_token = fields.optional_text("turnstile_token")?;
    let locale = context.locale;
    let request = GenerationRequest { source, language, model, description, freshness, locale };
    Ok(Order { user, request, turnstile_token, client: context.client })
}

fn parse_language(text: &str) -> Result<LanguageCode, ApiError> {
    text.parse().map_err(|_| {
        ApiError::InvalidRequest(RequestProblem::field(
            "language",
            "language는 python, javascript, typescript, java 중 하나여야 합니다.",
            "language must be one of python, javascript, typescript, java.",
        ))
    })
}

fn parse_model(requested: Option<&str>, state: &AppState) -> Result<Model, ApiError> {
    state.models.resolve(requested).cloned().ok_or_else(|| {
        let names: Vec<&str> =
            state.models.models().iter().map(|model| model.name.as_str()).collect();
        let names = names.join(", ");
        ApiError::InvalidRequest(RequestProblem::field(
            "model",
            format!("알 수 없는 모델입니다. 사용할 수 있는 모델: {names}"),
            format!("Unknown model. Available: {names}."),
        ))
    })
}

fn bad_text(field: &'static str, problem: TextProblem) -> ApiError {
    let korean = match problem {
        TextProblem::TooShort { min, actual } => {
            format!("{field}는 앞뒤 공백을 빼고 {min}자 이상이어야 합니다(현재 {actual}자).")
        }
        TextProblem::TooLong { max, actual } => {
            format!("{field}는 앞뒤 공백을 빼고 {max}자 이하여야 합니다(현재 {actual}자).")
        }
        TextProblem::Nul => format!("{field}에 NUL 문자가 들어 있습니다."),
    };
    ApiError::InvalidRequest(RequestProblem::field(field, korean, format!("{field} {problem}.")))
}

/// An event on its way to a reader of this language.
struct LocalizedEvent {
    event: GenerationEvent,
    locale: Locale,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Payloads<'a> {
    Chunk { content: &'a str },
    Done { history_id: Option<GenerationId>, cached: bool, model: &'a str, usage: TokenUsage },
    Error { code: &'static str, message: String },
}

#[derive(Serialize)]
struct Status {
    step: &'static str,
    message: &'static str,
}

#[derive(Serialize)]
struct Warning {
    message: &'static str,
}

impl Frame for LocalizedEvent {
    fn write(self, out: &mut BytesMut) {
        let locale = self.locale;
        match self.event {
            GenerationEvent::Chunk(content) => {
                write_frame(out, None, &Payloads::Chunk { content: &content });
            }
            GenerationEvent::Saving => {
                let message =
                    locale.pick("히스토리에 저장하는 중입니다.", "Saving to your history.");
                write_frame(out, Some("status"), &Status { step: "saving_history", message });
            }
            GenerationEvent::NotSaved => {
                let message = locale.pick(
                    "테스트는 완성되었지만 히스토리에 저장하지 못했습니다. 결과를 복사해 두세요.",
                    "The tests are complete but could not be saved to your history. Keep a copy.",
                );
                write_frame(out, Some("warning"), &Warning { message });
            }
            GenerationEvent::Done(Receipt { history_id, cached, model, usage }) => {
                let done = Payloads::Done { history_id, cached, model: &model, usage };
                write_frame(out, Some("message"), &done);
            }
            GenerationEvent::Failed(failure) => {
                let error = Payloads::Error {
                    code: failure_code(failure),
                    message: failure_message(failure, locale),
                };
                write_frame(out, Some("error"), &error);
            }
        }
    }
}

const fn failure_code(failure: Failure) -> &'static str {
    match failure {
        Failure::Blocked => "GENERATION_BLOCKED",
        Failure::Truncated => "GENERATION_TRUNCATED",
        Failure::Busy { .. } => "UPSTREAM_BUSY",
        Failure::Timeout => "TIMEOUT",
        Failure::Model | Failure::Shutdown => "GENERATION_ERROR",
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
