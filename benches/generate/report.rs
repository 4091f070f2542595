use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::contender::ContenderKind;
use crate::figure::{Aim, Figure, Readings};
use crate::machine::Machine;
use crate::options::Effort;

/// The lines of docs/benchmarks.md between which the last run stands.
const BEGIN: &str = "<!-- bench generate: last run -->";
const END: &str = "<!-- bench generate: end -->";

/// The figures of a run, ready to be shown.
#[derive(Debug)]
pub(crate) struct Report<'run> {
    machine: Machine,
    effort: Effort,
    readings: &'run Readings,
}

impl<'run> Report<'run> {
    pub(crate) fn new(machine: Machine, effort: Effort, readings: &'run Readings) -> Self {
        Self { machine, effort, readings }
    }

    /// A Markdown table that is readable as it is.
    pub(crate) fn table(&self) -> String {
        let head = ["figure", "peer", "nginx", "tester", "tester/nginx", "aim", "met"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(Figure::ALL.map(|figure| self.row(figure)));
        let widths: Vec<usize> = (0..head.len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
        let dashes = widths.iter().enumerate().map(|(column, &width)| match column {
            0 => format!(":{}", "-".repeat(width - 1)),
            _ => format!("{}:", "-".repeat(width - 1)),
        });
        lines.insert(1, line(&dashes.collect::<Vec<_>>(), &widths));
        lines.join("\n")
    }

    /// Everything, every single value included, on one line.
    pub(crate) fn json(&self) -> String {
        let figures: serde_json::Map<String, Value> = Figure::ALL
            .into_iter()
            .map(|figure| {
                let mut value = json!({
                    "tester_to_nginx": self.ratio(figure),
                    "aim_met": self.meets_aim(figure),
                });
                for kind in ContenderKind::ALL {
                    value[kind.to_string()] = json!({
                        "median": self.readings.median(figure, kind),
                        "minimum": self.readings.minimum(figure, kind),
                        "values": self.readings.values(figure, kind),
                    });
                }
                (figure.key().to_owned(), value)
            })
            .collect();
        let report = json!({
            "benchmark": "generate",
            "machine": self.machine,
            "effort": self.effort,
            "figures": figures,
        });
        format!("{report}\n")
    }

    /// Whether any aim that could be judged is missed.
    pub(crate) fn misses_an_aim(&self) -> bool {
        Figure::ALL.into_iter().any(|figure| self.meets_aim(figure) == Some(false))
    }

    /// Replaces the last run in docs/benchmarks.md.
    pub(crate) fn write_to_docs(&self) -> anyhow::Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
        let page = std::fs::read_to_string(&path).context("reading docs/benchmarks.md")?;
        let (before, rest) = page.split_once(BEGIN).context("docs/benchmarks.md: no begin mark")?;
        let (_, after) = rest.split_once(END).context("docs/benchmarks.md: no end mark")?;
        let Machine { date, commit, profile, cpu, cores, memory, kernel, rustc, nginx } =
            &self.machine;
        let rounds = self.effort.rounds;
        let page = format!(
            "{before}{BEGIN}\n\n\
             {date}, commit `{commit}` ({profile} build, {rustc}), median of {rounds} rounds, on\n\
             {cpu}, {cores} cores, {memory} of memory, Linux {kernel}; nginx {nginx}.\n\n\
             {table}\n\n{END}{after}",
            table = self.table(),
        );
        std::fs::write(&path, page).context("writing docs/benchmarks.md")
    }

    fn row(&self, figure: Figure) -> [String; 7] {
        let value = |kind| self.readings.median(figure, kind).map_or_else(none, number);
        [
            figure.title().to_owned(),
            value(ContenderKind::Peer),
            value(ContenderKind::Nginx),
            value(ContenderKind::Tester),
            self.ratio(figure).map_or_else(none, |ratio| format!("{ratio:.2}")),
            match figure.aim() {
                None => none(),
                Some(Aim::Below(limit)) => format!("< {limit}"),
                Some(Aim::ShareOfNginx(share)) => format!("≥ {share} × nginx"),
            },
            match self.meets_aim(figure) {
                None => none(),
                Some(true) => "yes".to_owned(),
                Some(false) => "no".to_owned(),
            },
        ]
    }

    fn ratio(&self, figure: Figure) -> Option<f64> {
        let nginx = self.readings.median(figure, ContenderKind::Nginx)?;
        let tester = self.readings.median(figure, ContenderKind::Tester)?;
        // A difference that is nought or less within the noise has no meaningful ratio.
        (nginx > 0.0).then(|| tester / nginx)
    }

    fn meets_aim(&self, figure: Figure) -> Option<bool> {
        match figure.aim()? {
            Aim::ShareOfNginx(share) => Some(self.ratio(figure)? >= share),
            Aim::Below(limit) => Some(self.readings.median(figure, ContenderKind::Tester)? < limit),
        }
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| {
        let gap = " ".repeat(width - cell.chars().count());
        if column == 0 { format!("{cell}{gap}") } else { format!("{gap}{cell}") }
    });
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

/// Three significant digits where it matters, none behind the point of large numbers.
fn number(value: f64) -> String {
    match value.abs() {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn none() -> String {
    "—".to_owned()
}
