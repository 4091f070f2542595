use serde_json::{Value, json};

use crate::machine::Machine;
use crate::options::Effort;
use crate::page;
use crate::readings::{Figure, Readings};
use crate::tables;

/// The figures of a run, ready to be shown.
#[derive(Debug)]
pub(crate) struct Report<'run> {
    machine: Machine,
    effort: Effort,
    /// Version of the server.
    redis: &'run str,
    readings: &'run Readings,
}

impl<'run> Report<'run> {
    pub(crate) const fn new(
        machine: Machine,
        effort: Effort,
        redis: &'run str,
        readings: &'run Readings,
    ) -> Self {
        Self { machine, effort, redis, readings }
    }

    /// Markdown that is readable as it is.
    pub(crate) fn text(&self) -> String {
        let Self { machine, effort, redis, readings } = self;
        format!(
            "{machine};\nRedis {redis}. Median of {} rounds, and least and most of them.\n\n\
             {}\n\n{}\n\n{}",
            effort.rounds,
            tables::requests(readings),
            tables::ciphers(readings),
            tables::outages(readings),
        )
    }

    /// Everything, every single value included, on one line.
    pub(crate) fn json(&self) -> String {
        let figures = self.readings.all().map(|(figure, values)| self.figure(figure, values));
        let report = json!({
            "benchmark": "data",
            "machine": self.machine,
            "redis": self.redis,
            "effort": self.effort,
            "figures": figures.collect::<serde_json::Map<_, _>>(),
        });
        format!("{report}\n")
    }

    pub(crate) fn write_to_docs(&self) -> anyhow::Result<()> {
        page::keep("data", &self.text())
    }

    fn figure(&self, figure: Figure, values: &[f64]) -> (String, Value) {
        let spread = self.readings.spread(figure);
        let value = json!({
            "median": spread.map(|spread| spread.median),
            "minimum": spread.map(|spread| spread.minimum),
            "maximum": spread.map(|spread| spread.maximum),
            "values": values,
        });
        (figure.to_string(), value)
    }
}
