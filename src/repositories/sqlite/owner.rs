use std::fs::File;
use std::io;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::repositories::RepositoryError;

/// Commands that wait for the connection. A caller beyond that waits for a place: one user's
/// requests never come near it, and memory stays bounded when the disk is slow.
const QUEUE: usize = 64;

type Command = Box<dyn FnOnce(&mut Connection) + Send>;

/// The thread that owns the connection.
#[derive(Debug)]
pub(super) struct Owner {
    /// `None` only while dropping.
    commands: Option<mpsc::Sender<Command>>,
    /// `None` only while dropping.
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Starts the thread; it closes the connection, then lets go of the lock.
    pub(super) fn spawn(connection: Connection, lock: File) -> io::Result<Self> {
        let (sender, mut commands) = mpsc::channel::<Command>(QUEUE);
        let thread = thread::Builder::new().name("sqlite".to_owned()).spawn(move || {
            let mut connection = connection;
            while let Some(command) = commands.blocking_recv() {
                command(&mut connection);
            }
            drop(connection);
            drop(lock);
        })?;
        Ok(Self { commands: Some(sender), thread: Some(thread) })
    }

    /// Runs work on the connection. Once queued it runs, whether or not its caller still waits.
    ///
    /// There is no deadline: a local file answers within [`super::BUSY_TIMEOUT`] or not at all,
    /// and abandoning a write whose outcome is then unknown would help nobody.
    pub(super) async fn call<T, W>(&self, work: W) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> Result<T, RepositoryError> + Send + 'static,
    {
        let ended = || RepositoryError::Failed("the database thread has ended".to_owned());
        let (reply, outcome) = oneshot::channel();
        let command: Command = Box::new(move |connection| {
            // Nobody waiting is no failure: the work is done.
            drop(reply.send(work(connection)));
        });
        let commands = self.commands.as_ref().ok_or_else(ended)?;
        commands.send(command).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for Owner {
    /// Waits for the commands under way: who opens the folder next finds it closed.
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database thread panicked");
        }
    }
}
