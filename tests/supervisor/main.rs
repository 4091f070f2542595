//! The supervisor as its host meets it: the real binary, with small harnesses of the test's making.
#![cfg(target_os = "linux")]

mod host;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tester::sandbox::protocol::{FromSupervisor, HarnessEvent, OutputStream};

use self::host::{Host, output_of};

/// What every harness here begins with: frames over the socket that is its fd 0.
const PRELUDE: &str = r#"
import json, os, signal, socket, struct, sys, time
channel = socket.socket(fileno=os.dup(0))
def raw(data): channel.sendall(data)
def frame(body): raw(struct.pack(">I", len(body)) + body)
def say(**message): frame(json.dumps(message).encode())
def exactly(count):
    data = b""
    while len(data) < count:
        more = channel.recv(count - len(data))
        if not more: os._exit(9)
        data += more
    return data
def job(): return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))
def event(token, seq, **event): say(type="event", token=token, seq=seq, event=event)
def ready(): say(type="ready", versions={"toy": "1"})
"#;

/// A harness that is ready, takes the job, and then does this with the job's token in `t`.
fn with_job(script: &str) -> Host {
    let script = format!("{PRELUDE}\nready()\nt = job()['token']\n{script}");
    let mut host = Host::start(&["python3", "-c", &script]);
    assert!(matches!(host.hear(), FromSupervisor::Ready { .. }));
    host.send_job();
    host
}

fn exited(code: i32) -> FromSupervisor {
    FromSupervisor::Exited { code: Some(code), signal: None }
}

fn started(id: &str) -> FromSupervisor {
    FromSupervisor::Event { event: HarnessEvent::Started { id: id.to_owned() } }
}

const DONE: FromSupervisor = FromSupervisor::Event { event: HarnessEvent::Done };

fn tampered(frame: &FromSupervisor) -> bool {
    matches!(frame, FromSupervisor::Tampered { .. })
}

#[test]
fn an_honest_run_is_relayed_from_ready_to_exit() {
    let host =
        with_job("event(t, 0, kind='started', id='a'); event(t, 1, kind='done'); os._exit(0)");
    assert_eq!(host.hear_all(), [started("a"), DONE, exited(0)]);
}

#[test]
fn the_job_reaches_the_harness_whole_even_when_it_is_large() {
    let mut host = Host::start(&[
        "python3",
        "-c",
        &format!(
            "{PRELUDE}\nready()\nj = job()\nprint(j['language'], len(j['source']), len(j['token']), flush=True)"
        ),
    ]);
    host.hear();
    host.send_job_of(&"x".repeat(2_000_000));
    let heard = host.hear_all();
    assert_eq!(output_of(&heard, OutputStream::Stdout), b"python 2000000 32\n");
}

#[test]
fn a_lie_is_reported_once_and_ends_belief_but_not_output() {
    let lies = [
        "event('f' * 32, 0, kind='done')",
        "event(t, 1, kind='done')",
        "event(t, 0, kind='perfect')",
        "say(type='ready', versions={})",
        "raw(b'2 passed in 0.01s\\n')",
        "raw(struct.pack('>I', 1 << 31))",
        "raw(struct.pack('>I', 256 * 1024 + 1))",
        "frame(b'')",
        "frame(b'[' * 200000)",
    ];
    for lie in lies {
        let host = with_job(&format!(
            "{lie}\nevent(t, 0, kind='done')\n{lie}\nprint('still here', flush=True)\nos._exit(0)"
        ));
        let heard = host.hear_all();
        assert_eq!(heard.iter().filter(|frame| tampered(frame)).count(), 1, "{lie}: {heard:?}");
        assert!(!heard.contains(&DONE), "{lie}: {heard:?}");
        assert_eq!(output_of(&heard, OutputStream::Stdout), b"still here\n", "{lie}");
        assert_eq!(heard.last(), Some(&exited(0)), "{lie}");
    }
}

#[test]
fn an_event_before_the_job_is_a_lie() {
    let script = format!("{PRELUDE}\nevent('', 0, kind='done')");
    assert!(tampered(&Host::start(&["python3", "-c", &script]).hear()));
}

