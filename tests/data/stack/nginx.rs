use super::server::{Server, free_port, nginx};

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
        let port = free_port();
        let servers = ports.iter().map(|port| format!("server 127.0.0.1:{port} max_fails=0;"));
        let upstream = servers.collect::<Vec<_>>().join(" ");
        // A POST is not sent again without `non_idempotent`. It may be: an instance that refuses
        // one, or its connection, has not begun with it, and one that stops ends what it has begun.
        let http = format!(
            "upstream instances {{ {upstream} }}\n\
             server {{\n\
               listen 127.0.0.1:{port};\n\
               location / {{\n\
                 proxy_pass http://instances;\n\
                 proxy_http_version 1.1;\n\
                 proxy_buffering off;\n\
                 proxy_next_upstream error http_503 non_idempotent;\n\
                 proxy_next_upstream_tries {tries};\n\
               }}\n\
             }}",
            tries = ports.len(),
        );
        let server = nginx(folder.path(), &http);
        Self { _server: server, _folder: folder, url: format!("http://127.0.0.1:{port}") }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}
