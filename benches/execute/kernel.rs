//! What the kernel counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Milliseconds of a tick in `/proc`: `USER_HZ` is 100 on every Linux that Rust's std runs on.
const TICK_MS: f64 = 10.0;

/// How long the machine is watched for the work of others.
const LOOK: Duration = Duration::from_millis(500);

/// Memory of some processes, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Resident set. Pages that two processes share count twice.
    pub(crate) resident_mib: f64,
    /// Proportional set. Shared pages are divided among all who share them.
    pub(crate) proportional_mib: f64,
}

/// CPU time of every process that this one started and waited for, and of all that those did.
pub(crate) fn children_cpu_ms() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold anything; fields count from behind it.
    let (_, fields) = stat.rsplit_once(')').context("malformed stat")?;
    sum(fields.split_ascii_whitespace().skip(13).take(2))
}

/// Cores that the machine is busy with right now, while nothing of ours runs: what others take from
/// the figures. Takes half a second.
pub(crate) fn cores_of_others() -> anyhow::Result<f64> {
    let (begun, before) = (Instant::now(), machine_cpu_ms()?);
    std::thread::sleep(LOOK);
    let spent = machine_cpu_ms()? - before;
    Ok(spent / begun.elapsed().as_secs_f64() / 1_000.0)
}

/// CPU time that the whole machine has spent, idling, waiting and being stolen from not counted.
pub(crate) fn machine_cpu_ms() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("malformed stat")?;
    let fields: Vec<&str> = line.split_ascii_whitespace().skip(1).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    sum([0, 1, 2, 5, 6].iter().filter_map(|&index| fields.get(index).copied()))
}

fn sum<'a>(ticks: impl Iterator<Item = &'a str>) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for field in ticks {
        sum += field.parse::<f64>().context("malformed stat")?;
    }
    Ok(sum * TICK_MS)
}

/// The parents of all processes there are.
#[derive(Debug)]
pub(crate) struct Processes(BTreeMap<u32, Vec<u32>>);

impl Processes {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in std::fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
            // Who is gone meanwhile has no children.
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let parent = stat.rsplit_once(')').and_then(|(_, fields)| {
                fields.split_ascii_whitespace().nth(1)?.parse::<u32>().ok()
            });
            children.entry(parent.context("malformed stat")?).or_default().push(pid);
        }
        Ok(Self(children))
    }

    pub(crate) fn children(&self, pid: u32) -> &[u32] {
        self.0.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// The process and all that come from it.
    pub(crate) fn family(&self, pid: u32) -> Vec<u32> {
        let mut family = vec![pid];
        let mut next = 0;
        while let Some(&member) = family.get(next) {
            family.extend(self.children(member));
            next += 1;
        }
        family
    }
}

/// The memory of these processes.
pub(crate) fn memory(pids: &[u32]) -> anyhow::Result<Memory> {
    let mut memory = Memory::default();
    for pid in pids {
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        memory.resident_mib += mebibytes(&rollup, "Rss:")?;
        memory.proportional_mib += mebibytes(&rollup, "Pss:")?;
    }
    Ok(memory)
}

fn mebibytes(text: &str, name: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("malformed smaps")?;
    let number = line.split_ascii_whitespace().next().context("malformed smaps")?;
    Ok(number.parse::<f64>()? / 1024.0)
}