#[test]
fn an_event_after_the_end_is_a_lie() {
    let host = with_job("event(t, 0, kind='done'); event(t, 1, kind='done')");
    let heard = host.hear_all();
    assert!(heard[0] == DONE && tampered(&heard[1]), "{heard:?}");
}

#[test]
fn output_comes_before_the_event_that_followed_it() {
    let host = with_job(
        "os.write(1, b'one'); os.write(2, b'two'); event(t, 0, kind='done')\n\
         time.sleep(0.3); os.write(1, b'late'); os._exit(0)",
    );
    let heard = host.hear_all();
    let done = heard.iter().position(|frame| *frame == DONE).expect("it is done");
    assert_eq!(output_of(&heard[..done], OutputStream::Stdout), b"one");
    assert_eq!(output_of(&heard[..done], OutputStream::Stderr), b"two");
    assert_eq!(output_of(&heard[done..], OutputStream::Stdout), b"late");
}

#[test]
fn a_harness_that_waits_for_acks_has_its_output_told_event_by_event() {
    let mut host = Host::start(&[
        "python3",
        "-c",
        &format!(
            "{PRELUDE}\nsay(type='ready', versions={{}}, acks=True)\nt = job()['token']\n\
             for i in range(50):\n\
             \x20   event(t, i, kind='started', id=str(i))\n\
             \x20   assert job() == {{'type': 'ack'}}\n\
             \x20   os.write(1, b'%d' % i)\n\
             os._exit(0)"
        ),
    ]);
    host.hear();
    host.send_job();
    let heard = host.hear_all();
    for (index, pair) in heard[..100].chunks(2).enumerate() {
        assert_eq!(pair[0], started(&index.to_string()));
        assert_eq!(output_of(pair, OutputStream::Stdout), index.to_string().as_bytes());
    }
}

#[test]
fn a_flood_of_output_is_relayed_whole_and_does_not_hold_up_events() {
    let host = with_job(
        "if os.fork() == 0:\n\
         \x20   while True: os.write(2, b'x' * 65536)\n\
         for _ in range(100): os.write(1, b'y' * 100000)\n\
         for i in range(50): event(t, i, kind='started', id='a')\n\
         event(t, 50, kind='done'); os._exit(0)",
    );
    let heard = host.hear_all();
    assert_eq!(output_of(&heard, OutputStream::Stdout).len(), 10_000_000);
    assert!(heard.contains(&DONE));
    assert_eq!(heard.last(), Some(&exited(0)));
}

#[test]
fn what_was_said_and_printed_just_before_the_exit_is_heard() {
    let host = with_job("event(t, 0, kind='done'); os.write(1, b'bye' * 20000); os._exit(3)");
    let heard = host.hear_all();
    assert!(heard.contains(&DONE));
    assert_eq!(output_of(&heard, OutputStream::Stdout).len(), 60_000);
    assert_eq!(heard.last(), Some(&exited(3)));
}

#[test]
fn a_frame_cut_short_by_the_end_is_no_lie() {
    let host =
        with_job("event(t, 0, kind='started', id='a'); raw(b'\\0\\0\\0\\x09half'); os._exit(0)");
    assert_eq!(host.hear_all(), [started("a"), exited(0)]);
}

#[test]
fn a_harness_that_closes_everything_is_waited_for() {
    let host = with_job("channel.close(); os.closerange(0, 64); time.sleep(0.2); os._exit(4)");
    assert_eq!(host.hear_all(), [exited(4)]);
}

#[test]
fn a_harness_ended_by_a_signal_is_told_with_the_signal() {
    let host = with_job("os.kill(os.getpid(), signal.SIGSEGV)");
    assert_eq!(host.hear_all(), [FromSupervisor::Exited { code: None, signal: Some(11) }]);
}

#[test]
fn a_harness_that_dies_before_it_is_ready_leaves_its_last_words() {
    let heard = Host::start(&["sh", "-c", "echo no framework >&2; exit 5"]).hear_all();
    assert_eq!(output_of(&heard, OutputStream::Stderr), b"no framework\n");
    assert_eq!(heard.last(), Some(&exited(5)));
}

