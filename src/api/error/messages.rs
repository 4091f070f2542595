//! The words of every error, in every [`Locale`].

use super::{ApiError, Prohibition, whole_seconds};
use crate::domain::Locale;

impl ApiError {
    /// What went wrong and what to do, for a person.
    pub(in crate::api) fn message(&self, locale: Locale) -> String {
        let fixed = match self {
            Self::InvalidSource(problem) => return problem.message(locale),
            Self::InsufficientTokens { required, current } => {
                return match locale {
                    Locale::Korean => format!(
                        "INSUFFICIENT_TOKENS: 토큰이 부족합니다. 필요: {required}, 보유: {current}"
                    ),
                    Locale::English => format!(
                        "INSUFFICIENT_TOKENS: not enough tokens. Required: {required}, current: {current}"
                    ),
                };
            }
            Self::BodyTooLarge { limit } => {
                let kib = limit / 1024;
                return match locale {
                    Locale::Korean => {
                        format!("요청 본문이 너무 큽니다. 최대 {kib} KiB까지 보낼 수 있습니다.")
                    }
                    Locale::English => {
                        format!("The request body is too large; at most {kib} KiB are accepted.")
                    }
                };
            }
            Self::RateLimited { retry_after } => {
                let seconds = whole_seconds(*retry_after);
                return match locale {
                    Locale::Korean => {
                        format!("요청이 너무 많습니다. {seconds}초 후에 다시 시도해 주세요.")
                    }
                    Locale::English => format!("Too many requests. Try again in {seconds} s."),
                };
            }
            Self::Busy { retry_after } => {
                let seconds = whole_seconds(*retry_after);
                return match locale {
                    Locale::Korean => {
                        format!("실행 대기열이 가득 찼습니다. {seconds}초 후에 다시 시도해 주세요.")
                    }
                    Locale::English => {
                        format!("As many runs are waiting as may. Try again in {seconds} s.")
                    }
                };
            }
            Self::InvalidRequest(problem) => {
                return locale.pick(&problem.korean, &problem.english).clone();
            }
            Self::BotCheck(_) => locale.pick(
                "사람인지 확인하지 못했습니다. 인증을 다시 진행해 주세요.",
                "The bot check did not pass. Solve it again and retry.",
            ),
            Self::Unauthorized(_) => locale.pick("로그인이 필요합니다.", "Sign in to continue."),
            Self::Forbidden(Prohibition::ForeignOrigin) => locale.pick(
                "이 서버는 이 컴퓨터에서 연 페이지의 요청만 받습니다.",
                "This server answers only pages opened on this machine.",
            ),
            Self::Forbidden(Prohibition::OpsKey) => locale
                .pick("X-TESTER-KEY가 올바르지 않습니다.", "The X-TESTER-KEY is missing or wrong."),
            Self::Forbidden(Prohibition::WorkerToken) => {
                locale.pick("워커 토큰이 올바르지 않습니다.", "The worker token is wrong.")
            }
            Self::NotFound => locale.pick("찾을 수 없습니다.", "Not found."),
            Self::MethodNotAllowed { .. } => locale.pick(
                "이 경로에서 지원하지 않는 메서드입니다.",
                "This path does not support that method.",
            ),
            Self::BodyTimeout => locale.pick(
                "요청 본문을 받는 데 너무 오래 걸렸습니다.",
                "The request body took too long to arrive.",
            ),
            Self::Upstream(_) => locale.pick(
                "외부 서비스가 올바르게 응답하지 않았습니다. 잠시 후 다시 시도해 주세요.",
                "A service this one depends on answered wrongly. Try again shortly.",
            ),
            Self::Unavailable(_) => locale.pick(
                "외부 서비스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.",
                "A service this one depends on is unavailable. Try again shortly.",
            ),
            Self::NoModel => locale.pick(
                "모델이 설정되지 않았습니다. GEMINI_API_KEY를 설정하고 다시 시작해 주세요.",
                "No model is configured. Set GEMINI_API_KEY and start again.",
            ),
            Self::Draining => locale.pick(
                "서버가 다시 시작되는 중입니다. 잠시 후 다시 시도해 주세요.",
                "The server is restarting. Try again shortly.",
            ),
            Self::Crowded => locale.pick(
                "지금은 요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.",
                "Too much is being written at once. Try again shortly.",
            ),
            Self::Timeout(_) => locale.pick(
                "외부 서비스가 제시간에 응답하지 않았습니다. 다시 시도해 주세요.",
                "A service this one depends on did not answer in time. Try again.",
            ),
            Self::Internal(_) => locale.pick(
                "서버에 문제가 생겼습니다. 추적 번호와 함께 알려 주세요.",
                "Something went wrong on our side. Tell us the trace id.",
            ),
        };
        fixed.to_owned()
    }
}
