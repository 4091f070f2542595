use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::unistd::Pid;
use tester::domain::LanguageCode;
use tester::sandbox::protocol::{
    FromSupervisor, Job, OutputStream, REPORT_FRAME_MAX, ToSupervisor, frame,
};

/// The other side of a supervisor.
pub(crate) struct Host {
    supervisor: Child,
    to: Option<ChildStdin>,
    from: Option<ChildStdout>,
}

impl Host {
    pub(crate) fn start(harness: &[&str]) -> Self {
        let mut supervisor = Command::new(env!("CARGO_BIN_EXE_tester"))
            .args(["supervise", "--"])
            .args(harness)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary that was just built runs");
        let (to, from) = (supervisor.stdin.take(), supervisor.stdout.take());
        Self { supervisor, to, from }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.supervisor.id()).expect("a pid"))
    }

    pub(crate) fn send_job(&mut self) {
        self.send_job_of("");
    }

    pub(crate) fn send_job_of(&mut self, source: &str) {
        let (source, tests) = (source.to_owned(), String::new());
        self.send(&ToSupervisor::Job(Job { language: LanguageCode::Python, source, tests }));
    }

    pub(crate) fn ping(&mut self) {
        self.send(&ToSupervisor::Ping);
    }

    fn send(&mut self, message: &ToSupervisor) {
        let to = self.to.as_mut().expect("the host is there");
        to.write_all(&frame(message).expect("a short message")).expect("the supervisor is there");
    }

    /// The next frame.
    pub(crate) fn hear(&mut self) -> FromSupervisor {
        self.hear_next().expect("the supervisor has more to say")
    }

    /// All that is left. Nothing comes after the exit, and the supervisor goes too.
    pub(crate) fn hear_all(mut self) -> Vec<FromSupervisor> {
        let mut heard = Vec::new();
        while let Some(frame) = self.hear_next() {
            heard.push(frame);
        }
        self.end();
        heard
    }

    fn hear_next(&mut self) -> Option<FromSupervisor> {
        let from = self.from.as_mut().expect("the host listens");
        let mut length = [0; 4];
        match from.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
            other => other.expect("a readable pipe"),
        }
        let length = usize::try_from(u32::from_be_bytes(length)).expect("a length");
        assert!(length <= REPORT_FRAME_MAX, "a frame of {length} bytes");
        let mut body = vec![0; length];
        from.read_exact(&mut body).expect("the whole frame");
        Some(serde_json::from_slice(&body).expect("a frame of the protocol"))
    }

    pub(crate) fn leave(&mut self) {
        self.to = None;
    }

    pub(crate) fn stop_listening(&mut self) {
        self.from = None;
    }

    /// Waits until the supervisor is gone by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.supervisor.wait().expect("it is ours")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Not by a kill, which would leave the harness behind.
        self.leave();
        self.stop_listening();
        let _ = self.supervisor.wait();
    }
}

/// All that these frames say was printed to a stream.
pub(crate) fn output_of(frames: &[FromSupervisor], wanted: OutputStream) -> Vec<u8> {
    let printed = frames.iter().filter_map(|frame| match frame {
        FromSupervisor::Output { stream, data } if *stream == wanted => {
            Some(STANDARD.decode(data).expect("base64"))
        }
        _ => None,
    });
    printed.flatten().collect()
}