#[test]
fn a_harness_that_does_not_exist_is_told_like_one_that_died() {
    let heard = Host::start(&["/nowhere/python3"]).hear_all();
    assert!(!output_of(&heard, OutputStream::Stderr).is_empty());
    assert_eq!(heard.last(), Some(&exited(127)));
}

#[test]
fn pings_are_answered_while_idle_and_while_a_job_runs() {
    let script = format!("{PRELUDE}\nready()\njob()\ntime.sleep(600)");
    let mut host = Host::start(&["python3", "-c", &script]);
    host.hear();
    host.ping();
    assert_eq!(host.hear(), FromSupervisor::Pong);
    host.send_job();
    host.ping();
    assert_eq!(host.hear(), FromSupervisor::Pong);
}

/// Prints the ids of a daemon and of the harness itself.
const DAEMON: &str = "
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, b'%d\\n' % os.getpid())
        time.sleep(600)
    os._exit(0)
os.wait()
";

/// The process whose id the sandbox printed.
fn printed_pid(host: &mut Host) -> Pid {
    let printed = output_of(&[host.hear()], OutputStream::Stdout);
    let pid = String::from_utf8(printed).expect("digits").trim().parse().expect("a pid");
    Pid::from_raw(pid)
}

fn is_gone(pid: Pid) -> bool {
    kill(pid, None).is_err()
}

#[test]
fn a_daemon_is_dead_before_the_exit_is_told() {
    let mut host = with_job(&format!("{DAEMON}\ntime.sleep(0.3)\nos._exit(0)"));
    let daemon = printed_pid(&mut host);
    assert_eq!(host.hear(), exited(0));
    assert!(is_gone(daemon));
    assert!(host.end().success());
}

#[test]
fn everything_dies_with_a_host_that_leaves() {
    let mut host = with_job(&format!("{DAEMON}\ntime.sleep(600)"));
    let daemon = printed_pid(&mut host);
    host.leave();
    assert!(!host.end().success());
    assert!(is_gone(daemon));
}

#[test]
fn everything_dies_with_a_host_that_no_longer_listens() {
    let mut host = with_job(&format!("{DAEMON}\ntime.sleep(600)"));
    let daemon = printed_pid(&mut host);
    host.stop_listening();
    assert!(!host.end().success());
    assert!(is_gone(daemon));
}

#[test]
fn everything_dies_when_it_is_told_to_stop() {
    let mut host = with_job(&format!("{DAEMON}\ntime.sleep(600)"));
    let daemon = printed_pid(&mut host);
    kill(host.pid(), Signal::SIGTERM).expect("it is ours");
    assert!(!host.end().success());
    assert!(is_gone(daemon));
}

#[test]
fn an_idle_supervisor_goes_when_its_host_goes() {
    let mut host = Host::start(&["sleep", "600"]);
    host.leave();
    assert!(!host.end().success());
}

#[test]
fn the_harness_inherits_three_descriptors_and_no_more() {
    let heard = Host::start(&["sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"]).hear_all();
    // `ls` itself has the folder open.
    assert_eq!(output_of(&heard, OutputStream::Stdout), b"0 1 2 3 ");
}

#[test]
fn signals_reach_the_harness_as_usual() {
    let heard = Host::start(&["grep", "SigBlk", "/proc/self/status"]).hear_all();
    assert_eq!(output_of(&heard, OutputStream::Stdout), b"SigBlk:\t0000000000000000\n");
}

#[test]
fn the_supervisor_cannot_be_read_from_below() {
    let mut host = Host::start(&["sleep", "600"]);
    host.ping();
    host.hear();
    // Root reads everything; to the others the folder belongs to root once it is not dumpable.
    let owner = std::os::unix::fs::MetadataExt::uid(
        &std::fs::metadata(format!("/proc/{}/environ", host.pid())).expect("it runs"),
    );
    assert_eq!(owner, 0);
}
