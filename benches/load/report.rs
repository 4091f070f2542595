use serde_json::json;

use crate::audit::Audit;
use crate::machine::Machine;
use crate::memory::Memory;
use crate::options::Effort;
use crate::page::{self, number};
use crate::soak::Soak;
use crate::streams::Streams;

/// What came of a run, ready to be shown.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) effort: Effort,
    pub(crate) streams: Streams,
    pub(crate) soak: Soak,
    pub(crate) audit: Audit,
    /// How many there were, and the first of them.
    pub(crate) mistakes: (u64, Vec<String>),
}

impl Report {
    /// Markdown that is readable as it is.
    pub(crate) fn text(&self) -> String {
        format!(
            "{};\none run. {}\n\n{}\n\n{}\n\n{}",
            self.machine,
            self.conditions(),
            self.streams(),
            self.soak(),
            self.audit(),
        )
    }

    /// The last line: what of all that must not be was seen.
    pub(crate) fn verdict(&self) -> String {
        let (count, told) = &self.mistakes;
        if *count == 0 {
            return "Right: nothing was lost, mixed up, or charged or refunded other than once."
                .to_owned();
        }
        let told = told.join("\n  ");
        format!("  {told}\nWRONG: {count} mistakes, the first of them above.")
    }

    /// Everything on one line.
    pub(crate) fn json(&self) -> String {
        let report = json!({
            "benchmark": "load",
            "machine": self.machine,
            "effort": self.effort,
            "streams": self.streams,
            "soak": self.soak,
            "audit": self.audit,
            "mistakes": {"count": self.mistakes.0, "first": self.mistakes.1},
        });
        format!("{report}\n")
    }

    pub(crate) fn write_to_docs(&self) -> anyhow::Result<()> {
        page::keep("load", &self.text())
    }

    fn conditions(&self) -> String {
        let Effort { users, clients, pace, ramp, hold, soak, .. } = self.effort;
        format!(
            "{users} users; streams with a chunk every {} ms, begun within {} s and held for\n{} s; \
             mixed traffic of {clients} clients for {} s.",
            pace.as_millis(),
            ramp.as_secs(),
            hold.as_secs(),
            soak.as_secs(),
        )
    }

    fn streams(&self) -> String {
        let Streams { held, open, offered, answers, peak, unsaved, memory, idle_mib } =
            &self.streams;
        let answered = |status: u16| answers.get(&status).copied().unwrap_or_default().to_string();
        let others: usize = answers
            .iter()
            .filter(|(status, _)| !matches!(status, 200 | 429 | 503 | 504))
            .map(|(_, count)| count)
            .sum();
        let each = (memory.most - idle_mib) * 1024.0 / count(*held as u64);
        let rows = [
            ("streams held open", held.to_string()),
            ("fewest and most open meanwhile", format!("{} and {}", open.0, open.1)),
            ("requests of the spike", offered.to_string()),
            ("answered 200", answered(200)),
            ("answered 429", answered(429)),
            ("answered 503", answered(503)),
            ("answered 504", answered(504)),
            ("answered otherwise, or not at all", {
                let told: usize = answers.values().sum();
                (others + offered - told).to_string()
            }),
            ("most streams open at once", peak.to_string()),
            ("complete, told that they could not be stored", unsaved.to_string()),
            ("memory before, RSS (MiB)", number(*idle_mib)),
            ("most memory while streams are held, RSS (MiB)", number(memory.most)),
            ("of that a stream (KiB)", number(each)),
        ];
        table("streams", &rows)
    }

    fn soak(&self) -> String {
        let Soak { seconds, done, busy, serve, worker } = &self.soak;
        let mut rows: Vec<(&str, String)> =
            done.iter().map(|(deed, times)| (*deed, times.to_string())).collect();
        let all: u64 = done.values().sum();
        rows.push(("of these, runs the worker was too busy for", busy.to_string()));
        rows.push(("all, a second", number(count(all) / seconds)));
        for (of, memory) in [("serve", serve), ("worker", worker)] {
            let Memory { first, median, most, last, slope } = memory;
            let levels = [first, last, median, most].map(|mib| number(*mib)).join(" / ");
            rows.push(match of {
                "serve" => ("`serve`, RSS: first / last / median / most (MiB)", levels),
                _ => ("`worker`, RSS: first / last / median / most (MiB)", levels),
            });
            rows.push(match of {
                "serve" => ("`serve`, slope (MiB a minute)", number(*slope)),
                _ => ("`worker`, slope (MiB a minute)", number(*slope)),
            });
        }
        table("mixed traffic", &rows)
    }

    fn audit(&self) -> String {
        let Audit { rows, charges, refunds, abandoned, open, spent } = &self.audit;
        let rows = [
            ("stored pairs, each compared with what the model wrote", rows.to_string()),
            ("charges", charges.to_string()),
            ("refunds", refunds.to_string()),
            ("of these, of charges whose answer came too late", abandoned.to_string()),
            ("charges neither settled nor refunded", open.to_string()),
            ("tokens spent", spent.to_string()),
            ("mistakes", self.mistakes.0.to_string()),
        ];
        table("counted in the database", &rows)
    }
}

fn table(title: &str, rows: &[(&str, String)]) -> String {
    let head = [title.to_owned(), String::new()];
    let rows = rows.iter().map(|(name, value)| [(*name).to_owned(), value.clone()]);
    page::table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const fn count(number: u64) -> f64 {
    number as f64
}
