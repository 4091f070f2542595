use std::collections::BTreeMap;

use crate::contender::ContenderKind;
use crate::statistics;

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    StreamsPerSecond,
    CpuPerStream,
    ChunksPerSecond,
    ChunksPerCpuSecond,
    FramesPerChunk,
    PacedChunksPerSecond,
    PacedChunksPerCpuSecond,
    LatencyP50,
    LatencyP99,
    AddedLatencyP50,
    AddedLatencyP99,
    MemoryPerStream,
    StartEmpty,
    Start,
    IdleResident,
    IdleProportional,
}

/// What TESTER should reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// At least this share of nginx's figure.
    ShareOfNginx(f64),
    /// Less than this.
    Below(f64),
}

impl Figure {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 16] = [
        Self::StreamsPerSecond,
        Self::CpuPerStream,
        Self::ChunksPerSecond,
        Self::ChunksPerCpuSecond,
        Self::FramesPerChunk,
        Self::PacedChunksPerSecond,
        Self::PacedChunksPerCpuSecond,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::AddedLatencyP50,
        Self::AddedLatencyP99,
        Self::MemoryPerStream,
        Self::StartEmpty,
        Self::Start,
        Self::IdleResident,
        Self::IdleProportional,
    ];

    /// Its name in JSON.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::StreamsPerSecond => "streams_per_second",
            Self::CpuPerStream => "cpu_ms_per_stream",
            Self::ChunksPerSecond => "chunks_per_second",
            Self::ChunksPerCpuSecond => "chunks_per_cpu_second",
            Self::FramesPerChunk => "frames_per_chunk",
            Self::PacedChunksPerSecond => "paced_chunks_per_second",
            Self::PacedChunksPerCpuSecond => "paced_chunks_per_cpu_second",
            Self::LatencyP50 => "latency_p50_ms",
            Self::LatencyP99 => "latency_p99_ms",
            Self::AddedLatencyP50 => "added_latency_p50_ms",
            Self::AddedLatencyP99 => "added_latency_p99_ms",
            Self::MemoryPerStream => "memory_per_stream_kib",
            Self::StartEmpty => "start_empty_ms",
            Self::Start => "start_ms",
            Self::IdleResident => "idle_rss_mib",
            Self::IdleProportional => "idle_pss_mib",
        }
    }

    /// Its name for people, unit included.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::StreamsPerSecond => "short streams/s",
            Self::CpuPerStream => "CPU a short stream (ms)",
            Self::ChunksPerSecond => "chunks/s, saturated",
            Self::ChunksPerCpuSecond => "chunks per CPU second, saturated",
            Self::FramesPerChunk => "SSE frames a chunk, saturated",
            Self::PacedChunksPerSecond => "chunks/s, paced",
            Self::PacedChunksPerCpuSecond => "chunks per CPU second, paced",
            Self::LatencyP50 => "latency a chunk p50 (ms)",
            Self::LatencyP99 => "latency a chunk p99 (ms)",
            Self::AddedLatencyP50 => "added latency p50 (ms)",
            Self::AddedLatencyP99 => "added latency p99 (ms)",
            Self::MemoryPerStream => "memory an open stream (KiB)",
            Self::StartEmpty => "start to ready, empty data folder (ms)",
            Self::Start => "start to ready (ms)",
            Self::IdleResident => "idle memory, RSS (MiB)",
            Self::IdleProportional => "idle memory, PSS (MiB)",
        }
    }

    /// What TESTER should reach.
    pub(crate) const fn aim(self) -> Option<Aim> {
        match self {
            Self::ChunksPerCpuSecond => Some(Aim::ShareOfNginx(0.5)),
            Self::AddedLatencyP99 => Some(Aim::Below(2.0)),
            Self::MemoryPerStream => Some(Aim::Below(64.0)),
            Self::StartEmpty | Self::Start => Some(Aim::Below(100.0)),
            Self::IdleResident => Some(Aim::Below(25.0)),
            _ => None,
        }
    }
}

/// Everything measured: a value a round, start-ups one a start.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    values: BTreeMap<(Figure, ContenderKind), Vec<f64>>,
}

impl Readings {
    /// Keeps a value. A rate over no CPU tick at all, as in a very short window, is none.
    pub(crate) fn add(&mut self, figure: Figure, of: ContenderKind, value: f64) {
        if value.is_finite() {
            self.values.entry((figure, of)).or_default().push(value);
        }
    }

    /// All values in the order they were measured.
    pub(crate) fn values(&self, figure: Figure, of: ContenderKind) -> &[f64] {
        self.values.get(&(figure, of)).map_or(&[], Vec::as_slice)
    }

    /// The value of the current round.
    pub(crate) fn latest(&self, figure: Figure, of: ContenderKind) -> Option<f64> {
        self.values(figure, of).last().copied()
    }

    pub(crate) fn median(&self, figure: Figure, of: ContenderKind) -> Option<f64> {
        statistics::median(self.values(figure, of).to_vec())
    }

    pub(crate) fn minimum(&self, figure: Figure, of: ContenderKind) -> Option<f64> {
        self.values(figure, of).iter().copied().min_by(f64::total_cmp)
    }
}
