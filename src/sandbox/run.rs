//! One job in one warm sandbox, from the claim to the death of everything in it.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::engine::{EngineError, FromSandbox, Usage};
use super::judge::{Ending, Transcript};
use super::output;
use super::pool::WarmSandbox;
use super::protocol::{
    FromSupervisor, Job, REPORT_FRAME_MAX, ToSupervisor, read_frame, write_frame,
};
use crate::domain::{ExecutionEvent, Limits};
use crate::gateways::ExecutorError;

/// Where the events of a run go. Has room for all of them, so that a slow reader holds nothing up.
pub(super) type Events = mpsc::Sender<Result<ExecutionEvent, ExecutorError>>;

/// What was seen of a run.
pub(super) struct Observed {
    pub(super) transcript: Transcript,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
    pub(super) idle_cpu: Option<Duration>,
    pub(super) wall: Duration,
}

/// Why a run has no verdict. Its sandbox is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// The client left while its tests ran.
    ClientLeft,
    /// The worker stops, and its grace time is over.
    CutOff,
}

/// Runs the job. Comes back when nothing of it is alive; what is left to remove is the caller's.
pub(super) async fn run(
    warm: &mut WarmSandbox,
    job: Job,
    limits: &Limits,
    events: &Events,
    cut_off: &CancellationToken,
) -> Result<Observed, Interrupted> {
    let claimed = Instant::now();
    let idle_cpu = warm.sandbox.usage().cpu;
    let mut transcript = Transcript::default();
    let ended = tokio::select! {
        biased;
        () = events.closed() => Err(Interrupted::ClientLeft),
        () = cut_off.cancelled() => Err(Interrupted::CutOff),
        () = sleep_until(claimed + limits.wall) => Ok(Ending::Timeout),
        ending = attend(warm, job, limits, &mut transcript, events) => Ok(ending),
    };
    let usage = warm.sandbox.usage();
    // The supervisor says that it is alone, and the kernel that one process is left: nothing of
    // the job lives. Otherwise it is killed before anything it reported is looked at.
    let alone = matches!(ended, Ok(Ending::Exited { .. }))
        && usage.processes.is_some_and(|processes| processes <= 1);
    let mut ended = ended;
    if !alone && let Err(error) = kill(warm).await {
        tracing::error!(%error, "a sandbox can't be killed");
        // Nothing is known of it any more, so nothing it reported counts.
        ended = ended.map(|_| Ending::Lost);
    }
    let wall = claimed.elapsed();
    Ok(Observed { transcript, ending: ended?, usage, idle_cpu, wall })
}

/// Ends everything in the sandbox. What it still says is read to nowhere meanwhile: a daemon in
/// between may wait for its reader before it lets go.
async fn kill(warm: &mut WarmSandbox) -> Result<(), EngineError> {
    let mut nowhere = tokio::io::sink();
    let mut killed = std::pin::pin!(warm.sandbox.kill());
    tokio::select! {
        killed = &mut killed => return killed,
        _ = tokio::io::copy(&mut warm.from, &mut nowhere) => {}
    }
    killed.await
}

async fn attend(
    warm: &mut WarmSandbox,
    job: Job,
    limits: &Limits,
    transcript: &mut Transcript,
    events: &Events,
) -> Ending {
    if write_frame(&mut warm.to, &ToSupervisor::Job(job)).await.is_err() {
        return Ending::Lost;
    }
    let mut room = limits.output_bytes;
    loop {
        match next(&mut warm.from).await {
            Some(FromSupervisor::Event { event }) => {
                if let Some(result) = transcript.event(event) {
                    // There is room for every test a run may have; a client that left is noticed
                    // elsewhere.
                    let _ = events.try_send(Ok(ExecutionEvent::Test(result)));
                }
            }
            Some(FromSupervisor::Output { data, .. }) => {
                let bytes = output::decode(&data);
                let kept = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
                transcript.output(&bytes[..kept]);
                room -= kept as u64;
                if kept < bytes.len() {
                    return Ending::OutputLimit;
                }
            }
            Some(FromSupervisor::Tampered { reason }) => transcript.tampered(&reason),
            Some(FromSupervisor::Exited { code, signal }) => {
                return Ending::Exited { code, signal };
            }
            Some(FromSupervisor::Ready { .. } | FromSupervisor::Pong) => {}
            None => return Ending::Lost,
        }
    }
}

async fn next(from: &mut FromSandbox) -> Option<FromSupervisor> {
    let frame = read_frame(from, REPORT_FRAME_MAX).await.ok()??;
    serde_json::from_slice(&frame).ok()
}
