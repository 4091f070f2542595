use std::ffi::OsString;
use std::io::{self, PipeReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

use crate::sandbox::protocol::OutputStream;

/// The one child of a supervisor, and the three ways to hear from it. None of them ever blocks.
#[derive(Debug)]
pub(super) struct Harness {
    pub(super) pid: Pid,
    pub(super) channel: Channel,
    pub(super) outputs: [Output; 2],
}

/// The socket that is its fd 0.
#[derive(Debug)]
pub(super) struct Channel {
    /// `None` when nothing more can come.
    pub(super) socket: Option<UnixStream>,
    /// What the socket had no room for yet.
    unsent: Vec<u8>,
}

/// What it, or anything it started, prints.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) stream: OutputStream,
    /// `None` when nobody is left that could print.
    pub(super) pipe: Option<PipeReader>,
}

/// What reading without waiting brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Bytes(usize),
    Nothing,
    End,
}

impl Harness {
    /// Starts it. It inherits the environment, and three descriptors and no other: everything
    /// that std opens is close-on-exec.
    pub(super) fn start(command_line: &[OsString]) -> io::Result<Self> {
        let (program, arguments) = command_line
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no harness is named"))?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (stdout, stdout_writer) = output(OutputStream::Stdout)?;
        let (stderr, stderr_writer) = output(OutputStream::Stderr)?;
        // The command owns the other ends; they close here when it goes at the end of this
        // statement, so that an end of file means what it says.
        let child = Command::new(program)
            .args(arguments)
            .stdin(OwnedFd::from(theirs))
            .stdout(stdout_writer)
            .stderr(stderr_writer)
            .spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        Ok(Self {
            pid: Pid::from_raw(pid),
            channel: Channel { socket: Some(ours), unsent: Vec::new() },
            outputs: [stdout, stderr],
        })
    }
}

fn output(stream: OutputStream) -> io::Result<(Output, Stdio)> {
    let (reader, writer) = io::pipe()?;
    // Of this end alone: the writing end is another description and stays as user code expects.
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((Output { stream, pipe: Some(reader) }, writer.into()))
}

impl Channel {
    /// Sends now what there is room for, and keeps the rest for [`Channel::flush`].
    pub(super) fn send(&mut self, frame: &[u8]) {
        self.unsent.extend_from_slice(frame);
        self.flush();
    }

    pub(super) const fn has_unsent(&self) -> bool {
        self.socket.is_some() && !self.unsent.is_empty()
    }

    /// A harness that no longer listens is noticed by its exit, not here.
    pub(super) fn flush(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        while !self.unsent.is_empty() {
            match socket.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => break,
            }
        }
        // A job is megabytes at most, and idle memory counts: give it back.
        self.unsent = Vec::new();
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Heard {
        read_now(&mut self.socket, buffer)
    }
}

impl Output {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Heard {
        read_now(&mut self.pipe, buffer)
    }
}

/// Reads what is there; forgets the source at its end, so that nobody polls it in vain.
fn read_now(source: &mut Option<impl io::Read>, buffer: &mut [u8]) -> Heard {
    let Some(reader) = source else { return Heard::End };
    loop {
        match reader.read(buffer) {
            Ok(0) => break,
            Ok(read) => return Heard::Bytes(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
            // A reset: the other side left with our job unread.
            Err(_) => break,
        }
    }
    *source = None;
    Heard::End
}
