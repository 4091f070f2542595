use std::fmt;
use std::path::Path;

/// Tests in each of the programs. One that finds more or fewer did not do its work.
pub(crate) const TESTS: u64 = 10;

/// A language, and with it the program that is run in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    Python,
    JavaScript,
    TypeScript,
    Java,
}

/// A file's name and what is in it.
type File = (&'static str, &'static str);

impl Language {
    pub(crate) const ALL: [Self; 4] =
        [Self::Python, Self::JavaScript, Self::TypeScript, Self::Java];

    /// One for each runtime: what throughput is taken of.
    pub(crate) const RUNTIMES: [Self; 3] = [Self::Python, Self::JavaScript, Self::Java];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Java => "java",
        }
    }

    /// What runs it, by the worker's name for it.
    pub(crate) const fn runtime(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript | Self::TypeScript => "node",
            Self::Java => "java",
        }
    }

    const fn source(self) -> File {
        match self {
            Self::Python => ("ledger.py", include_str!("programs/python/ledger.py")),
            Self::JavaScript => ("inventory.js", include_str!("programs/javascript/inventory.js")),
            Self::TypeScript => ("schedule.ts", include_str!("programs/typescript/schedule.ts")),
            Self::Java => ("RateLimiter.java", include_str!("programs/java/RateLimiter.java")),
        }
    }

    const fn tests(self) -> File {
        match self {
            Self::Python => ("test_ledger.py", include_str!("programs/python/test_ledger.py")),
            Self::JavaScript => {
                ("inventory.test.js", include_str!("programs/javascript/inventory.test.js"))
            }
            Self::TypeScript => {
                ("schedule.test.ts", include_str!("programs/typescript/schedule.test.ts"))
            }
            Self::Java => {
                ("RateLimiterTest.java", include_str!("programs/java/RateLimiterTest.java"))
            }
        }
    }

    /// What makes Jest find its root, and compile TypeScript; as people have it in package.json.
    const fn settings(self) -> Option<File> {
        match self {
            Self::JavaScript => Some(("package.json", r#"{"jest":{}}"#)),
            Self::TypeScript => {
                Some(("package.json", r#"{"jest":{"transform":{"^.+\\.ts$":"@swc/jest"}}}"#))
            }
            Self::Python | Self::Java => None,
        }
    }

    /// The body of `POST /execute`.
    pub(crate) fn job(self) -> String {
        serde_json::json!({
            "input_code": self.source().1,
            "test_code": self.tests().1,
            "language": self.name(),
        })
        .to_string()
    }

    /// Lays the files out for the bare framework.
    pub(crate) fn write_to(self, folder: &Path) -> std::io::Result<()> {
        for (name, text) in [self.source(), self.tests()].into_iter().chain(self.settings()) {
            std::fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    /// What the framework prints when all is well.
    pub(crate) fn all_passed(self) -> String {
        match self {
            Self::Python => format!("{TESTS} passed in"),
            Self::JavaScript | Self::TypeScript => {
                format!("Tests:       {TESTS} passed, {TESTS} total")
            }
            Self::Java => format!("{TESTS} tests successful"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
