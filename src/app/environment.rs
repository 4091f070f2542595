//! The one place that reads the process environment, `.env` and the file given by `--config`.
//!
//! Nothing is judged here but whether it can be read; what can't is reported together with the
//! problems that the settings find. Process variables win over `.env`; an empty one does not, for
//! an empty value counts as missing. `.env` is only read, never put into the process environment,
//! where child processes and crash reports would find it.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::constants::files::SETTINGS_FILE_MAX_BYTES;
use crate::config::{Environment, Fault, KnobsFile, Problem, Problems, Sources};

/// The file that is read when no other is named; it need not be there.
const DEFAULT_ENV_FILE: &str = ".env";

/// Which files to read.
#[derive(Clone, Debug, Default)]
pub struct SourceFiles {
    /// `--env-file`: instead of `.env` in the working directory. It must be there.
    pub env_file: Option<PathBuf>,
    /// `--config`: knobs that override the embedded ones. It must be there.
    pub config: Option<PathBuf>,
}

impl SourceFiles {
    /// Reads them, and the process environment.
    #[must_use]
    pub fn read(&self) -> Sources {
        self.read_with(std::env::vars_os())
    }

    fn read_with(&self, process: impl Iterator<Item = (OsString, OsString)>) -> Sources {
        let mut problems = Problems::default();
        let from_file = self.env_file_pairs(&mut problems);
        // No value that is not text is empty.
        let given =
            process.filter(|(_, value)| value.to_str().is_none_or(|text| !text.trim().is_empty()));
        let environment: Environment = from_file.into_iter().chain(given).collect();
        let knobs_file = self.config.as_deref().and_then(|path| {
            let text = read_text(path, &mut problems)?;
            Some(KnobsFile { name: path.display().to_string(), text })
        });
        Sources { environment, knobs_file, problems }
    }

    fn env_file_pairs(&self, problems: &mut Problems) -> Vec<(OsString, OsString)> {
        let path = match &self.env_file {
            Some(path) => path.as_path(),
            None if !Path::new(DEFAULT_ENV_FILE).exists() => return Vec::new(),
            None => Path::new(DEFAULT_ENV_FILE),
        };
        match read_text(path, problems) {
            Some(text) => parse_env_file(&path.display().to_string(), &text, problems),
            None => Vec::new(),
        }
    }
}

