use std::collections::BTreeMap;

use serde_json::{Value, json};
use tester::domain::{LanguageCode, SuiteReport};

use crate::page;
use crate::program::Variant;
use crate::statistics::median;
use crate::trial::{Suite, Trial};

/// Least share of bugs that are noticed in the programs of the project, in percent. They are easy: a
/// suite that misses more has lost something.
const SMOKE_CAUGHT_MIN: f64 = 80.0;

/// The figures of a run.
pub(crate) struct Report<'t> {
    groups: BTreeMap<(LanguageCode, Variant), Vec<&'t Trial>>,
}

/// The figures of one variant of one language.
struct Figures {
    programs: usize,
    suites: f64,
    lines: Option<f64>,
    branches: Option<f64>,
    mutants: Option<f64>,
    caught: f64,
    seconds: Option<f64>,
    slow_seconds: Option<f64>,
    tests: Option<f64>,
    rows: Option<f64>,
    flaky: usize,
}

impl<'t> Report<'t> {
    pub(crate) fn new(trials: &'t [Trial]) -> Self {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for trial in trials {
            groups.entry((trial.language, trial.variant)).or_default().push(trial);
        }
        Self { groups }
    }

    /// Markdown that is readable as it is.
    pub(crate) fn text(&self, verbose: bool) -> String {
        let head = [
            "programs",
            "",
            "suites, %",
            "lines, %",
            "branches, %",
            "mutants, %",
            "caught, %",
            "median, s",
            "p90, s",
            "tests",
            "rows",
            "flaky",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        for ((language, variant), trials) in &self.groups {
            let figures = Figures::of(trials);
            let number = |value: Option<f64>| value.map_or("–".to_owned(), page::number);
            rows.push([
                format!("{}, {}", language.display_name(), variant.name()),
                figures.programs.to_string(),
                page::number(figures.suites),
                number(figures.lines),
                number(figures.branches),
                number(figures.mutants),
                page::number(figures.caught),
                number(figures.seconds),
                number(figures.slow_seconds),
                number(figures.tests),
                number(figures.rows),
                figures.flaky.to_string(),
            ]);
        }
        let mut text = page::table(&rows);
        if verbose {
            for ((language, variant), trials) in &self.groups {
                let group = format!("{}, {}", language.display_name(), variant.name());
                for (what, ids) in lists(trials) {
                    if !ids.is_empty() {
                        text += &format!("\n\n{group}: {what}: {}", ids.join(", "));
                    }
                }
            }
        }
        text
    }

    /// Everything, every program included, on one line.
    pub(crate) fn json(&self) -> String {
        let groups = self.groups.iter().map(|((language, variant), trials)| {
            let figures = Figures::of(trials);
            json!({
                "language": language,
                "variant": variant.name(),
                "programs": figures.programs,
                "suites_percent": figures.suites,
                "lines_percent": figures.lines,
                "branches_percent": figures.branches,
                "mutants_percent": figures.mutants,
                "caught_percent": figures.caught,
                "median_seconds": figures.seconds,
                "p90_seconds": figures.slow_seconds,
                "median_tests": figures.tests,
                "median_rows": figures.rows,
                "flaky": figures.flaky,
                "trials": trials.iter().map(|trial| describe(trial)).collect::<Vec<_>>(),
            })
        });
        format!("{}\n", json!({ "evaluation": "builtin", "groups": groups.collect::<Vec<_>>() }))
    }

    /// What is not as it must be for the programs of the project.
    pub(crate) fn misses_of_smoke(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for ((language, variant), trials) in &self.groups {
            let figures = Figures::of(trials);
            let group = format!("{language}, {}", variant.name());
            if figures.flaky > 0 {
                wrong.push(format!("{group}: {} suites fail on correct code", figures.flaky));
            }
            if figures.caught < SMOKE_CAUGHT_MIN {
                wrong.push(format!("{group}: only {:.0} % of the bugs caught", figures.caught));
            }
        }
        wrong
    }
}

impl Figures {
    fn of(trials: &[&Trial]) -> Self {
        let reports: Vec<&SuiteReport> =
            trials.iter().filter_map(|trial| Some(&trial.suite.as_ref().ok()?.report)).collect();
        let share = |count: usize| percent(count as f64, trials.len() as f64).unwrap_or_default();
        let over = |part: fn(&SuiteReport) -> (u32, u32)| {
            let parts = reports.iter().map(|report| part(report));
            let (some, all) = parts.fold((0.0, 0.0), |(some, all), (one, of)| {
                (some + f64::from(one), all + f64::from(of))
            });
            percent(some, all)
        };
        let mut seconds: Vec<f64> = trials.iter().map(|trial| trial.took.as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        Self {
            programs: trials.len(),
            suites: share(reports.len()),
            lines: over(|report| (report.lines.covered, report.lines.total)),
            branches: over(|report| (report.branches.covered, report.branches.total)),
            mutants: over(|report| (report.mutants.killed, report.mutants.total)),
            caught: share(trials.iter().filter(|trial| trial.caught()).count()),
            slow_seconds: seconds.get((seconds.len() * 9).div_ceil(10).saturating_sub(1)).copied(),
            seconds: median(seconds),
            tests: median(reports.iter().map(|report| f64::from(report.tests)).collect()),
            rows: median(reports.iter().map(|report| f64::from(report.rows)).collect()),
            flaky: trials.iter().filter(|trial| trial.false_alarms() > 0).count(),
        }
    }
}

fn percent(part: f64, all: f64) -> Option<f64> {
    (all > 0.0).then(|| 100.0 * part / all)
}

/// The ids that somebody who improves the engine looks at.
fn lists(trials: &[&Trial]) -> [(&'static str, Vec<String>); 3] {
    let ids = |wanted: fn(&Trial) -> bool| {
        let wanted = trials.iter().filter(|trial| wanted(trial));
        wanted.map(|trial| trial.id.clone()).collect()
    };
    [
        ("without a suite", ids(|trial| trial.suite.is_err())),
        ("not noticed", ids(|trial| trial.suite.is_ok() && !trial.caught())),
        ("false alarms", ids(|trial| trial.false_alarms() > 0)),
    ]
}

fn describe(trial: &Trial) -> Value {
    let mut value = json!({
        "id": trial.id,
        "seconds": trial.took.as_secs_f64(),
        "caught": trial.caught(),
    });
    match &trial.suite {
        Ok(Suite { report, false_alarms, .. }) => {
            value["suite"] = json!(report);
            value["false_alarms"] = json!(false_alarms);
        }
        Err(error) => value["error"] = json!(error.to_string()),
    }
    value
}
