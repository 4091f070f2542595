use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::load::{Load, Pace, Plan, Progress};
use crate::options::Effort;
use crate::project::Project;
use crate::question::{Asked, Question};
use crate::readings::{Figure, Readings};
use crate::redis::Redis;
use crate::server::Server;
use crate::{cipher, folder, outage};

/// How often a load is looked at, for it may come to its end before the window does.
const POLL: Duration = Duration::from_millis(5);

/// Everything that runs in a round.
pub(crate) struct Stage {
    pub(crate) effort: Effort,
    pub(crate) project: Project,
    pub(crate) redis: Redis,
    /// With Redis.
    pub(crate) tester: Server,
    /// Without.
    pub(crate) without_redis: Server,
    pub(crate) folder: tempfile::TempDir,
}

/// What a load did while it was watched.
#[derive(Clone, Copy, Debug)]
struct Window {
    answers: f64,
    seconds: f64,
    /// CPU time of the server; `None` of the peer, whose process is ours.
    cpu_seconds: Option<f64>,
    /// Requests that reached Supabase.
    calls: f64,
}

/// What the counters say at one moment.
struct Look {
    progress: Progress,
    cpu_seconds: Option<f64>,
    calls: usize,
}

/// Takes every reading of one round, on servers and peers that are new.
pub(crate) fn round(effort: Effort, readings: &mut Readings) -> anyhow::Result<()> {
    say("encryption");
    cipher::measure(effort.cipher_window, readings).context("encryption")?;
    let mut stage = Stage::set_up(effort)?;
    for question in Question::ALL {
        say(question.title());
        let measured = stage.measure(question, readings);
        measured.map_err(|error| stage.explain(&error)).context(question.title())?;
    }
    outage::measure(&mut stage, readings).map_err(|error| stage.explain(&error))
}

pub(crate) fn say(what: &str) {
    eprintln!("    {what}");
}

impl Stage {
    fn set_up(effort: Effort) -> anyhow::Result<Self> {
        let folder = folder::scratch("data")?;
        let project = Project::start(effort)?;
        let redis = Redis::start(folder.path())?;
        let url = redis.url();
        let server = |name, redis| Server::start(name, project.peers(), redis, folder.path());
        let tester = server("tester", Some(&url))?;
        let without_redis = server("tester-without-redis", None)?;
        Ok(Self { effort, project, redis, tester, without_redis, folder })
    }

    /// An error with what the servers last said.
    fn explain(&self, error: &anyhow::Error) -> anyhow::Error {
        let (one, other) =
            (self.tester.process.last_words(), self.without_redis.process.last_words());
        anyhow!("{error:#}\nwith Redis: {one}\nwithout: {other}")
    }

    fn measure(&self, question: Question, readings: &mut Readings) -> anyhow::Result<()> {
        let server = match question.asked() {
            Asked::Tester => Some(&self.tester),
            Asked::WithoutRedis => Some(&self.without_redis),
            Asked::Peer => None,
        };
        let address = match server {
            Some(server) => server.address,
            None => self.project.supabase_address()?,
        };
        let load = Load::start(Plan {
            address,
            requests: question.requests(&self.project, address, self.effort),
            least_body: question.least_body(),
            connections: self.effort.connections,
            pace: Pace::Saturating,
        })?;
        std::thread::sleep(self.effort.warm_up);
        let window = self.watch(&load, server)?;
        load.finish()?;
        self.project.peers().supabase.forget_requests();

        readings.add(Figure::Rate(question), window.answers / window.seconds);
        if let Some(cpu) = window.cpu_seconds {
            readings.add(Figure::Cpu(question), cpu * 1e6 / window.answers);
            readings.add(Figure::Calls(question), window.calls / window.answers);
        }
        Ok(())
    }

    fn watch(&self, load: &Load, server: Option<&Server>) -> anyhow::Result<Window> {
        let before = self.look(load, server)?;
        let end = Instant::now() + self.effort.window;
        while Instant::now() < end && !load.is_used_up() {
            std::thread::sleep(POLL);
        }
        let after = self.look(load, server)?;
        let cpu_seconds = before.cpu_seconds.zip(after.cpu_seconds);
        Ok(Window {
            answers: count(after.progress.answers - before.progress.answers),
            seconds: (after.progress.at - before.progress.at).as_secs_f64(),
            cpu_seconds: cpu_seconds.map(|(before, after)| after - before),
            calls: count((after.calls - before.calls) as u64),
        })
    }

    fn look(&self, load: &Load, server: Option<&Server>) -> anyhow::Result<Look> {
        Ok(Look {
            progress: load.progress()?,
            cpu_seconds: server.map(|server| server.process.cpu_seconds()).transpose()?,
            calls: self.project.peers().supabase.request_count(),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) const fn count(number: u64) -> f64 {
    number as f64
}
