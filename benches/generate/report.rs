use serde_json::{Value, json};

use crate::contender::{self, ContenderKind};
use crate::figure::{Aim, Figure, Readings};
use crate::machine::Machine;
use crate::options::Effort;
use crate::page::{self, number};

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
        page::table(&rows)
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
            "nginx": contender::nginx_version(),
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
        let nginx = contender::nginx_version().unwrap_or_else(|| "not installed".to_owned());
        let Self { machine, effort, .. } = self;
        let text = format!(
            "{machine};\nnginx {nginx}. Median of {} rounds.\n\n{}",
            effort.rounds,
            self.table(),
        );
        page::keep("generate", &text)
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

fn none() -> String {
    "—".to_owned()
}
