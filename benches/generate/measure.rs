use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use tester_peers::paced::{Pace, PacedPeer, Script};

use crate::contender::{Contender, ContenderKind};
use crate::figure::{Figure, Readings};
use crate::folder;
use crate::load::{Load, Plan};
use crate::memory::Memory;
use crate::options::Effort;
use crate::peer_thread::PeerThread;

/// Longest wait for all streams of a load to begin.
const OPEN_PATIENCE: Duration = Duration::from_secs(20);

/// How long allocator and kernel may settle before memory is read.
const SETTLE: Duration = Duration::from_millis(300);

/// Streams that a fresh server serves before memory is read, so that code and tables that the
/// first streams fault in are not charged to the open ones.
const WARM_UP_STREAMS: u32 = 16;

/// The measuring: one peer for all contenders, the same load on each.
#[derive(Debug)]
pub(crate) struct Bench {
    effort: Effort,
    epoch: Instant,
    peer: PeerThread<PacedPeer>,
}

/// What a load did while it was watched.
#[derive(Clone, Copy, Debug)]
struct Window {
    streams: f64,
    chunks: f64,
    frames: f64,
    seconds: f64,
    /// `None` for the peer, whose process is ours.
    cpu_seconds: Option<f64>,
}

impl Bench {
    pub(crate) fn start(effort: Effort) -> anyhow::Result<Self> {
        let epoch = Instant::now();
        let script = Script { chunks: 1, pace: Pace::Unpaced };
        let peer = PeerThread::start(PacedPeer::start(epoch, script))?;
        Ok(Self { effort, epoch, peer })
    }

    /// Takes every reading of one contender.
    pub(crate) fn measure(
        &self,
        kind: ContenderKind,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        if kind != ContenderKind::Peer {
            self.measure_starts(kind, readings).context("starting up")?;
        }
        let folder = folder::scratch("generate")?;
        let (contender, _) = Contender::start(kind, self.peer.peer(), folder.path())?;
        let measured = self.measure_running(kind, &contender, readings);
        measured.map_err(|error| match &contender.process {
            Some(process) => anyhow!("{error:#}\n{}", process.last_words()),
            None => error,
        })
    }

    fn measure_starts(&self, kind: ContenderKind, readings: &mut Readings) -> anyhow::Result<()> {
        for _ in 0..self.effort.starts {
            let folder = folder::scratch("generate")?;
            for figure in [Figure::StartEmpty, Figure::Start] {
                let time = self.time_start(kind, folder.path())?;
                readings.add(figure, kind, milliseconds(time));
            }
        }
        Ok(())
    }

    fn time_start(&self, kind: ContenderKind, folder: &Path) -> anyhow::Result<Duration> {
        let (_stopped_on_drop, time) = Contender::start(kind, self.peer.peer(), folder)?;
        Ok(time)
    }

    fn measure_running(
        &self,
        kind: ContenderKind,
        contender: &Contender,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        // Memory first: what a heavier load leaves in the allocator would hide what streams take.
        self.measure_memory(kind, contender, readings).context("memory")?;
        self.measure_paced(kind, contender, readings).context("open paced streams")?;
        self.measure_short(kind, contender, readings).context("short streams")?;
        self.measure_saturated(kind, contender, readings).context("saturating streams")
    }

    fn measure_memory(
        &self,
        kind: ContenderKind,
        contender: &Contender,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        let Some(process) = &contender.process else { return Ok(()) };
        std::thread::sleep(SETTLE);
        let idle = Memory::of(process)?;
        readings.add(Figure::IdleResident, kind, idle.resident_kib / 1024.0);
        readings.add(Figure::IdleProportional, kind, idle.proportional_kib / 1024.0);

        let chunks = self.effort.short_chunks;
        let warm_up = self.load(contender, 4, Script { chunks, pace: Pace::Unpaced })?;
        warm_up.wait_for_streams(WARM_UP_STREAMS.into(), OPEN_PATIENCE)?;
        warm_up.finish()?;
        std::thread::sleep(SETTLE);

        let before = Memory::of(process)?;
        let streams = self.effort.open_streams;
        let held = Script { chunks: u32::MAX, pace: Pace::HeldOpen };
        let load = self.load(contender, streams, held)?;
        load.wait_until_open(streams, OPEN_PATIENCE)?;
        std::thread::sleep(SETTLE);
        let grown = Memory::of(process)?.resident_kib - before.resident_kib;
        readings.add(Figure::MemoryPerStream, kind, grown / f64::from(streams));
        load.finish()?;
        Ok(())
    }

