//! The process's metrics, in Prometheus' text format.

use std::sync::OnceLock;

use metrics::gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bucket bounds of durations, in seconds: from a cached answer to the deadline of a slow one.
const SECONDS_BUCKETS: [f64; 12] =
    [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 240.0];

/// What `GET /metrics` answers from.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Everything, as of now.
    #[must_use]
    pub fn render(&self) -> String {
        measure_process();
        self.0.render()
    }
}

/// The process's metrics. The recorder is installed on the first call; later calls share it.
///
/// # Panics
///
/// When another library installed a recorder of its own, which none here does.
pub fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS
        .get_or_init(|| {
            let prometheus = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
                .and_then(PrometheusBuilder::install_recorder)
                .expect("the buckets are not empty, and nothing else installs a recorder");
            gauge!("tester_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
            Metrics(prometheus)
        })
        .clone()
}

/// Memory, descriptors and threads, under the names of Prometheus' own client libraries. What the
/// kernel does not tell is left as it was.
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn measure_process() {
    use procfs::WithCurrentSystemInfo as _;
    use procfs::process::{LimitValue, Process};

    let Ok(process) = Process::myself() else { return };
    if let Ok(stat) = process.stat() {
        gauge!("process_resident_memory_bytes").set(stat.rss_bytes().get() as f64);
        gauge!("process_virtual_memory_bytes").set(stat.vsize as f64);
        gauge!("process_threads").set(stat.num_threads as f64);
        let ticks = (stat.utime + stat.stime) as f64;
        gauge!("process_cpu_seconds_total").set(ticks / procfs::ticks_per_second() as f64);
    }
    if let Ok(open) = process.fd_count() {
        gauge!("process_open_fds").set(open as f64);
    }
    if let Ok(limits) = process.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        gauge!("process_max_fds").set(most as f64);
    }
}

#[cfg(not(target_os = "linux"))]
fn measure_process() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_tells_of_itself() {
        let text = metrics().render();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.split(' ').next() == Some(name));
            let line = line.unwrap_or_else(|| panic!("{name} is missing from:\n{text}"));
            line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_threads") >= 1.0);
        assert!(text.contains("tester_build_info{version=\""));
    }
}
