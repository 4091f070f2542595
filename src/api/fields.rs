//! Fields that more than one route takes.

use super::error::{ApiError, RequestProblem};
use crate::domain::{LanguageCode, TextProblem};

pub(super) fn parse_language(text: &str) -> Result<LanguageCode, ApiError> {
    text.parse().map_err(|_| {
        ApiError::InvalidRequest(RequestProblem::field(
            "language",
            "language는 python, javascript, typescript, java 중 하나여야 합니다.",
            "language must be one of python, javascript, typescript, java.",
        ))
    })
}

pub(super) fn bad_text(field: &'static str, problem: TextProblem) -> ApiError {
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
