use anyhow::Context as _;

use crate::process::ServerProcess;

/// Memory of a server, all its processes added up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident set, in KiB. Pages that two processes share count twice.
    pub(crate) resident_kib: f64,
    /// Proportional set, in KiB. Shared pages are divided among those who share them.
    pub(crate) proportional_kib: f64,
}

impl Memory {
    /// What a server takes now.
    pub(crate) fn of(server: &ServerProcess) -> anyhow::Result<Self> {
        let mut memory = Self { resident_kib: 0.0, proportional_kib: 0.0 };
        for pid in server.pids()? {
            let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            memory.resident_kib += field(&rollup, "Rss:")?;
            memory.proportional_kib += field(&rollup, "Pss:")?;
        }
        Ok(memory)
    }
}

fn field(text: &str, name: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("malformed smaps")?;
    let number = line.split_ascii_whitespace().next().context("malformed smaps")?;
    Ok(number.parse()?)
}
