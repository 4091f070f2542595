use std::fmt;

use serde::Serialize;

use crate::app::probes::{Condition, Probe};
use crate::config::{
    Environment, Fault, Need, Problem, Problems, Role, Subject, Variable, variables,
};

/// Grows when a field changes its meaning or goes; new fields leave it as it is.
const JSON_VERSION: u32 = 1;

/// What came of `--online`.
#[derive(Debug)]
pub(super) enum Online {
    /// It was not given.
    NotAsked,
    /// The settings are not sound enough to try.
    Skipped,
    /// Each dependency's answer; a worker depends on none.
    Answered(Vec<Probe>),
}

/// The report. Its JSON form, field by field:
///
/// - `version`: 1;
/// - `role`: `serve` or `worker`;
/// - `good`: whether the exit status is 0;
/// - `variables`: one object a variable that the role reads: `name`, `state` (`set`, `default`,
///   `missing`, `invalid`), `required` (boolean), `purpose`, `problem` (text or null), `remedy`
///   (how to get a right value);
/// - `problems`: what is wrong besides variables, in files and knobs: `subject`, `problem`,
///   `remedy`;
/// - `online`: null unless asked for and possible, else one object a dependency: `dependency`
///   (`gemini`, `supabase_table`, `supabase_keys`, `turnstile`, `redis`, `worker_1`…), `state`
///   (`up`, `degraded`, `down`), `reason` (text or null), `latency_ms`.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    version: u32,
    role: &'static str,
    good: bool,
    variables: Vec<VariableRow<'a>>,
    problems: Vec<OtherRow<'a>>,
    online: Option<Vec<ProbeRow<'a>>>,
    #[serde(skip)]
    skipped: bool,
}

#[derive(Debug, Serialize)]
struct VariableRow<'a> {
    name: &'static str,
    state: VariableState,
    required: bool,
    purpose: &'static str,
    problem: Option<&'a str>,
    remedy: &'a str,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum VariableState {
    Set,
    Default,
    Missing,
    Invalid,
}

#[derive(Debug, Serialize)]
struct OtherRow<'a> {
    subject: String,
    problem: &'a str,
    remedy: &'a str,
}

#[derive(Debug, Serialize)]
struct ProbeRow<'a> {
    dependency: String,
    state: &'static str,
    reason: Option<&'a str>,
    latency_ms: u128,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        role: Role,
        environment: &Environment,
        problems: &'a Problems,
        online: &'a Online,
    ) -> Self {
        let variables = variables::ALL
            .iter()
            .filter(|variable| variable.need(role) != Need::Unread)
            .map(|variable| VariableRow::new(variable, role, environment, problems))
            .collect();
        let others = problems
            .iter()
            .filter(|problem| !matches!(problem.subject, Subject::Variable(_)))
            .map(OtherRow::new)
            .collect();
        let (rows, all_up) = match online {
            Online::NotAsked | Online::Skipped => (None, true),
            Online::Answered(probes) => {
                let down = |probe: &Probe| matches!(probe.condition, Condition::Down(_));
                (Some(probes.iter().map(ProbeRow::new).collect()), !probes.iter().any(down))
            }
        };
        Self {
            version: JSON_VERSION,
            role: role.as_str(),
            good: problems.is_empty() && all_up,
            variables,
            problems: others,
            online: rows,
            skipped: matches!(online, Online::Skipped),
        }
    }

    pub(super) const fn is_good(&self) -> bool {
        self.good
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report has no map and no failing serializer")
    }
}

impl<'a> VariableRow<'a> {
    fn new(
        variable: &'static Variable,
        role: Role,
        environment: &Environment,
        problems: &'a Problems,
    ) -> Self {
        let problem = problems.about(variable);
        let state = match problem.map(|problem| problem.fault) {
            Some(Fault::Missing) => VariableState::Missing,
            Some(Fault::Invalid) => VariableState::Invalid,
            None if environment.has(variable) => VariableState::Set,
            None => VariableState::Default,
        };
        Self {
            name: variable.name(),
            state,
            required: variable.need(role) == Need::Required,
            purpose: variable.purpose(),
            problem: problem.map(|problem| problem.flaw.as_ref()),
            remedy: problem.map_or(variable.remedy(), |problem| problem.remedy.as_ref()),
        }
    }
}

impl<'a> OtherRow<'a> {
    fn new(problem: &'a Problem) -> Self {
        Self {
            subject: problem.subject.to_string(),
            problem: &problem.flaw,
            remedy: &problem.remedy,
        }
    }
}

impl<'a> ProbeRow<'a> {
    fn new(probe: &'a Probe) -> Self {
        let (state, reason) = match &probe.condition {
            Condition::Up => ("up", None),
            Condition::Degraded(reason) => ("degraded", Some(reason.as_str())),
            Condition::Down(reason) => ("down", Some(reason.as_str())),
        };
        Self {
            dependency: probe.dependency.to_string(),
            state,
            reason,
            latency_ms: probe.latency.as_millis(),
        }
    }
}

impl fmt::Display for VariableState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Set => "set",
            Self::Default => "default",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
        })
    }
}

/// A table for the terminal. A row that needs no hand says what the variable is for; one that
/// does says what is wrong, and on the next line how to get a right value.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.variables.iter().map(|row| row.name.len()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:7}  {:8}  NOTE", "VARIABLE", "STATE", "NEED")?;
        for row in &self.variables {
            let need = if row.required { "required" } else { "optional" };
            let note = row.problem.unwrap_or(row.purpose);
            writeln!(f, "{:width$}  {:7}  {need:8}  {note}", row.name, row.state)?;
            if row.problem.is_some() {
                writeln!(f, "{:width$}  {:7}  {:8}  → {}", "", "", "", row.remedy)?;
            }
        }
        for row in &self.problems {
            writeln!(f, "\n{}: {}\n  → {}", row.subject, row.problem, row.remedy)?;
        }
        self.fmt_online(f)?;
        let invalid = self.variables.iter().filter(|row| row.problem.is_some()).count();
        let problems = invalid + self.problems.len();
        match (self.good, problems) {
            (true, _) => writeln!(f, "\ntester {}: good", self.role),
            (false, 0) => writeln!(f, "\ntester {}: bad, a dependency is down", self.role),
            (false, 1) => writeln!(f, "\ntester {}: bad, 1 problem", self.role),
            (false, count) => writeln!(f, "\ntester {}: bad, {count} problems", self.role),
        }
    }
}

impl Report<'_> {
    fn fmt_online(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.skipped {
            return writeln!(f, "\nNo dependency was asked: put the settings right first.");
        }
        let Some(rows) = &self.online else { return Ok(()) };
        if rows.is_empty() {
            return writeln!(f, "\nThere is no dependency to ask.");
        }
        writeln!(f, "\n{:14}  {:8}  {:>7}  REASON", "DEPENDENCY", "STATE", "LATENCY")?;
        for row in rows {
            let (latency, reason) = (row.latency_ms, row.reason.unwrap_or_default());
            writeln!(f, "{:14}  {:8}  {latency:>4} ms  {reason}", row.dependency, row.state)?;
        }
        Ok(())
    }
}
