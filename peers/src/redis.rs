//! Something that listens where Redis should: it understands commands, remembers them, and answers
//! what the test wants. For what a real server never does, or not on command.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What a peer answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// What a server says that holds nothing and forbids nothing; of a script, that it counted one
    /// action.
    Empty,
    /// These bytes to every command.
    Bytes(&'static [u8]),
    /// These bytes to commands of this name, else as [`Answer::Empty`].
    To(&'static str, &'static [u8]),
    /// Nothing, ever.
    Silence,
    /// Nothing; the connection is closed.
    Close,
}

/// A running peer. Dropping it stops it and breaks its connections.
#[derive(Debug)]
pub struct RedisPeer {
    address: SocketAddr,
    accept_loop: JoinHandle<()>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answer: Mutex<Answer>,
    accepted: AtomicUsize,
    /// Open connections.
    open: watch::Sender<usize>,
    commands: watch::Sender<Vec<Vec<String>>>,
}

impl RedisPeer {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(answer: Answer) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer),
            accepted: AtomicUsize::new(0),
            open: watch::Sender::default(),
            commands: watch::Sender::default(),
        });
        let held = Arc::clone(&shared);
        let accept_loop = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        held.accepted.fetch_add(1, Ordering::SeqCst);
                        held.open.send_modify(|open| *open += 1);
                        let shared = Arc::clone(&held);
                        connections.spawn(async move {
                            // A broken connection is no news to a peer.
                            let _ = shared.serve(stream).await;
                            shared.open.send_modify(|open| *open -= 1);
                        });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, accept_loop, shared })
    }

    /// Answers differently from now on.
    pub fn set_answer(&self, answer: Answer) {
        *lock(&self.shared.answer) = answer;
    }

    /// `REDIS_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Connections made to it so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Waits until nobody is connected.
    pub async fn left_alone(&self) {
        let mut open = self.shared.open.subscribe();
        open.wait_for(|open| *open == 0).await.map(drop).expect("the peer holds the sender");
    }

    /// Every command that came, oldest first, its name in upper case; what is no text is made one.
    #[must_use]
    pub fn commands(&self) -> Vec<Vec<String>> {
        self.shared.commands.borrow().clone()
    }

    /// Waits until a command has come that begins with these words, and tells how many came
    /// before it.
    pub async fn asked(&self, words: &[&str]) -> usize {
        let mut commands = self.shared.commands.subscribe();
        let commands = commands
            .wait_for(|commands| position(commands, words).is_some())
            .await
            .expect("the peer holds the sender");
        position(&commands, words).expect("it was there a moment ago, and commands only come")
    }
}

fn position(commands: &[Vec<String>], words: &[&str]) -> Option<usize> {
    commands.iter().position(|command| {
        command.len() >= words.len() && command.iter().zip(words).all(|(held, word)| held == word)
    })
}

impl Drop for RedisPeer {
    fn drop(&mut self) {
        self.accept_loop.abort();
    }
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut unread = Vec::new();
        while stream.read_buf(&mut unread).await? > 0 {
            while let Some((command, used)) = parse(&unread) {
                unread.drain(..used);
                let name = command.first().cloned().unwrap_or_default();
                self.commands.send_modify(|commands| commands.push(command));
                let answer = lock(&self.answer).clone();
                let bytes = match answer {
                    Answer::Close => return Ok(()),
                    Answer::Silence => continue,
                    Answer::Bytes(bytes) => bytes,
                    Answer::To(asked, bytes) if asked == name => bytes,
                    Answer::To(..) | Answer::Empty => of_an_empty_server(&name),
                };
                stream.write_all(bytes).await?;
            }
        }
        Ok(())
    }
}

fn of_an_empty_server(name: &str) -> &'static [u8] {
    match name {
        "PING" => b"+PONG\r\n",
        "GETRANGE" => b"$0\r\n\r\n",
        "EVALSHA" => b"*2\r\n:1\r\n:-1\r\n",
        _ => b"+OK\r\n",
    }
}

/// The first command and its length; `None` when it is not all there. A command is an array of bulk
/// strings or, as a server takes it from whoever speaks something else, a line of words.
fn parse(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    if *bytes.first()? != b'*' {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8_lossy(&bytes[..end]);
        return Some((line.split_whitespace().map(str::to_owned).collect(), end + 2));
    }
    let (words, mut position) = length_line(bytes, b'*')?;
    let mut command = Vec::new();
    for _ in 0..words {
        let (length, line) = length_line(&bytes[position..], b'$')?;
        let start = position + line;
        let word = bytes.get(start..start + length + 2)?;
        command.push(String::from_utf8_lossy(&word[..length]).into_owned());
        position = start + length + 2;
    }
    if let Some(name) = command.first_mut() {
        name.make_ascii_uppercase();
    }
    Some((command, position))
}

fn length_line(bytes: &[u8], kind: u8) -> Option<(usize, usize)> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let digits = bytes[..end].strip_prefix(&[kind])?;
    let length = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((length, end + 2))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed in another thread must not hide its message behind this one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
