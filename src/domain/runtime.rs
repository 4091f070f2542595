use std::fmt;
use std::time::Duration;

use super::LanguageCode;

/// The program that runs a language's tests. JavaScript and TypeScript share one, and with it
/// their warm sandboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Runtime {
    /// `CPython` with pytest.
    Python,
    /// Node with Jest.
    Node,
    /// A JDK with `JUnit` 5 and Mockito.
    Java,
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python, Self::Node, Self::Java];

    /// What runs this language.
    #[must_use]
    pub const fn of(language: LanguageCode) -> Self {
        match language {
            LanguageCode::Python => Self::Python,
            LanguageCode::JavaScript | LanguageCode::TypeScript => Self::Node,
            LanguageCode::Java => Self::Java,
        }
    }

    /// Its name in settings, folders, image names and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Java => "java",
        }
    }

    /// The languages it runs.
    #[must_use]
    pub const fn languages(self) -> &'static [LanguageCode] {
        match self {
            Self::Python => &[LanguageCode::Python],
            Self::Node => &[LanguageCode::JavaScript, LanguageCode::TypeScript],
            Self::Java => &[LanguageCode::Java],
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one sandbox may use. All but `wall` and `output_bytes` are the kernel's to hold, fixed
/// when the sandbox starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `sandbox.RUNTIME.wall_ms`: wall time of a run, counted from the claim, compiling included.
    pub wall: Duration,
    /// `sandbox.RUNTIME.memory_bytes`: memory of all its processes and its tmpfs; swap is off.
    pub memory_bytes: u64,
    /// `sandbox.RUNTIME.processes`: processes and threads.
    pub processes: u32,
    /// `sandbox.cpu_millis`: thousandths of a core.
    pub cpu_millis: u32,
    /// `sandbox.output_bytes`: what is kept of all that is printed.
    pub output_bytes: u64,
    /// `sandbox.files_bytes`: what each of `/work` and `/tmp` holds.
    pub files_bytes: u64,
    /// `sandbox.files_count`: inodes in each of them.
    pub files_count: u64,
}

impl Limits {
    /// Longest single file, in bytes: more than either folder holds, so that a program that fills
    /// one sees a full disk. It bounds what may be written anywhere else.
    #[must_use]
    pub const fn file_bytes(&self) -> u64 {
        self.files_bytes.saturating_mul(2)
    }
}
