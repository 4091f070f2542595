use std::fs;
use std::path::Path;

use super::server::{Server, free_port, until_told};

/// nginx in front of several instances: a request that one of them refuses, or does not take, goes
/// to the next.
pub struct Nginx {
    _server: Server,
    _folder: tempfile::TempDir,
    url: String,
}

impl Nginx {
    /// In front of what listens on these loopback ports.
    pub fn before(ports: &[u16]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("nginx.conf");
        let port = free_port();
        let servers = ports.iter().map(|port| format!("server 127.0.0.1:{port} max_fails=0;"));
        let upstream = servers.collect::<Vec<_>>().join(" ");
        // A POST is not sent again without `non_idempotent`. It may be: an instance that refuses
        // one, or its connection, has not begun with it, and one that stops ends what it has begun.
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
               upstream instances {{ {upstream} }}\n\
               server {{\n\
                 listen 127.0.0.1:{port};\n\
                 location / {{\n\
                   proxy_pass http://instances;\n\
                   proxy_http_version 1.1;\n\
                   proxy_buffering off;\n\
                   proxy_next_upstream error http_503 non_idempotent;\n\
                   proxy_next_upstream_tries {tries};\n\
                 }}\n\
               }}\n\
             }}\n",
            tries = ports.len(),
        );
        fs::write(&config, text).expect("a writable folder");
        let mut command = until_told(program());
        command.arg("-p").arg(folder.path()).arg("-c").arg(&config).args(["-e", "stderr"]);
        let (server, ()) = Server::start(&mut command, "", |line| {
            line.contains("start worker process").then_some(())
        });
        Self { _server: server, _folder: folder, url: format!("http://127.0.0.1:{port}") }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Debian keeps nginx where only root's path looks.
fn program() -> &'static str {
    let beside = Path::new("/usr/sbin/nginx");
    if beside.exists() { "/usr/sbin/nginx" } else { "nginx" }
}
