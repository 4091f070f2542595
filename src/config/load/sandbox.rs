//! How tests are run: knobs and variables in, settings out.

use super::Loader;
use super::sections::DEADLINE_MAX_MS;
use crate::config::knobs::RuntimeKnobs;
use crate::config::{DockerSettings, PerRuntime, SandboxSettings, parse, variables};
use crate::domain::{Limits, Runtime};

/// Most memory or files of a sandbox: 64 GiB. More is a slip of the unit.
const BYTES_MAX: u64 = 64 << 30;
/// Least memory of a sandbox: below it no harness starts.
const MEMORY_MIN: u64 = 64 << 20;
/// Most output that is kept: verdicts travel in one piece.
const OUTPUT_MAX: u64 = 16 << 20;
/// Most processes of a sandbox: the kernel's own default bound on a user's.
const PROCESSES_MAX: u32 = 32_768;
/// Fewest: a supervisor, a harness, and the threads of the smallest of them.
const PROCESSES_MIN: u32 = 16;

impl Loader<'_> {
    pub(super) fn sandbox(&mut self) -> Option<SandboxSettings> {
        let knobs = &self.knobs.sandbox;
        let engine = knobs.engine.clone();
        let (python, node, java) = (knobs.python, knobs.node, knobs.java);
        let (running, queued) = (knobs.running, knobs.queued);
        let (start_timeout, idle_max) = (knobs.start_timeout_ms, knobs.idle_max_ms);
        let drain = knobs.drain_ms;
        let engine = self.value_or_knob(
            &variables::SANDBOX_ENGINE,
            ("sandbox.engine", &engine),
            parse::sandbox_engine,
        );
        let docker = self.docker();
        let by_runtime = [(Runtime::Python, python), (Runtime::Node, node), (Runtime::Java, java)];
        let [python, node, java] = by_runtime.map(|(runtime, knobs)| self.runtime(runtime, knobs));
        let deadline = 1..=DEADLINE_MAX_MS;
        let start_timeout = self.milliseconds("sandbox.start_timeout_ms", start_timeout, &deadline);
        let idle_max = self.milliseconds("sandbox.idle_max_ms", idle_max, &deadline);
        Some(SandboxSettings {
            engine: engine?,
            executable: None,
            docker: docker?,
            limits: PerRuntime { python: python.0, node: node.0, java: java.0 },
            warm: PerRuntime { python: python.1, node: node.1, java: java.1 },
            start_timeout,
            idle_max,
            drain: self.milliseconds("sandbox.drain_ms", drain, &deadline),
            running: self.integer("sandbox.running", running, &(0..=1_024)),
            queued: self.integer("sandbox.queued", queued, &(0..=100_000)),
        })
    }

    fn docker(&mut self) -> Option<DockerSettings> {
        let knobs = self.knobs.sandbox.docker.clone();
        let host = ("sandbox.docker.host", knobs.host.as_str());
        let socket = self.value_or_knob(&variables::DOCKER_HOST, host, parse::docker_host);
        let runtime = ("sandbox.docker.runtime", knobs.runtime.as_str());
        let runtime =
            self.value_or_knob(&variables::DOCKER_RUNTIME, runtime, parse::docker_runtime);
        let base_image = parse::image_name(&knobs.base_image)
            .map_err(|flaw| self.knob_problem("sandbox.docker.base_image", flaw))
            .ok();
        Some(DockerSettings { socket: socket?, runtime: runtime?, base_image: base_image? })
    }

    /// A runtime's limits, and how many of its sandboxes are kept warm.
    fn runtime(&mut self, runtime: Runtime, knobs: RuntimeKnobs) -> (Limits, usize) {
        let shared = &self.knobs.sandbox;
        let (cpu, output) = (shared.cpu_millis, shared.output_bytes);
        let (files_bytes, files_count) = (shared.files_bytes, shared.files_count);
        let knob = |name: &str| format!("sandbox.{runtime}.{name}");
        let limits = Limits {
            wall: self.milliseconds(&knob("wall_ms"), knobs.wall_ms, &(100..=DEADLINE_MAX_MS)),
            memory_bytes: self.integer(
                &knob("memory_bytes"),
                knobs.memory_bytes,
                &(MEMORY_MIN..=BYTES_MAX),
            ),
            processes: self.integer(
                &knob("processes"),
                knobs.processes,
                &(PROCESSES_MIN..=PROCESSES_MAX),
            ),
            cpu_millis: self.integer("sandbox.cpu_millis", cpu, &(10..=64_000)),
            output_bytes: self.integer("sandbox.output_bytes", output, &(1_024..=OUTPUT_MAX)),
            files_bytes: self.integer("sandbox.files_bytes", files_bytes, &(1 << 20..=BYTES_MAX)),
            files_count: self.integer("sandbox.files_count", files_count, &(64..=1_000_000)),
        };
        let warm = self.integer(&knob("warm"), knobs.warm, &(0..=256));
        (limits, warm)
    }
}
