//! What Redis adds to the wait for an answer: there, away, and coming and going.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;

use crate::crew::Samples;
use crate::load::{Load, Pace, Plan};
use crate::measure::{Stage, count, say};
use crate::process::free_address;
use crate::project::TokenKind;
use crate::question::Question;
use crate::readings::{Figure, Readings};
use crate::server::Server;

/// What no request should wait for Redis. A request that takes longer as a whole is counted.
pub(crate) const SLOW: Duration = Duration::from_millis(50);

/// What is asked, both at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    Status,
    History,
}

/// How Redis is meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RedisState {
    /// Nobody knows of one: there is no `REDIS_URL`.
    Unknown,
    /// It answers.
    Up,
    /// Its port is closed.
    Down,
    /// It stops and continues every 200 ms; once it is killed and comes back empty.
    Flapping,
}

/// What is told of the latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    P50,
    P99,
    Max,
    /// The share of those above [`SLOW`], in percent.
    Slow,
}

impl Route {
    pub(crate) const ALL: [Self; 2] = [Self::Status, Self::History];

    /// What is asked; a server without Redis is asked the same.
    const fn question(self) -> Question {
        match self {
            Self::Status => Question::Status(TokenKind::Hs256),
            Self::History => Question::HistoryHit(TokenKind::Hs256),
        }
    }
}

impl RedisState {
    /// All, what the others are compared with first.
    pub(crate) const ALL: [Self; 4] = [Self::Unknown, Self::Up, Self::Down, Self::Flapping];
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::P50, Self::P99, Self::Max, Self::Slow];

    fn of(self, samples: &Samples) -> Option<f64> {
        let quantile = |percent| samples.quantile(percent).map(|time| time.as_secs_f64() * 1_000.0);
        match self {
            Self::P50 => quantile(50),
            Self::P99 => quantile(99),
            Self::Max => quantile(100),
            Self::Slow => {
                let all = &samples.0;
                let slow = all.iter().filter(|time| Duration::from_nanos(**time) > SLOW).count();
                (!all.is_empty()).then(|| count(slow as u64) * 100.0 / count(all.len() as u64))
            }
        }
    }
}

/// Takes the readings of one round.
pub(crate) fn measure(stage: &mut Stage, readings: &mut Readings) -> anyhow::Result<()> {
    for state in RedisState::ALL {
        say(&format!("latency, Redis {state}"));
        measure_state(stage, state, readings).with_context(|| format!("Redis {state}"))?;
    }
    Ok(())
}

fn measure_state(
    servers: &mut Stage,
    state: RedisState,
    readings: &mut Readings,
) -> anyhow::Result<()> {
    let away = match state {
        RedisState::Down => Some(start_without_its_redis(servers)?),
        RedisState::Unknown | RedisState::Up | RedisState::Flapping => None,
    };
    let server = match (state, &away) {
        (_, Some(server)) => server,
        (RedisState::Unknown, None) => &servers.without_redis,
        (_, None) => &servers.tester,
    };
    let loads = Route::ALL.map(|route| start(servers, server, route));
    let loads = loads.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    std::thread::sleep(servers.effort.warm_up);
    loads.iter().for_each(Load::sample);
    match state {
        RedisState::Flapping => servers.redis.flap(servers.effort.paced_window)?,
        RedisState::Unknown | RedisState::Up | RedisState::Down => {
            std::thread::sleep(servers.effort.paced_window);
        }
    }
    for (route, load) in Route::ALL.into_iter().zip(loads) {
        let samples = load.finish().with_context(|| route.to_string())?;
        for part in Part::ALL {
            let value = part.of(&samples).context("no answer in the window")?;
            readings.add(Figure::Latency(route, state, part), value);
        }
    }
    servers.project.peers().supabase.forget_requests();
    Ok(())
}

fn start(stage: &Stage, server: &Server, route: Route) -> anyhow::Result<Load> {
    let question = route.question();
    Load::start(Plan {
        address: server.address,
        requests: question.requests(&stage.project, server.address, stage.effort),
        least_body: question.least_body(),
        connections: stage.effort.paced_connections,
        pace: Pace::Every(stage.effort.interval),
    })
}

/// A server that is told of a Redis where nobody listens.
fn start_without_its_redis(stage: &Stage) -> anyhow::Result<Server> {
    let url = format!("redis://{}", free_address()?);
    let (peers, folder) = (stage.project.peers(), stage.folder.path());
    Server::start("tester-redis-down", peers, Some(&url), folder)
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::History => "history",
        })
    }
}

impl fmt::Display for RedisState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
            Self::Flapping => "flapping",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P50 => "p50_ms",
            Self::P99 => "p99_ms",
            Self::Max => "max_ms",
            Self::Slow => "over_50_ms_percent",
        })
    }
}
