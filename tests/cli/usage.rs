use crate::{folder, stderr, stdout, tester};

#[test]
fn wrong_usage_ends_with_status_2_and_nothing_on_the_output() {
    for arguments in [
        &["check"][..],
        &["check-env", "--role", "dev"],
        &["check-env", "--format", "xml"],
        &["check-env", "extra"],
        &["keygen", "--online"],
        &["migrate"],
        &["rotate-keys", "--page-size", "0"],
        &["rotate-keys", "--page-size", "501"],
        &["--verbose"],
    ] {
        let output = tester(folder().path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(stderr(&output).contains("try '--help'"), "{arguments:?}");
    }
}

#[test]
fn without_a_command_the_commands_are_listed_with_status_2() {
    let output = tester(folder().path(), &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    for command in ["check-env", "keygen", "migrate", "rotate-keys"] {
        assert!(stderr(&output).contains(command), "{command}");
    }
}

#[test]
fn help_and_version_are_good() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["check-env", "--help"],
        &["migrate", "--help"],
        &["rotate-keys", "--help"],
    ] {
        let output = tester(folder().path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!stdout(&output).is_empty(), "{arguments:?}");
    }
}
