//! What a verdict says in short, in the reader's language.

use std::time::Duration;

use crate::domain::Locale;
use crate::sandbox::protocol::{Breakage, Part, Phase};

/// A text in both languages.
pub(super) struct Words {
    korean: &'static str,
    english: &'static str,
}

impl Words {
    pub(super) fn pick(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::Korean => self.korean,
            Locale::English => self.english,
        }
    }
}

/// Of a test that began, or should have, when the run was over.
pub(super) const UNFINISHED: Words = Words {
    korean: "실행이 끝날 때까지 결과를 보고하지 않았습니다.",
    english: "It had not reported a result when the run was over.",
};

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Nothing is wrong.
    None,
    Tampered(String),
    Shadowed(String),
    OutOfMemory(u64),
    Timeout(Duration),
    OutputLimit(u64),
    Lost,
    Signal(i32),
    EndedEarly(i32),
    Broken(Breakage),
    NoTests,
    Unfinished(String),
    Missing(String),
    Failed {
        failed: usize,
        of: usize,
    },
    AllSkipped,
    Unsupported(String),
    Unavailable,
}

impl Reason {
    /// The text for a person; empty when nothing is wrong.
    pub(super) fn text(&self, locale: Locale) -> String {
        match locale {
            Locale::Korean => self.korean(),
            Locale::English => self.english(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Tampered(reason) => format!("The run can't be believed: {reason}."),
            Self::Shadowed(name) => format!(
                "The run can't be believed: the code replaces {name}, which judges the tests."
            ),
            Self::OutOfMemory(bytes) => {
                format!("The memory was used up (limit {}).", size(*bytes))
            }
            Self::Timeout(wall) => format!("The time was used up (limit {}).", seconds(*wall)),
            Self::OutputLimit(bytes) => {
                format!("More was printed than is kept (limit {}).", size(*bytes))
            }
            Self::Lost => "The sandbox was lost while the tests ran.".to_owned(),
            Self::Signal(signal) => format!("The process was ended by signal {signal}."),
            Self::EndedEarly(code) => format!(
                "The process ended with status {code} before all tests had reported, as by exit()."
            ),
            Self::Broken(breakage) => {
                let what = match (breakage.part, breakage.phase) {
                    (Some(Part::Source), Phase::Compile) => "The code does not compile",
                    (Some(Part::Tests), Phase::Compile) => "The tests do not compile",
                    (None, Phase::Compile) => "Code and tests do not compile",
                    (Some(Part::Source), _) => "The code can't be loaded",
                    (Some(Part::Tests), Phase::Import) => "The tests can't be loaded",
                    (None, Phase::Import) => "Code and tests can't be loaded",
                    (_, Phase::Collect) => "The tests can't be collected",
                };
                match breakage.line {
                    Some(line) => format!("{what} (line {line}): {}", breakage.message),
                    None => format!("{what}: {}", breakage.message),
                }
            }
            Self::NoTests => "There is no test to run.".to_owned(),
            Self::Unfinished(id) => format!("The test {id} never reported a result."),
            Self::Missing(id) => format!("The test {id} is in the tests and was not run."),
            Self::Failed { failed, of } => format!("{failed} of {of} tests failed."),
            Self::AllSkipped => "Every test was skipped, so nothing was shown.".to_owned(),
            Self::Unsupported(why) => format!("This worker can't run that language: {why}"),
            Self::Unavailable => "No sandbox could be had. Try again shortly.".to_owned(),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Tampered(reason) => format!("실행 결과를 신뢰할 수 없습니다: {reason}."),
            Self::Shadowed(name) => format!(
                "실행 결과를 신뢰할 수 없습니다: 테스트를 판정하는 {name}을(를) 코드가 바꿉니다."
            ),
            Self::OutOfMemory(bytes) => {
                format!("메모리를 모두 사용했습니다(제한 {}).", size(*bytes))
            }
            Self::Timeout(wall) => format!("시간을 모두 사용했습니다(제한 {}).", seconds(*wall)),
            Self::OutputLimit(bytes) => format!("출력이 너무 많습니다(제한 {}).", size(*bytes)),
            Self::Lost => "테스트를 실행하는 동안 샌드박스가 사라졌습니다.".to_owned(),
            Self::Signal(signal) => format!("프로세스가 시그널 {signal}(으)로 종료되었습니다."),
            Self::EndedEarly(code) => format!(
                "모든 테스트가 결과를 보고하기 전에 프로세스가 상태 {code}(으)로 끝났습니다(예: exit())."
            ),
            Self::Broken(breakage) => {
                let what = match (breakage.part, breakage.phase) {
                    (Some(Part::Source), Phase::Compile) => "코드를 컴파일할 수 없습니다",
                    (Some(Part::Tests), Phase::Compile) => "테스트를 컴파일할 수 없습니다",
                    (None, Phase::Compile) => "코드와 테스트를 컴파일할 수 없습니다",
                    (Some(Part::Source), _) => "코드를 불러올 수 없습니다",
                    (Some(Part::Tests), Phase::Import) => "테스트를 불러올 수 없습니다",
                    (None, Phase::Import) => "코드와 테스트를 불러올 수 없습니다",
                    (_, Phase::Collect) => "테스트를 수집할 수 없습니다",
                };
                match breakage.line {
                    Some(line) => format!("{what}({line}행): {}", breakage.message),
                    None => format!("{what}: {}", breakage.message),
                }
            }
            Self::NoTests => "실행할 테스트가 없습니다.".to_owned(),
            Self::Unfinished(id) => format!("테스트 {id}이(가) 결과를 보고하지 않았습니다."),
            Self::Missing(id) => format!("테스트 {id}이(가) 실행되지 않았습니다."),
            Self::Failed { failed, of } => format!("테스트 {of}개 중 {failed}개가 실패했습니다."),
            Self::AllSkipped => "모든 테스트를 건너뛰었으므로 확인된 것이 없습니다.".to_owned(),
            Self::Unsupported(why) => format!("이 워커는 해당 언어를 실행할 수 없습니다: {why}"),
            Self::Unavailable => {
                "샌드박스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.".to_owned()
            }
        }
    }
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}

fn seconds(wall: Duration) -> String {
    format!("{} s", wall.as_secs_f64())
}
