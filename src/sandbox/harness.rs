//! The harnesses: the programs that run a language's tests inside a sandbox. They are part of this
//! executable, so that a worker and what runs in its sandboxes are always of one build.

use std::borrow::Cow;

use rust_embed::RustEmbed;

use crate::domain::Runtime;

/// Where everything of ours is inside a sandbox, whatever the engine.
pub const ROOT: &str = "/opt/tester";

/// The environment of everything in a sandbox, and all of it.
pub const ENVIRONMENT: [(&str, &str); 6] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("HOME", "/work"),
    ("TMPDIR", "/tmp"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
];

/// What the supervisor starts: the interpreter, by name, and its arguments.
#[must_use]
pub const fn argv(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Python => &["python3", "-I", "-X", "utf8", "/opt/tester/python/harness.py"],
        // V8's code cache is made for exactly these flags: harness/node/flags.
        Runtime::Node => {
            &["node", "--no-warnings", "--v8-pool-size=1", "/opt/tester/node/harness.js"]
        }
        // The rest is in the file that prepare.sh wrote.
        Runtime::Java => &["java", "@/opt/tester/java/java.args"],
    }
}

/// The files of a harness as they are in the repository, sorted by name: what is installed of it
/// and prepared before anything runs.
#[must_use]
pub fn files(runtime: Runtime) -> Vec<(String, Cow<'static, [u8]>)> {
    let folder = format!("{runtime}/");
    let mut files: Vec<_> = Harnesses::iter()
        .filter_map(|path| {
            let name = path.strip_prefix(&folder)?.to_owned();
            Some((name, Harnesses::get(&path)?.data))
        })
        .collect();
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    files
}

#[derive(RustEmbed)]
#[folder = "harness"]
#[exclude = "*/node_modules/*"]
#[exclude = "*/dist/*"]
#[exclude = "python/lib/*"]
#[exclude = "java/lib/*"]
#[exclude = "*/__pycache__/*"]
#[exclude = "*/tests/*"]
struct Harnesses;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_installed_into_a_working_tree_is_embedded() {
        for path in Harnesses::iter() {
            for folder in ["node_modules", "__pycache__", "dist", "lib"] {
                assert!(!path.split('/').any(|part| part == folder), "{path} is embedded");
            }
        }
    }

    #[test]
    fn node_is_started_with_the_flags_that_its_code_cache_was_made_with() {
        let flags: Vec<&str> =
            include_str!("../../harness/node/flags").split_whitespace().collect();
        let argv = argv(Runtime::Node);
        assert_eq!(argv[1..argv.len() - 1], flags);
    }

    #[test]
    fn the_python_harness_comes_with_its_pinned_packages() {
        let names: Vec<_> = files(Runtime::Python).into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"harness.py".to_owned()), "{names:?}");
        assert!(names.contains(&"requirements.txt".to_owned()), "{names:?}");
    }
}
