//! The attached streams of a container as the two directions of its channel.

use std::io;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future};
use tokio_util::io::StreamReader;
use tracing::debug;

use crate::sandbox::engine::FromSandbox;

/// How much of a supervisor's standard error is logged. It has little to say; a sandbox that is
/// taken over must not fill the log.
const LOGGED_BYTES: usize = 8 * 1024;

/// What a container writes to its standard output, taken out of the stream that carries both.
/// Its standard error goes to the log.
pub(super) fn standard_output(
    name: String,
    output: impl Stream<Item = Result<LogOutput, Error>> + Send + Unpin + 'static,
) -> FromSandbox {
    let mut complaints = Complaints { name, left: LOGGED_BYTES };
    let bytes = output.filter_map(move |item| {
        future::ready(match item {
            Ok(LogOutput::StdOut { message }) if !message.is_empty() => Some(Ok(message)),
            Ok(LogOutput::StdErr { message }) => {
                complaints.log(&message);
                None
            }
            // The daemon's framing is cut off in the middle when the connection is. The reader
            // sees the end, and that the last frame of the supervisor is missing.
            Ok(LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. }) => {
                None
            }
            Err(error) => Some(Err(io::Error::other(error))),
        })
    });
    Box::new(StreamReader::<_, Bytes>::new(bytes))
}

struct Complaints {
    name: String,
    left: usize,
}

impl Complaints {
    fn log(&mut self, message: &[u8]) {
        let message = &message[..message.len().min(self.left)];
        if !message.is_empty() {
            self.left -= message.len();
            let text = message.escape_ascii();
            debug!(container = self.name, "standard error of a sandbox: {text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn out(message: &'static str) -> LogOutput {
        LogOutput::StdOut { message: message.into() }
    }

    fn err(message: &'static str) -> LogOutput {
        LogOutput::StdErr { message: message.into() }
    }

    #[tokio::test]
    async fn standard_output_is_read_without_what_is_between() {
        let items = [out("one "), err("oh"), out(""), out("two")].map(Ok);
        let mut reader = standard_output("test".to_owned(), stream::iter(items));
        let mut text = String::new();
        reader.read_to_string(&mut text).await.expect("no item is an error");
        assert_eq!(text, "one two");
    }

    #[tokio::test]
    async fn a_broken_connection_is_an_error_and_not_an_end() {
        let items = [Ok(out("one")), Err(Error::RequestTimeoutError)];
        let mut reader = standard_output("test".to_owned(), stream::iter(items));
        let mut text = String::new();
        reader.read_to_string(&mut text).await.expect_err("the stream broke");
    }

    #[test]
    fn only_the_first_of_what_a_sandbox_complains_is_logged() {
        let mut complaints = Complaints { name: "test".to_owned(), left: 4 };
        complaints.log(b"abc");
        complaints.log(b"defg");
        complaints.log(b"h");
        assert_eq!(complaints.left, 0);
    }
}