/// A variable of the process that is no setting of TESTER's, such as a proxy's address.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn read_text(path: &Path, problems: &mut Problems) -> Option<String> {
    let name = path.display().to_string();
    let bytes = match read_bounded(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let fault = match error.kind() {
                io::ErrorKind::NotFound => Fault::Missing,
                _ => Fault::Invalid,
            };
            let flaw = format!("can't be read: {error}");
            problems.push(Problem::file(name, fault, flaw, "name a file that can be read"));
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            let place = format!("{name} line {line}");
            problems.push(Problem::file(
                place,
                Fault::Invalid,
                "is not valid UTF-8",
                "save the file as UTF-8",
            ));
            None
        }
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SETTINGS_FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SETTINGS_FILE_MAX_BYTES {
        return Err(io::Error::other(format!("larger than {SETTINGS_FILE_MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// The pairs of a `.env` file. Of two lines with the same name the later one wins, as in a shell,
/// so `tester keygen >> .env` does what it looks like.
fn parse_env_file(name: &str, text: &str, problems: &mut Problems) -> Vec<(OsString, OsString)> {
    let handed_out = Rc::new(Cell::new(0));
    let lines = CountedLines { rest: text.as_bytes(), handed_out: Rc::clone(&handed_out) };
    let mut pairs = Vec::new();
    for item in dotenvy::Iter::new(lines) {
        match item {
            Ok((name, value)) => pairs.push((name.into(), value.into())),
            Err(error) => {
                let place = format!("{name} line {}", first_line_of(&error, handed_out.get()));
                problems.push(Problem::file(
                    place,
                    Fault::Invalid,
                    "is no NAME=value line",
                    "quote a value that holds spaces, # or $, with '…', and close every quote",
                ));
            }
        }
    }
    pairs
}

/// A statement may span lines: an open quote swallows all that follow.
fn first_line_of(error: &dotenvy::Error, last_line: usize) -> usize {
    let spanned = match error {
        dotenvy::Error::LineParse(statement, _) => statement.lines().count().max(1),
        _ => 1,
    };
    (last_line + 1).saturating_sub(spanned).max(1)
}

/// Hands a text out line by line and counts: the parser's errors quote the line, which must not be
/// shown, and do not number it.
struct CountedLines<'a> {
    rest: &'a [u8],
    handed_out: Rc<Cell<usize>>,
}

impl Read for CountedLines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line_end = self.rest.iter().position(|byte| *byte == b'\n');
        let line_length = line_end.map_or(self.rest.len(), |end| end + 1);
        let length = line_length.min(buffer.len());
        let (now, later) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(now);
        if length > 0 && length == line_length {
            self.handed_out.set(self.handed_out.get() + 1);
        }
        self.rest = later;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::config::variables;

    fn parse(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut problems = Problems::default();
        let pairs = parse_env_file(".env", text, &mut problems)
            .into_iter()
            .map(|(name, value)| {
                let text = |os: OsString| os.into_string().expect("made of text");
                (text(name), text(value))
            })
            .collect();
        let places = problems.iter().map(|problem| problem.subject.to_string()).collect();
        (pairs, places)
    }

    #[test]
    fn an_env_file_may_have_comments_quotes_exports_and_windows_line_ends() {
        let (pairs, problems) = parse(
            "# comment\r\n\r\nPORT=1\r\nexport HOST='::1' # why\r\nENV=\"a b\"\r\nKEY=ab==\n",
        );
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("PORT", "1"), ("HOST", "::1"), ("ENV", "a b"), ("KEY", "ab==")]);
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_none_is_reported_by_its_number_and_the_others_are_read() {
        let (pairs, problems) = parse("# one\nPORT=1\n\nnonsense secret\nHOST=::1\nENV=a b\n");
        assert_eq!(pairs.len(), 2);
        assert_eq!(problems, [".env line 4", ".env line 6"]);
    }

    #[test]
    fn an_open_quote_is_reported_where_it_opens() {
        let (_, problems) = parse("PORT=1\nHOST=\"::1\nENV=x\nKEY=y\n");
        assert_eq!(problems, [".env line 2"]);
    }

    #[test]
    fn a_line_longer_than_the_readers_buffer_counts_once() {
        let long = "x".repeat(20_000);
        let (pairs, problems) = parse(&format!("KEY={long}\nnonsense\n"));
        assert_eq!(pairs, [("KEY".to_owned(), long)]);
        assert_eq!(problems, [".env line 2"]);
    }

    proptest! {
        #[test]
        fn no_env_file_makes_the_parser_panic_or_blame_a_line_it_has_not(
            text in "([ -~\\n\\r\"'#$\\\\=]|\\PC)*"
        ) {
            let (_, places) = parse(&text);
            for place in places {
                let line: usize = place.rsplit(' ').next().expect("a number").parse()?;
                prop_assert!((1..=text.lines().count().max(1)).contains(&line));
            }
        }
    }

    #[test]
    fn the_process_wins_over_the_file_unless_it_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("env");
        fs::write(&path, "HOST=10.0.0.1\nPORT=1\nLOG_FORMAT=json\nLOG_FORMAT=text\n")
            .expect("written");
        let files = SourceFiles { env_file: Some(path), config: None };
        let process = [("HOST", "::1"), ("PORT", " ")];
        let sources =
            files.read_with(process.into_iter().map(|(name, value)| (name.into(), value.into())));
        assert!(sources.problems.is_empty());
        let value = |variable| sources.environment.text(variable);
        assert_eq!(value(&variables::HOST), Some("::1"));
        assert_eq!(value(&variables::PORT), Some("1"));
        assert_eq!(value(&variables::LOG_FORMAT), Some("text"));
    }

    #[test]
    fn files_that_cannot_be_read_are_problems() {
        let folder = tempfile::tempdir().expect("a folder");
        let broken = folder.path().join("broken");
        fs::write(&broken, b"PORT=1\nHOST=\xff\n").expect("written");
        let files =
            SourceFiles { env_file: Some(broken), config: Some(folder.path().join("absent")) };
        let problems = files.read_with(std::iter::empty()).problems;
        let found: Vec<_> =
            problems.iter().map(|problem| (problem.fault, problem.subject.to_string())).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].1.ends_with("broken line 2"), "{found:?}");
        assert_eq!(found[1].0, Fault::Missing);
    }

    #[test]
    fn a_file_beyond_the_bound_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("large");
        let file = File::create(&path).expect("created");
        file.set_len(SETTINGS_FILE_MAX_BYTES + 1).expect("grown");
        let files = SourceFiles { env_file: Some(path), config: None };
        let problems = files.read_with(std::iter::empty()).problems;
        assert_eq!(problems.iter().count(), 1);
    }
}
