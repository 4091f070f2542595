use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use serde_json::Value;
use tester::config::variables;

use crate::{ENV_EXAMPLE, FROM_DASHBOARDS, fill_in, folder, stderr, stdout, tester};

/// A value that is wrong for every variable, and easy to find again.
const CANARY: &str = "c4nary c4nary";

#[test]
fn the_untouched_example_is_refused_in_every_required_variable() {
    let folder = folder();
    fs::write(folder.path().join(".env"), ENV_EXAMPLE).expect("written");
    let output = tester(folder.path(), &["check-env", "--format", "json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for row in report["variables"].as_array().expect("rows") {
        let required = row["required"].as_bool().expect("a boolean");
        let placeholder = row["problem"] == "still holds a placeholder";
        assert_eq!((row["state"] == "invalid", placeholder), (required, required), "{row}");
    }
    let output = tester(folder.path(), &["check-env", "--role", "worker"], &[]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_value_of_the_example_that_is_no_default_is_a_placeholder() {
    let folder = folder();
    let uncommented: String = ENV_EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| is_assignment(line))
        .fold(String::new(), |text, line| text + line + "\n");
    fs::write(folder.path().join(".env"), uncommented).expect("written");
    let output = tester(folder.path(), &["check-env", "--format", "json"], &[]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = report["variables"].as_array().expect("rows");
    let sound: Vec<_> = rows
        .iter()
        .filter(|row| row["state"] == "set")
        .map(|row| row["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        sound,
        [
            "ENV",
            "DEFAULT_GEMINI_MODEL",
            "PORT",
            "HOST",
            "GEMINI_BASE_URL",
            "TURNSTILE_VERIFY_URL",
            "TRUSTED_PROXY_HOPS",
            "LOG_FORMAT",
            "RUST_LOG",
            "RATE_LIMIT_GENERATE_PER_MINUTE",
            "RATE_LIMIT_EXECUTE_PER_MINUTE",
            "RATE_LIMIT_STATUS_PER_MINUTE",
            "WALLET_ENABLED",
        ]
    );
}

#[test]
fn the_example_filled_in_with_the_output_of_keygen_is_good() {
    let folder = folder();
    let secrets = stdout(&tester(folder.path(), &["keygen"], &[]));
    fs::write(folder.path().join(".env"), fill_in(&FROM_DASHBOARDS) + &secrets).expect("written");
    for role in ["serve", "worker"] {
        let output = tester(folder.path(), &["check-env", "--role", role], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        assert!(stdout(&output).ends_with(&format!("tester {role}: good\n")));
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn the_example_names_exactly_the_variables_there_are() {
    let named: Vec<_> = ENV_EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| is_assignment(line))
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    let known: Vec<_> = variables::ALL.iter().map(|variable| variable.name()).collect();
    assert_eq!(named, known);
}

fn is_assignment(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    })
}

#[test]
fn no_value_is_ever_shown() {
    let folder = folder();
    fs::write(folder.path().join(".env"), format!("{CANARY}\nPORT='{CANARY}\n")).expect("written");
    fs::write(folder.path().join("knobs.toml"), format!("GEMINI_API_KEY={CANARY}\n"))
        .expect("written");
    let values: Vec<_> = variables::ALL.iter().map(|variable| (variable.name(), CANARY)).collect();
    for role in ["serve", "worker"] {
        for format in ["table", "json"] {
            for sources in [&[][..], &["--config", "knobs.toml"], &["--env-file", "knobs.toml"]] {
                let mut arguments =
                    vec!["check-env", "--online", "--role", role, "--format", format];
                arguments.extend(sources);
                let output = tester(folder.path(), &arguments, &values);
                assert_eq!(output.status.code(), Some(1), "{arguments:?}");
                let shown = stdout(&output) + &stderr(&output);
                assert!(!shown.contains("c4nary"), "{arguments:?}: {shown}");
                assert!(shown.contains("invalid"), "{arguments:?}: {shown}");
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one report, and every variable has its row")]
fn the_json_report_keeps_its_form() {
    let folder = folder();
    fs::write(folder.path().join("env"), "WORKER_AUTH_TOKEN=short\nnonsense\nPORT=1\n")
        .expect("written");
    let arguments = ["check-env", "--role", "worker", "--format", "json", "--env-file", "env"];
    let output = tester(folder.path(), &arguments, &[("HOST", "::")]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output), @r#"
    {
      "version": 1,
      "role": "worker",
      "good": false,
      "variables": [
        {
          "name": "WORKER_AUTH_TOKEN",
          "state": "invalid",
          "required": true,
          "purpose": "proves to a worker that the web half is asking; the same value on both sides",
          "problem": "must have at least 32 characters",
          "remedy": "run `tester keygen` once and give its WORKER_AUTH_TOKEN to both sides"
        },
        {
          "name": "ENV",
          "state": "default",
          "required": false,
          "purpose": "which rules apply: production (default of serve and worker) or development (default of dev)",
          "problem": null,
          "remedy": "production or development"
        },
        {
          "name": "PORT",
          "state": "set",
          "required": false,
          "purpose": "the port to listen on; default 8080, 0 lets the system choose",
          "problem": null,
          "remedy": "a number from 0 to 65535; Cloud Run sets it itself"
        },
        {
          "name": "HOST",
          "state": "set",
          "required": false,
          "purpose": "the address to listen on; default 0.0.0.0, in dev 127.0.0.1",
          "problem": null,
          "remedy": "an IP address, such as 0.0.0.0 or ::; in dev a loopback one, such as 127.0.0.1"
        },
        {
          "name": "LOG_FORMAT",
          "state": "default",
          "required": false,
          "purpose": "the shape of log lines; default json, in dev text",
          "problem": null,
          "remedy": "json or text"
        },
        {
          "name": "RUST_LOG",
          "state": "default",
          "required": false,
          "purpose": "what is logged; default info",
          "problem": null,
          "remedy": "a tracing filter, such as info or info,tester=debug"
        },
        {
          "name": "GOOGLE_CLOUD_PROJECT",
          "state": "default",
          "required": false,
          "purpose": "the project whose Cloud Logging shows a trace's lines together; default none: lines carry the bare trace id",
          "problem": null,
          "remedy": "the project's id (not its number or name), such as my-project-123"
        },
        {
          "name": "OTEL_EXPORTER_OTLP_ENDPOINT",
          "state": "default",
          "required": false,
          "purpose": "the OpenTelemetry collector that traces are sent to; without it none are made",
          "problem": null,
          "remedy": "the collector's root URL for OTLP over HTTP, such as http://localhost:4318; plain http only to private addresses in production"
        },
        {
          "name": "SANDBOX_ENGINE",
          "state": "default",
          "required": false,
          "purpose": "what isolates the tests that are run; default auto: docker in worker, in dev namespace where this machine lets it, else docker",
          "problem": null,
          "remedy": "auto, docker or namespace"
        },
        {
          "name": "DOCKER_RUNTIME",
          "state": "default",
          "required": false,
          "purpose": "the runtime of the sandboxes that Docker makes; default runc",
          "problem": null,
          "remedy": "a runtime that the daemon knows (`docker info`), such as runc, runsc (gVisor), crun or kata"
        },
        {
          "name": "DOCKER_HOST",
          "state": "default",
          "required": false,
          "purpose": "where Docker Engine listens; default unix:///var/run/docker.sock",
          "problem": null,
          "remedy": "the path of a socket of this machine, as unix:///path"
        }
      ],
      "problems": [
        {
          "subject": "env line 2",
          "problem": "is no NAME=value line",
          "remedy": "quote a value that holds spaces, # or $, with '…', and close every quote"
        }
      ],
      "online": null
    }
    "#);
}

#[test]
fn the_table_says_what_is_wrong_and_how_to_put_it_right() {
    let folder = folder();
    let variables = [("LOG_FORMAT", "xml")];
    let output = tester(folder.path(), &["check-env", "--role", "worker"], &variables);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stdout(&output), @r"
    VARIABLE                     STATE    NEED      NOTE
    WORKER_AUTH_TOKEN            missing  required  is missing
                                                    → run `tester keygen` once and give its WORKER_AUTH_TOKEN to both sides
    ENV                          default  optional  which rules apply: production (default of serve and worker) or development (default of dev)
    PORT                         default  optional  the port to listen on; default 8080, 0 lets the system choose
    HOST                         default  optional  the address to listen on; default 0.0.0.0, in dev 127.0.0.1
    LOG_FORMAT                   invalid  optional  must be json or text
                                                    → json or text
    RUST_LOG                     default  optional  what is logged; default info
    GOOGLE_CLOUD_PROJECT         default  optional  the project whose Cloud Logging shows a trace's lines together; default none: lines carry the bare trace id
    OTEL_EXPORTER_OTLP_ENDPOINT  default  optional  the OpenTelemetry collector that traces are sent to; without it none are made
    SANDBOX_ENGINE               default  optional  what isolates the tests that are run; default auto: docker in worker, in dev namespace where this machine lets it, else docker
    DOCKER_RUNTIME               default  optional  the runtime of the sandboxes that Docker makes; default runc
    DOCKER_HOST                  default  optional  where Docker Engine listens; default unix:///var/run/docker.sock

    tester worker: bad, 2 problems
    ");
}

#[test]
fn dependencies_that_are_not_there_make_it_bad() {
    let folder = folder();
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("a bound address")
    };
    let root = format!("http://{address}");
    let redis = format!("redis://{address}");
    let secrets = stdout(&tester(folder.path(), &["keygen"], &[]));
    fs::write(folder.path().join(".env"), fill_in(&FROM_DASHBOARDS) + &secrets).expect("written");
    let variables = [
        ("ENV", "development"),
        ("GEMINI_BASE_URL", root.as_str()),
        ("SUPABASE_URL", &root),
        ("TURNSTILE_VERIFY_URL", &root),
        ("WORKER_URL", &root),
        ("REDIS_URL", &redis),
    ];
    let arguments = ["check-env", "--online", "--format", "json"];
    let output = tester(folder.path(), &arguments, &variables);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["good"], false);
    let dependencies: BTreeSet<_> = report["online"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            assert_eq!(
                (&row["state"], &row["reason"]),
                (&"down".into(), &"refuses the connection".into())
            );
            row["dependency"].as_str().expect("a name")
        })
        .collect();
    assert_eq!(
        dependencies,
        ["gemini", "redis", "supabase_keys", "supabase_table", "turnstile", "worker_1"].into()
    );
    let output = tester(folder.path(), &["check-env", "--online"], &variables);
    assert!(stdout(&output).ends_with("tester serve: bad, a dependency is down\n"));
    assert!(!stdout(&output).contains(&address.to_string()));
}

#[test]
fn files_that_are_named_must_be_there() {
    let folder = folder();
    for option in ["--env-file", "--config"] {
        let output = tester(folder.path(), &["check-env", option, "absent"], &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).contains("absent: can't be read"), "{option}");
    }
}
