use std::fs::File;
use std::io;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::repositories::RepositoryError;

/// Commands that wait for the connection. A caller beyond that waits for a place: one user's
/// requests never come near it, and memory stays bounded when the disk is slow.
const QUEUE: usize = 64;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

enum Command {
    Run(Work),
    /// Close the file, let go of the lock, and say so.
    Close(oneshot::Sender<()>),
}

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
            let mut waiting = None;
            while let Some(command) = commands.blocking_recv() {
                match command {
                    Command::Run(work) => work(&mut connection),
                    Command::Close(closed) => {
                        waiting = Some(closed);
                        break;
                    }
                }
            }
            drop(connection);
            drop(lock);
            if let Some(closed) = waiting {
                // Nobody waiting is no failure: the file is closed.
                let _ = closed.send(());
            }
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
        let work: Work = Box::new(move |connection| {
            // Nobody waiting is no failure: the work is done.
            drop(reply.send(work(connection)));
        });
        let commands = self.commands.as_ref().ok_or_else(ended)?;
        commands.send(Command::Run(work)).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }

    /// Ends the thread after the commands that are queued; later ones fail.
    pub(super) async fn close(&self) {
        let (closed, confirmed) = oneshot::channel();
        if let Some(commands) = &self.commands
            && commands.send(Command::Close(closed)).await.is_ok()
        {
            // An error means that another call has closed it.
            drop(confirmed.await);
        }
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
