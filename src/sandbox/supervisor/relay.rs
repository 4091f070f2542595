use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};

use super::frames::Frames;
use super::gate::Gate;
use super::harness::{Harness, Heard};
use super::processes::{self, Ending};
use crate::sandbox::protocol::{
    EVENT_FRAME_MAX, FromSupervisor, JOB_FRAME_MAX, OutputStream, REPORT_FRAME_MAX, ToHarness,
    ToSupervisor, frame,
};

/// What a pipe holds, unless somebody asked for more. One read takes all of it.
const PIPE_BYTES: usize = 64 * 1024;
/// What a shell says when there is no such program.
const NOT_FOUND: i32 = 127;
/// How long a supervisor whose work is done waits for the host to hang up.
const LINGER: Duration = Duration::from_secs(2);

/// Stands between host and harness until one of them is gone.
#[derive(Debug)]
pub(super) struct Relay {
    host: Host,
    harness: Harness,
    /// What the harness said and is not yet a whole frame.
    said: Frames,
    gate: Gate,
    signals: SignalFd,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
struct Host {
    from: File,
    to: File,
    asked: Frames,
}

/// What there is to do after waiting.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each may be so without the others: there are no states"
)]
struct Awake {
    host_asks: bool,
    host_is_deaf: bool,
    signal: bool,
    harness_speaks: bool,
    harness_has_room: bool,
    output: [bool; 2],
}

