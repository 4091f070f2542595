//! The host that Turnstile's widget comes from, on this machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::server::{Server, free_port, nginx};

/// Speaks HTTPS as `challenges.cloudflare.com` and serves a widget that always finds a person.
pub struct Challenges {
    _server: Server,
    _folder: tempfile::TempDir,
    address: String,
}

impl Challenges {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        certify(folder.path());
        let widget = folder.path().join("turnstile/v0");
        fs::create_dir_all(&widget).expect("a writable folder");
        for (name, text) in [
            ("api.js", include_str!("challenges/api.js")),
            ("widget.html", include_str!("challenges/widget.html")),
        ] {
            fs::write(widget.join(name), text).expect("a writable folder");
        }
        let address = format!("127.0.0.1:{}", free_port());
        let http = format!(
            "types {{ text/javascript js; text/html html; }}\n\
             server {{\n\
               listen {address} ssl;\n\
               ssl_certificate certificate.pem;\n\
               ssl_certificate_key key.pem;\n\
               root {root};\n\
             }}",
            root = folder.path().display(),
        );
        // Workers of a master that is root give up their rights, and must still read.
        let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("it is ours");
        let server = nginx(folder.path(), &http);
        Self { _server: server, _folder: folder, address }
    }

    /// Address and port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn certify(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=challenges.cloudflare.com"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl is installed").success());
}
