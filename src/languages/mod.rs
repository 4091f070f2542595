//! stub
use crate::domain::*;
use crate::gateways::Prompt;
use serde_json::{Value, json};
/// x
pub const PROMPT_VERSION: &str = "1";
/// x
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceProblem;
impl SourceProblem {
    /// x
    pub fn message(&self, _: Locale) -> String {
        String::new()
    }
    /// x
    pub fn detail(&self) -> Value {
        json!({})
    }
}
/// x
pub fn check(_: &SourceCode, _: LanguageCode) -> Result<(), SourceProblem> {
    Ok(())
}
/// x
pub fn prompt(r: &GenerationRequest) -> Prompt {
    Prompt { system: String::new(), user: r.source.as_str().into() }
}
/// x
pub struct Facts {
    /// x
    pub framework: &'static str,
    /// x
    pub file_name: &'static str,
    /// x
    pub placeholder: &'static str,
}
/// x
pub fn facts(_: LanguageCode) -> Facts {
    Facts { framework: "", file_name: "", placeholder: "" }
}