    fn measure_paced(
        &self,
        kind: ContenderKind,
        contender: &Contender,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        let Effort { open_streams, interval, warm_up, paced_window, .. } = self.effort;
        let script = Script { chunks: self.effort.paced_chunks(), pace: Pace::Every(interval) };
        let load = self.load(contender, open_streams, script)?;
        load.wait_until_open(open_streams, OPEN_PATIENCE)?;
        std::thread::sleep(warm_up);
        load.sample();
        let window = watch(&load, contender, paced_window)?;
        let samples = load.finish()?;

        readings.add(Figure::PacedChunksPerSecond, kind, window.chunks / window.seconds);
        if let Some(cpu) = window.cpu_seconds {
            readings.add(Figure::PacedChunksPerCpuSecond, kind, window.chunks / cpu);
        }
        let figures = [
            (50, Figure::LatencyP50, Figure::AddedLatencyP50),
            (99, Figure::LatencyP99, Figure::AddedLatencyP99),
        ];
        for (percent, latency, added) in figures {
            let value = samples.quantile(percent).context("no chunk arrived in the window")?;
            readings.add(latency, kind, milliseconds(value));
            let floor = readings.latest(latency, ContenderKind::Peer);
            if let Some(floor) = floor.filter(|_| kind != ContenderKind::Peer) {
                readings.add(added, kind, milliseconds(value) - floor);
            }
        }
        Ok(())
    }

    fn measure_short(
        &self,
        kind: ContenderKind,
        contender: &Contender,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        let script = Script { chunks: self.effort.short_chunks, pace: Pace::Unpaced };
        let load = self.load(contender, self.effort.short_connections, script)?;
        std::thread::sleep(self.effort.warm_up);
        let window = watch(&load, contender, self.effort.window)?;
        load.finish()?;
        readings.add(Figure::StreamsPerSecond, kind, window.streams / window.seconds);
        if let Some(cpu) = window.cpu_seconds {
            readings.add(Figure::CpuPerStream, kind, cpu * 1_000.0 / window.streams);
        }
        Ok(())
    }

    fn measure_saturated(
        &self,
        kind: ContenderKind,
        contender: &Contender,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        let script = Script { chunks: self.effort.long_chunks, pace: Pace::Unpaced };
        let load = self.load(contender, self.effort.saturating_connections, script)?;
        std::thread::sleep(self.effort.warm_up);
        let window = watch(&load, contender, self.effort.window)?;
        load.finish()?;
        readings.add(Figure::ChunksPerSecond, kind, window.chunks / window.seconds);
        readings.add(Figure::FramesPerChunk, kind, window.frames / window.chunks);
        if let Some(cpu) = window.cpu_seconds {
            readings.add(Figure::ChunksPerCpuSecond, kind, window.chunks / cpu);
        }
        Ok(())
    }

    fn load(
        &self,
        contender: &Contender,
        connections: u32,
        script: Script,
    ) -> anyhow::Result<Load> {
        self.peer.peer().play(script);
        Load::start(Plan {
            address: contender.address,
            api: contender.api,
            connections,
            chunks: script.chunks,
            epoch: self.epoch,
        })
    }
}

fn watch(load: &Load, contender: &Contender, time: Duration) -> anyhow::Result<Window> {
    let cpu = || contender.process.as_ref().map(crate::process::ServerProcess::cpu_seconds);
    let (before, cpu_before) = (load.progress()?, cpu().transpose()?);
    std::thread::sleep(time);
    let (after, cpu_after) = (load.progress()?, cpu().transpose()?);
    Ok(Window {
        streams: difference(before.streams, after.streams),
        chunks: difference(before.chunks, after.chunks),
        frames: difference(before.frames, after.frames),
        seconds: (after.at - before.at).as_secs_f64(),
        cpu_seconds: cpu_before.zip(cpu_after).map(|(before, after)| after - before),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn difference(before: u64, after: u64) -> f64 {
    after.saturating_sub(before) as f64
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
