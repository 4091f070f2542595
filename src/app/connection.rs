//! What no connection may do: stay though nothing can be written to it.
//!
//! actix bounds the head of a connection's first request, bodies are bounded where they are read.
//! What is left is whoever stops reading an answer, sends the head of a later request byte by byte,
//! or never ends a body that nobody wants: nothing is written to any of them.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection that breaks when it took no byte for as long as this.
pub(super) struct Connection<T> {
    io: T,
    limit: Duration,
    /// When it last took a byte, or was made.
    written: Instant,
    /// Set anew only when it rings, so that a write costs a look at the clock and no more.
    alarm: Pin<Box<Sleep>>,
}

impl<T> Connection<T> {
    pub(super) fn new(io: T, limit: Duration) -> Self {
        Self { io, limit, written: Instant::now(), alarm: Box::pin(sleep(limit)) }
    }

    /// Fails once the time is up; wakes the task when it might be.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.alarm.as_mut().poll(cx).is_ready() {
            let due = self.written + self.limit;
            if due <= Instant::now() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(due);
        }
        Ok(())
    }

    fn wrote(&mut self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        self.written = Instant::now();
        Poll::Ready(written)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Also when there is something to read: there always is from a body without an end.
        self.check(cx)?;
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(cx, bytes) {
            Poll::Ready(written) => self.wrote(written),
            Poll::Pending => {
                self.check(cx)?;
                Poll::Pending
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write_vectored(cx, slices) {
            Poll::Ready(written) => self.wrote(written),
            Poll::Pending => {
                self.check(cx)?;
                Poll::Pending
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_mins(2);
    const ALMOST: Duration = Duration::from_secs(119);

    #[tokio::test(start_paused = true)]
    async fn a_read_fails_when_nothing_was_written_for_as_long_as_allowed() {
        let (ours, _theirs) = duplex(64);
        let mut connection = Connection::new(ours, LIMIT);
        let started = Instant::now();
        let error = connection.read_u8().await.expect_err("nothing is sent");
        assert_eq!((error.kind(), started.elapsed()), (ErrorKind::TimedOut, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_does_not_count() {
        let (ours, mut theirs) = duplex(1);
        let mut connection = Connection::new(ours, LIMIT);
        let trickle = tokio::spawn(async move {
            // Ends when the other side is gone.
            while theirs.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut bytes = Vec::new();
        let error = connection.read_to_end(&mut bytes).await.expect_err("it has no end");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(bytes.len() > 100, "{}", bytes.len());
        drop(connection);
        trickle.await.expect("no panic");
    }

    #[tokio::test(start_paused = true)]
    async fn every_byte_that_is_written_gives_the_whole_time_again() {
        let (ours, mut theirs) = duplex(64);
        let mut connection = Connection::new(ours, LIMIT);
        for _ in 0..5 {
            tokio::time::sleep(ALMOST).await;
            connection.write_all(b"x").await.expect("there is room");
        }
        theirs.write_all(b"y").await.expect("there is room");
        assert_eq!(connection.read_u8().await.expect("in time"), b'y');
        let written = Instant::now();
        let error = connection.read_u8().await.expect_err("nothing is sent");
        assert_eq!((error.kind(), written.elapsed()), (ErrorKind::TimedOut, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_takes_fails() {
        let (ours, _theirs) = duplex(8);
        let mut connection = Connection::new(ours, LIMIT);
        let started = Instant::now();
        let error = connection.write_all(&[0; 9]).await.expect_err("there is room for eight");
        assert_eq!((error.kind(), started.elapsed()), (ErrorKind::TimedOut, LIMIT));
    }
}