impl Relay {
    /// Starts the harness. One that can't be started has ended as far as the host is concerned.
    pub(super) fn start(command_line: &[OsString]) -> io::Result<Self> {
        let mut host = Host::connect()?;
        let gate = Gate::with_fresh_token()?;
        let harness = match Harness::start(command_line) {
            Ok(harness) => harness,
            Err(error) => {
                let reason = format!("the harness can't be started: {error}\n");
                host.print(OutputStream::Stderr, reason.as_bytes())?;
                host.tell(&FromSupervisor::Exited { code: Some(NOT_FOUND), signal: None })?;
                return Err(error);
            }
        };
        // After the harness is there, as it would inherit the mask. A child that died before is
        // seen by the first look that `run` takes.
        let mask: SigSet = [Signal::SIGCHLD, Signal::SIGTERM].into_iter().collect();
        mask.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&mask, flags)?;
        let buffer = vec![0; PIPE_BYTES].into_boxed_slice();
        Ok(Self { host, harness, said: Frames::up_to(EVENT_FRAME_MAX), gate, signals, buffer })
    }

    /// Relays until the harness has ended, and everything with it.
    pub(super) fn run(mut self) -> io::Result<()> {
        let ending = loop {
            if let Some(ending) = processes::reap(self.harness.pid) {
                break ending;
            }
            self.turn()?;
        };
        // What it left running could still print, or speak in its name.
        processes::end_all();
        self.hear_out()?;
        self.host.tell(&match ending {
            Ending::Exited(code) => FromSupervisor::Exited { code: Some(code), signal: None },
            Ending::Killed(signal) => {
                FromSupervisor::Exited { code: None, signal: Some(signal as i32) }
            }
        })?;
        self.linger();
        Ok(())
    }

    /// Stays for a moment, until the host hangs up: the kernel's accounts of this sandbox are there
    /// for as long as somebody is in it, and the host is about to read them.
    fn linger(&mut self) {
        let end = Instant::now() + LINGER;
        let mut asked = [0; 256];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let mut ends = [
                PollFd::new(self.host.from.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            if !matches!(poll(&mut ends, left), Ok(1..)) {
                return;
            }
            let [host, _] = ends.map(|end| end.any().unwrap_or(true));
            // The end of the host's words is its end, and so is a request to stop; of children that
            // ended a word may still be waiting.
            let stop = |signal: siginfo| signal.ssi_signo == Signal::SIGTERM as u32;
            while let Ok(Some(signal)) = self.signals.read_signal() {
                if stop(signal) {
                    return;
                }
            }
            if host && !matches!(self.host.from.read(&mut asked), Ok(1..)) {
                return;
            }
        }
    }

    /// Waits until something happens and deals with it.
    fn turn(&mut self) -> io::Result<()> {
        let awake = self.wait()?;
        if awake.host_is_deaf {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the host no longer listens"));
        }
        if awake.signal {
            self.heed_signals()?;
        }
        if awake.host_asks {
            self.heed_host()?;
        }
        if awake.harness_has_room {
            self.harness.channel.flush();
        }
        if awake.harness_speaks {
            self.heed_harness()?;
        }
        for (index, _) in awake.output.into_iter().enumerate().filter(|(_, prints)| *prints) {
            self.relay_output(index)?;
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<Awake> {
        const CHANNEL: usize = 3;
        let Self { host, harness, signals, .. } = self;
        let channel = if harness.channel.has_unsent() {
            PollFlags::POLLIN | PollFlags::POLLOUT
        } else {
            PollFlags::POLLIN
        };
        // Those at their end are left out, or the wait would be over at once, every time. A
        // descriptor that is asked for nothing still tells when its other side is gone.
        let [stdout, stderr] = &harness.outputs;
        let sources = [
            (Some(host.from.as_fd()), PollFlags::POLLIN),
            (Some(host.to.as_fd()), PollFlags::empty()),
            (Some(signals.as_fd()), PollFlags::POLLIN),
            (harness.channel.socket.as_ref().map(|socket| socket.as_fd()), channel),
            (stdout.pipe.as_ref().map(|pipe| pipe.as_fd()), PollFlags::POLLIN),
            (stderr.pipe.as_ref().map(|pipe| pipe.as_fd()), PollFlags::POLLIN),
        ];
        let found = poll_open(sources)?;
        let ended = PollFlags::POLLHUP | PollFlags::POLLERR;
        let [asks, deaf, signal, _, stdout, stderr] = found.map(|seen| !seen.is_empty());
        Ok(Awake {
            host_asks: asks,
            host_is_deaf: deaf,
            signal,
            harness_speaks: found[CHANNEL].intersects(PollFlags::POLLIN | ended),
            harness_has_room: found[CHANNEL].contains(PollFlags::POLLOUT),
            output: [stdout, stderr],
        })
    }

    /// Children are looked at in every turn anyway; what is left is to be told to stop.
    fn heed_signals(&self) -> io::Result<()> {
        while let Some(signal) = self.signals.read_signal()? {
            let stop = i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32);
            // Within its namespace init is sent signals by user code too. Those from outside
            // have no sender there.
            if stop && (signal.ssi_pid == 0 || !processes::is_init()) {
                return Err(io::Error::other("told to stop"));
            }
        }
        Ok(())
    }

    fn heed_host(&mut self) -> io::Result<()> {
        match self.host.from.read(&mut self.buffer) {
            // Whether a job runs or none ever will: nobody is left to tell.
            Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the host left")),
            Ok(read) => self.host.asked.push(&self.buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        while let Some(asked) = self.host.asked.next()? {
            match serde_json::from_slice(&asked)? {
                ToSupervisor::Ping => self.host.tell(&FromSupervisor::Pong)?,
                ToSupervisor::Job(_) if !self.gate.hand_over_job() => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a second job"));
                }
                ToSupervisor::Job(job) => {
                    let token = self.gate.token();
                    self.harness.channel.send(&frame(&ToHarness::Job { token, job: &job })?);
                }
            }
        }
        Ok(())
    }

    /// One read's worth of what the harness says. True while there may be more.
    fn heed_harness(&mut self) -> io::Result<bool> {
        match self.harness.channel.read(&mut self.buffer) {
            Heard::Bytes(read) => self.said.push(&self.buffer[..read]),
            Heard::Nothing => return Ok(false),
            Heard::End => {
                let last_word = self.gate.end(self.said.is_inside_frame());
                self.relay_report(last_word)?;
                return Ok(false);
            }
        }
        while !self.gate.is_closed() {
            let report = match self.said.next() {
                Ok(Some(said)) => self.gate.judge(&said),
                Ok(None) => return Ok(true),
                Err(_) => self.gate.close("a frame that is too long"),
            };
            self.relay_report(report)?;
        }
        // Read on, so that nobody is held up by a full socket, but don't look at it.
        self.said = Frames::up_to(0);
        Ok(true)
    }

    /// What was printed before the harness spoke is in the pipes by now, and is relayed first:
    /// that is how the host knows which test printed it.
    fn relay_report(&mut self, report: Option<FromSupervisor>) -> io::Result<()> {
        let Some(report) = report else { return Ok(()) };
        for index in 0..self.harness.outputs.len() {
            self.drain_output(index, PIPE_BYTES)?;
        }
        let bytes = frame(&report)?;
        if bytes.len() > REPORT_FRAME_MAX {
            // Left out fields are spelled out again, which honest events don't need.
            let refusal = self.gate.close("an event that is too long");
            return refusal.map_or(Ok(()), |refusal| self.host.tell(&refusal));
        }
        self.host.to.write_all(&bytes)?;
        if self.gate.is_waited_at() && matches!(report, FromSupervisor::Event { .. }) {
            self.harness.channel.send(&frame(&ToHarness::Ack)?);
        }
        Ok(())
    }

    /// One read's worth of output. `None` when there was none.
    fn relay_output(&mut self, index: usize) -> io::Result<Option<usize>> {
        let output = &mut self.harness.outputs[index];
        let Heard::Bytes(read) = output.read(&mut self.buffer) else { return Ok(None) };
        self.host.print(output.stream, &self.buffer[..read])?;
        Ok(Some(read))
    }

    /// Relays what is there, but no more than this: a writer that never stops can't hold up
    /// what else there is to do.
    fn drain_output(&mut self, index: usize, most: usize) -> io::Result<()> {
        let mut drained = 0;
        while drained < most
            && let Some(read) = self.relay_output(index)?
        {
            drained += read;
        }
        Ok(())
    }

    /// Relays all that is left when nobody lives who could add to it.
    fn hear_out(&mut self) -> io::Result<()> {
        while self.heed_harness()? {}
        for index in 0..self.harness.outputs.len() {
            self.drain_output(index, usize::MAX)?;
        }
        Ok(())
    }
}

impl Host {
    /// The descriptors themselves: std's handles buffer, and the harness must not inherit them.
    fn connect() -> io::Result<Self> {
        let from = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { from, to, asked: Frames::up_to(JOB_FRAME_MAX) })
    }

    /// Blocks while the host reads slower than the sandbox writes, and with it the sandbox.
    fn tell(&mut self, report: &FromSupervisor) -> io::Result<()> {
        self.to.write_all(&frame(report)?)
    }

    fn print(&mut self, stream: OutputStream, bytes: &[u8]) -> io::Result<()> {
        self.tell(&FromSupervisor::Output { stream, data: STANDARD.encode(bytes) })
    }
}

/// Waits until one of those that are there has something.
fn poll_open<const N: usize>(
    sources: [(Option<BorrowedFd<'_>>, PollFlags); N],
) -> io::Result<[PollFlags; N]> {
    let mut open: Vec<PollFd<'_>> = Vec::with_capacity(N);
    open.extend(sources.iter().filter_map(|(fd, events)| Some(PollFd::new((*fd)?, *events))));
    match poll(&mut open, PollTimeout::NONE) {
        Ok(_) => {}
        Err(nix::errno::Errno::EINTR) => return Ok([PollFlags::empty(); N]),
        Err(error) => return Err(error.into()),
    }
    let mut results = open.iter().map(|fd| fd.revents().unwrap_or(PollFlags::all()));
    Ok(sources.map(|(fd, _)| fd.and_then(|_| results.next()).unwrap_or(PollFlags::empty())))
}
