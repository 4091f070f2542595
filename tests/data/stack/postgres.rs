use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::{Uid, User};
use serde_json::Value;
use tempfile::TempDir;

use super::server::Server;

/// Runs a server until standard input closes; then stops it as if the power failed.
const UNTIL_TOLD: &str = "\"$@\" 2>&1 & server=$!; exec >&-; read -r line; \
                          kill -QUIT \"$server\"; wait \"$server\"";

/// A PostgreSQL server of our own. It listens on a socket in its folder and nowhere else.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    server: Mutex<Option<Server>>,
    templates: Mutex<HashSet<&'static str>>,
    databases: AtomicU32,
}

impl Cluster {
    pub fn start() -> Arc<Self> {
        let programs = newest_programs();
        let folder = tempfile::tempdir().expect("a temporary folder");
        if let Some(user) = server_user() {
            let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
            chown(folder.path(), Some(uid), Some(gid)).expect("root may");
        }
        let output = as_server_user(&programs.join("initdb"), folder.path())
            .args(["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C", "--no-sync"])
            .output()
            .expect("initdb is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let cluster = Arc::new(Self {
            programs,
            folder,
            server: Mutex::default(),
            templates: Mutex::default(),
            databases: AtomicU32::new(0),
        });
        cluster.start_again();
        cluster
    }

    /// Cuts every connection and leaves the files as they are: what a crash does.
    pub fn stop_at_once(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        assert!(server.is_some(), "it runs");
    }

    pub fn start_again(&self) {
        let mut command = as_server_user(Path::new("/bin/sh"), self.folder.path());
        command.args(["-c", UNTIL_TOLD, "sh"]).arg(self.programs.join("postgres"));
        command.args(["-D", "data", "-c", "listen_addresses=", "-c", "fsync=off"]);
        command.args(["-c", "max_connections=200", "-k"]).arg(self.folder.path());
        let (server, ()) = Server::start(&mut command, "", |line| {
            line.contains("ready to accept connections").then_some(())
        });
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// An empty database.
    pub fn create(self: &Arc<Self>) -> Database {
        self.create_from("template1")
    }

    /// A database like that one, which is made when it is first asked for.
    pub fn create_like(
        self: &Arc<Self>,
        template: &'static str,
        make: impl FnOnce(&Database),
    ) -> Database {
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if !templates.contains(template) {
            make(&self.create_named(template, "template1"));
            templates.insert(template);
        }
        drop(templates);
        self.create_from(template)
    }

    fn create_from(self: &Arc<Self>, template: &str) -> Database {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        self.create_named(&format!("database_{number}"), template)
    }

    fn create_named(self: &Arc<Self>, name: &str, template: &str) -> Database {
        let postgres = Database { cluster: Arc::clone(self), name: "postgres".to_owned() };
        postgres.run(&format!("create database {name} template {template}"));
        Database { name: name.to_owned(), ..postgres }
    }
}

/// One database of a cluster, seen by its superuser.
#[derive(Clone)]
pub struct Database {
    cluster: Arc<Cluster>,
    name: String,
}

impl Database {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// Runs statements up to the first that fails, and gives its error.
    pub fn try_run(&self, sql: &str) -> Result<String, String> {
        self.try_run_with(&[], sql)
    }

    /// Like [`Self::try_run`], with more options for psql.
    pub fn try_run_with(&self, options: &[&str], sql: &str) -> Result<String, String> {
        let mut child = self.psql().args(options).stderr(Stdio::piped()).spawn().expect("psql");
        let mut input = child.stdin.take().expect("stdin is piped");
        // What is refused is not read to its end.
        let _ = input.write_all(sql.as_bytes());
        drop(input);
        let output = child.wait_with_output().expect("psql ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8").trim_end().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Runs statements and gives the last one's rows: a line a row, `|` between columns.
    pub fn run(&self, sql: &str) -> String {
        self.try_run(sql).unwrap_or_else(|error| panic!("{error}\nin {sql}"))
    }

    pub fn number(&self, query: &str) -> i64 {
        let answer = self.run(query);
        answer.parse().unwrap_or_else(|_| panic!("{answer:?} for {query}"))
    }

    /// The rows of a query as objects.
    pub fn rows(&self, query: &str) -> Vec<Value> {
        let answer = self.run(&format!("select coalesce(json_agg(t), '[]') from ({query}) as t"));
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error} in {answer:?}"))
    }

    /// All of it as SQL, or as much as these options of `pg_dump` say.
    pub fn dump(&self, options: &[&str]) -> String {
        let mut command = Command::new(self.cluster.programs.join("pg_dump"));
        let output = self.addressed(&mut command).args(options).output().expect("pg_dump");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        // Guarded by a key that is a new one each time.
        let lines = text.lines().filter(|line| !line.contains("restrict "));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A connection that stays.
    pub fn session(&self) -> Session {
        let mut child = self.psql().stderr(Stdio::inherit()).spawn().expect("psql");
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut session = Session { child, input, output };
        session.run("set lock_timeout = '20s'; set statement_timeout = 0;");
        session
    }

    fn psql(&self) -> Command {
        let mut command = Command::new(self.cluster.programs.join("psql"));
        self.addressed(&mut command);
        command.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
        command.args(["--set", "ON_ERROR_STOP=1", "--file", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    fn addressed<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("PGOPTIONS", "-c client_min_messages=warning");
        command.arg("--host").arg(self.cluster.socket_folder());
        command.args(["--username", "postgres", "--dbname", &self.name])
    }
}

/// A connection that keeps its transaction, and so its locks, until it is dropped.
pub struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    /// Runs statements to their end.
    pub fn run(&mut self, sql: &str) {
        writeln!(self.input, "{sql}\n\\echo --done--").expect("psql reads");
        let mut line = String::new();
        while line.trim_end() != "--done--" {
            line.clear();
            let read = self.output.read_line(&mut line).expect("readable output");
            assert_ne!(read, 0, "psql ended in {sql}");
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may be gone already, with its server.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian keeps the programs of each major version in a folder of its own.
fn newest_programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            let programs = entry.path().join("bin");
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            programs.join("initdb").exists().then_some((version, programs))
        })
        .max();
    newest.expect("the package postgresql is installed (scripts/test does it)").1
}

/// PostgreSQL does not run as root.
fn server_user() -> Option<User> {
    let root = Uid::current().is_root();
    let user = || User::from_name("postgres").ok().flatten().expect("the package makes this user");
    root.then(user)
}

fn as_server_user(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}
