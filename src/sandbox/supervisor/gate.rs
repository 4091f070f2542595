use std::io;

use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use crate::sandbox::protocol::{FromHarness, FromSupervisor, HarnessEvent};

/// Decides which frames of the harness are believed.
///
/// Until the job is handed over, the harness may say `ready`, once. From then on every frame must
/// carry the job's token and the next number. The first that does not closes the gate: the host is
/// told once, and no later frame passes.
#[derive(Debug)]
pub(super) struct Gate {
    token: String,
    stage: Stage,
    ready: bool,
    acks: bool,
    next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    BeforeJob,
    Running,
    Done,
    Closed,
}

impl Gate {
    /// A gate whose token is the kernel's randomness.
    pub(super) fn with_fresh_token() -> io::Result<Self> {
        let mut random = [0; 16];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| io::Error::other("the kernel has no random numbers"))?;
        Ok(Self::with_token(format!("{:032x}", u128::from_be_bytes(random))))
    }

    const fn with_token(token: String) -> Self {
        Self { token, stage: Stage::BeforeJob, ready: false, acks: false, next: 0 }
    }

    /// What every event of the job must carry.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// From now on events are expected. False when they already were: there is one job a sandbox.
    pub(super) fn hand_over_job(&mut self) -> bool {
        let first = self.stage == Stage::BeforeJob;
        if first {
            self.stage = Stage::Running;
        }
        // A gate that closed while the sandbox idled stays closed, and the host knows.
        first || self.stage == Stage::Closed
    }

    /// Whether the harness waits for an ack after each event.
    pub(super) const fn is_waited_at(&self) -> bool {
        self.acks
    }

    /// Whether nothing passes any more.
    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// What the host is told about a frame of the harness; nothing once the gate is closed.
    pub(super) fn judge(&mut self, frame: &[u8]) -> Option<FromSupervisor> {
        if self.is_closed() {
            return None;
        }
        match self.believe(frame) {
            Ok(report) => Some(report),
            Err(reason) => self.close(reason),
        }
    }

    /// Closes it for this reason, which the host is told unless it was closed before.
    pub(super) fn close(&mut self, reason: &str) -> Option<FromSupervisor> {
        let open = !self.is_closed();
        self.stage = Stage::Closed;
        open.then(|| FromSupervisor::Tampered { reason: reason.to_owned() })
    }

    /// The harness can say nothing more; `inside_frame` when it was cut short in the middle of
    /// something. A run may be killed at any moment, so that alone is no offence. After the end
    /// there is nothing left to say, though.
    pub(super) fn end(&mut self, inside_frame: bool) -> Option<FromSupervisor> {
        if inside_frame && self.stage == Stage::Done {
            return self.close("bytes after the end of the run");
        }
        None
    }

    fn believe(&mut self, frame: &[u8]) -> Result<FromSupervisor, &'static str> {
        let message = serde_json::from_slice(frame).map_err(|_| "a frame that is no message")?;
        match (message, self.stage) {
            (FromHarness::Ready { versions, acks }, Stage::BeforeJob | Stage::Running)
                if !self.ready && self.next == 0 =>
            {
                self.ready = true;
                self.acks = acks;
                Ok(FromSupervisor::Ready { versions })
            }
            (FromHarness::Ready { .. }, _) => Err("a second ready"),
            (FromHarness::Event { .. }, Stage::BeforeJob) => Err("an event before the job"),
            (FromHarness::Event { .. }, Stage::Done) => Err("an event after the end of the run"),
            (FromHarness::Event { token, seq, event }, _) => {
                if !bool::from(token.as_bytes().ct_eq(self.token.as_bytes())) {
                    return Err("an event with a wrong token");
                }
                if seq != self.next {
                    return Err("an event out of order");
                }
                self.next += 1;
                if event == HarnessEvent::Done {
                    self.stage = Stage::Done;
                }
                Ok(FromSupervisor::Event { event })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const READY: &[u8] = br#"{"type":"ready","versions":{}}"#;

    fn running() -> Gate {
        let mut gate = Gate::with_token("t".repeat(32));
        gate.judge(READY).expect("the harness is ready");
        assert!(gate.hand_over_job());
        gate
    }

    fn event(token: &str, seq: u64, event: &str) -> Vec<u8> {
        format!(r#"{{"type":"event","token":"{token}","seq":{seq},"event":{event}}}"#).into_bytes()
    }

    fn genuine(seq: u64) -> Vec<u8> {
        event(&"t".repeat(32), seq, r#"{"kind":"started","id":"a"}"#)
    }

    fn done(seq: u64) -> Vec<u8> {
        event(&"t".repeat(32), seq, r#"{"kind":"done"}"#)
    }

    fn tampered(report: Option<&FromSupervisor>) -> bool {
        matches!(report, Some(FromSupervisor::Tampered { .. }))
    }

    #[test]
    fn tokens_are_32_hex_digits_and_never_the_same() {
        let [one, other] = [(); 2].map(|()| Gate::with_fresh_token().expect("random numbers"));
        assert!(one.token().len() == 32 && one.token().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one.token(), other.token());
    }

    #[test]
    fn a_ready_harness_is_announced_with_its_versions() {
        let mut gate = Gate::with_token(String::new());
        let said = gate.judge(br#"{"type":"ready","versions":{"python":"3.13"}}"#);
        let versions = BTreeMap::from([("python".to_owned(), "3.13".to_owned())]);
        assert_eq!(said, Some(FromSupervisor::Ready { versions }));
    }

    #[test]
    fn events_in_order_with_the_token_pass_without_it() {
        let mut gate = running();
        for seq in 0..3 {
            let event = HarnessEvent::Started { id: "a".to_owned() };
            assert_eq!(gate.judge(&genuine(seq)), Some(FromSupervisor::Event { event }));
        }
    }

    #[test]
    fn the_first_frame_that_lies_closes_the_gate_for_good() {
        let lies = [
            event("wrong", 0, r#"{"kind":"done"}"#),
            event("", 0, r#"{"kind":"done"}"#),
            genuine(1),
            event(&"t".repeat(32), 0, r#"{"kind":"unheard of"}"#),
            READY.to_vec(),
            b"2 passed in 0.01s".to_vec(),
            Vec::new(),
            b"\xff\xfe".to_vec(),
            "[".repeat(100_000).into_bytes(),
        ];
        for lie in lies {
            let mut gate = running();
            assert!(tampered(gate.judge(&lie).as_ref()), "{}", String::from_utf8_lossy(&lie));
            assert_eq!(gate.judge(&genuine(0)), None);
            assert_eq!(gate.judge(&lie), None);
        }
    }

    #[test]
    fn a_number_used_twice_closes_the_gate() {
        let mut gate = running();
        gate.judge(&genuine(0));
        assert!(tampered(gate.judge(&genuine(0)).as_ref()));
    }

    #[test]
    fn an_event_before_the_job_closes_the_gate_even_with_the_token() {
        let mut gate = Gate::with_token("t".repeat(32));
        assert!(tampered(gate.judge(&genuine(0)).as_ref()));
    }

    #[test]
    fn nothing_may_follow_the_end_of_the_run() {
        let mut gate = running();
        gate.judge(&done(0));
        assert!(tampered(gate.judge(&genuine(1)).as_ref()));
        let mut gate = running();
        gate.judge(&done(0));
        assert!(tampered(gate.end(true).as_ref()));
    }

    #[test]
    fn a_run_cut_short_in_the_middle_of_a_frame_is_no_offence() {
        assert_eq!(running().end(true), None);
    }

    #[test]
    fn there_is_one_job_a_sandbox() {
        assert!(!running().hand_over_job());
    }
}
