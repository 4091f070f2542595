//! The host that Turnstile's widget comes from, on this machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::server::{Server, free_port, until_told};

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
        let config = folder.path().join("nginx.conf");
        let text = format!(
            "daemon off;\n\
             worker_processes 1;\n\
             pid nginx.pid;\n\
             error_log stderr notice;\n\
             events {{ worker_connections 512; }}\n\
             http {{\n\
               access_log off;\n\
               client_body_temp_path body;\n\
               proxy_temp_path proxy;\n\
               fastcgi_temp_path fastcgi;\n\
               uwsgi_temp_path uwsgi;\n\
               scgi_temp_path scgi;\n\
               types {{ text/javascript js; text/html html; }}\n\
               server {{\n\
                 listen {address} ssl;\n\
                 ssl_certificate certificate.pem;\n\
                 ssl_certificate_key key.pem;\n\
                 root {root};\n\
               }}\n\
             }}\n",
            root = folder.path().display(),
        );
        fs::write(&config, text).expect("a writable folder");
        // Workers of a master that is root give up their rights, and must still read.
        let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("it is ours");
        // Debian keeps nginx where only root's path looks.
        let beside = Path::new("/usr/sbin/nginx");
        let mut command = until_told(if beside.exists() { beside } else { Path::new("nginx") });
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-e", "stderr"]);
        let (server, ()) = Server::start(&mut command, "", |line| {
            line.contains("start worker process").then_some(())
        });
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
