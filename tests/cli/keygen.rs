use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::{folder, stderr, stdout, tester};

fn generated() -> Vec<(String, String)> {
    let output = tester(folder().path(), &["keygen"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    dotenvy::Iter::new(stdout(&output).as_bytes())
        .map(|line| line.expect("every line is one of a .env file"))
        .collect()
}

#[test]
fn the_output_is_an_env_file_with_the_three_secrets() {
    let pairs = generated();
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["DATA_ENCRYPTION_KEY", "WORKER_AUTH_TOKEN", "TESTER_INTERNAL_SECRET"]);
    assert_eq!(URL_SAFE.decode(&pairs[0].1).expect("url-safe base64").len(), 32);
    // 32 bytes in base64 without padding.
    assert_eq!((pairs[1].1.len(), pairs[2].1.len()), (43, 43));
}

#[test]
fn no_secret_is_printed_twice() {
    let values: BTreeSet<_> =
        [generated(), generated()].into_iter().flatten().map(|(_, value)| value).collect();
    assert_eq!(values.len(), 6);
}
