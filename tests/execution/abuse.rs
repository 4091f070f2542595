//! Everything that code under test may try, and what must come of it.
//!
//! Where a test itself can tell that it is contained (an error it must get), it asserts that and
//! the run passes. Everything else ends without success.

use serde_json::{Value, json};

use super::case::Case;
use super::worker::{CANARY, TOKEN};

/// Tests that pass if and only if somebody cheated.
const FALSE_PYTHON: &str = "def test_false():\n    assert add(1, 2) == 4\n";
const FALSE_JEST: &str = "test('false', () => {\n  expect(add(1, 2)).toBe(4);\n});\n";
const FALSE_JUNIT: &str = "import static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\n\nclass FalseTest {\n  @Test void isFalse() { assertEquals(4, Calc.add(1, 2)); }\n}\n";
const ADD_JAVA: &str = "class Calc {\n  static int add(int a, int b) { return a + b; }\n}\n";

/// What a kernel must withstand: exhaustion, processes that outlive, ways out.
pub fn attacks() -> Vec<Case> {
    let mut cases = python_exhaustion();
    cases.extend(python_processes());
    cases.extend(python_probes());
    cases.extend(javascript());
    cases.extend(java());
    cases
}

/// What supervisor and host must see through, whatever the kernel.
pub fn forgeries() -> Vec<Case> {
    let mut cases = python_forgeries();
    cases.extend(javascript_forgeries("javascript"));
    cases.extend(javascript_forgeries("typescript"));
    cases.extend(java_forgeries());
    cases
}

/// A program that is one test.
fn python(name: &str, tests: &str) -> Case {
    Case::new(name, "python", "import os, sys, time\n", tests)
}

fn node(name: &str, tests: &str) -> Case {
    Case::new(name, "javascript", "const fs = require('fs');\n", tests)
}

fn jvm(name: &str, body: &str) -> Case {
    let tests = format!(
        "import static org.junit.jupiter.api.Assertions.*;\nimport java.io.*;\nimport java.net.*;\nimport java.nio.file.*;\nimport java.util.*;\nimport org.junit.jupiter.api.*;\n\nclass ProbeTest {{\n{body}}}\n"
    );
    Case::new(name, "java", "class Nothing {}\n", &tests)
}

fn wall(milliseconds: u64) -> Value {
    json!({"wall_ms": milliseconds})
}

/// No control character reaches a terminal, and what is kept is bounded.
fn output_is_tame(verdict: &Value) -> Result<(), String> {
    let tests = verdict["tests"].as_array().cloned().unwrap_or_default();
    let outputs = tests.iter().map(|test| &test["output"]).chain([&verdict["output"]]);
    for text in outputs.filter_map(Value::as_str) {
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
            return Err("output has control characters".to_owned());
        }
        // Each byte of the 1 MiB that is kept may have become the three of U+FFFD.
        if text.len() > 5 << 20 {
            return Err(format!("output has {} bytes", text.len()));
        }
    }
    Ok(())
}

/// The run was over long before its time was.
fn ends_at_once(verdict: &Value) -> Result<(), String> {
    let wall = verdict["stats"]["wall_ms"].as_u64().unwrap_or(u64::MAX);
    if wall < 8_000 { Ok(()) } else { Err(format!("the run took {wall} ms")) }
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn python_exhaustion() -> Vec<Case> {
    const STUBBORN: &str = "def test_bomb():\n    while True:\n        try:\n            os.fork()\n        except OSError:\n            pass\n";
    vec![
        // With gVisor the limit is that of the sandbox's own process: the bomb may end it.
        python("a_fork_bomb_runs_out_of_time", STUBBORN)
            .limits(wall(2_000))
            .status("timeout")
            .results(&[("test_bomb", "unfinished")])
            .on_gvisor(&["timeout", "out_of_memory", "crashed"]),
        python(
            "a_fork_bomb_is_refused_processes",
            r"import pytest


def test_bomb():
    children = 0
    with pytest.raises(OSError):
        while children < 1_000:
            if os.fork() == 0:
                time.sleep(1_000)
                os._exit(0)
            children += 1
    assert 0 < children < 64
",
        )
        .reached(&[("processes", 64)])
        .on_gvisor(&["passed", "failed", "out_of_memory", "crashed", "timeout"]),
        python(
            "a_thread_bomb_is_refused_threads",
            r"import threading

import pytest


def test_bomb():
    with pytest.raises(RuntimeError):
        for _ in range(1_000):
            threading.Thread(target=time.sleep, args=(1_000,), daemon=True).start()
",
        )
        .on_gvisor(&["passed", "failed", "out_of_memory", "crashed", "timeout"]),
        python(
            "a_memory_bomb_on_the_heap",
            "def test_bomb():\n    kept = []\n    while True:\n        kept.append(b'x' * (8 << 20))\n",
        )
        .status("out_of_memory")
        .results(&[("test_bomb", "unfinished")])
        .reached(&[("memory", 256 << 20)])
        // There the sandbox as a whole is killed, which the host may see before the reason.
        .on_gvisor(&["out_of_memory", "crashed"]),
        python(
            "a_memory_bomb_in_a_child",
            r"def test_bomb():
    if os.fork() == 0:
        kept = []
        while True:
            kept.append(b'x' * (8 << 20))
    os.wait()
",
        )
        .status("out_of_memory")
        .on_gvisor(&["out_of_memory", "crashed"]),
        python(
            "a_disk_is_filled",
            r#"import errno

import pytest


@pytest.mark.parametrize("folder", ["/work", "/tmp"])
def test_fill(folder):
    written = 0
    with pytest.raises(OSError) as caught:
        with open(folder + "/big", "wb", buffering=0) as file:
            while written < 1 << 30:
                written += file.write(b"x" * (1 << 20))
    assert caught.value.errno == errno.ENOSPC
    assert 32 << 20 < written <= 64 << 20
    os.unlink(folder + "/big")
"#,
        )
        .results(&[("test_fill[/work]", "passed"), ("test_fill[/tmp]", "passed")]),
        // 64 MiB in each folder and 160 on the heap are more than 256 in all.
        python(
            "a_memory_bomb_in_tmpfs",
            r#"def test_bomb():
    for folder in ("/work", "/tmp"):
        with open(folder + "/big", "wb", buffering=0) as file:
            try:
                for _ in range(64):
                    file.write(b"x" * (1 << 20))
            except OSError:
                pass
    kept = [b"x" * (8 << 20) for _ in range(20)]
    assert len(kept) == 20
"#,
        )
        .status("out_of_memory")
        .on_gvisor(&["out_of_memory", "crashed"]),
        python(
            "inodes_are_used_up",
            r#"import errno

import pytest


@pytest.mark.parametrize("folder", ["/work", "/tmp"])
def test_fill(folder):
    with pytest.raises(OSError) as caught:
        for number in range(5_000):
            os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
    assert caught.value.errno == errno.ENOSPC
"#,
        )
        .results(&[("test_fill[/work]", "passed"), ("test_fill[/tmp]", "passed")])
        // Its tmpfs counts bytes alone.
        .on_gvisor(&["passed", "failed"]),
        python(
            "descriptors_are_used_up",
            r#"import pytest


def test_fill():
    kept = []
    with pytest.raises(OSError):
        for _ in range(100_000):
            kept.append(os.open("/dev/null", os.O_RDONLY))
    for fd in kept:
        os.close(fd)
"#,
        ),
        python(
            "a_gigabyte_is_printed",
            "def test_prints():\n    for _ in range(16_384):\n        os.write(1, b'x' * 65_536)\n",
        )
        .status("output_limit")
        .results(&[("test_prints", "unfinished")])
        .reached(&[("output", 1 << 20)])
        .also(output_is_tame),
        python(
            "a_gigabyte_of_lines_is_printed_to_stderr",
            "def test_prints():\n    line = b'y' * 79 + b'\\n'\n    while True:\n        os.write(2, line * 800)\n",
        )
        .status("output_limit")
        .reached(&[("output", 1 << 20)])
        .also(output_is_tame),
        python(
            "a_megabyte_of_escapes_is_printed",
            "def test_prints():\n    while True:\n        os.write(1, b'\\x1b[2J\\x00\\xff\\x07' * 8_000)\n",
        )
        .status("output_limit")
        .also(output_is_tame),
        python(
            "a_lower_limit_of_output",
            "def test_prints():\n    print('x' * 20_000)\n",
        )
        .limits(json!({"output_bytes": 10_000}))
        .status("output_limit")
        .reached(&[("output", 10_000)]),
        python(
            "a_little_of_everything_is_printed",
            r#"def test_nul():
    os.write(1, b"a\x00b\n")


def test_bad_utf_8():
    os.write(1, b"a\xff\xfe\xc3(b\n")


def test_escapes():
    print("\x1b[31mred\x1b[0m \x07 \x9b2J")


def test_no_newline():
    print("no end", end="")


def test_surrogate():
    os.write(2, b"\xed\xa0\x80\n")
"#,
        )
        .printed(&[
            ("test_nul", "a\u{fffd}b\n"),
            ("test_bad_utf_8", "a\u{fffd}"),
            ("test_escapes", "\u{fffd}[31mred\u{fffd}[0m"),
            ("test_no_newline", "no end"),
            ("test_surrogate", "\u{fffd}"),
        ])
        .also(output_is_tame),
        python("it_sleeps_forever", "def test_sleeps():\n    time.sleep(10 ** 8)\n")
            .limits(wall(2_000))
            .status("timeout")
            .reached(&[("wall", 2_000)]),
        python("it_loops_forever", "def test_loops():\n    while True:\n        pass\n")
            .limits(wall(2_000))
            .status("timeout")
            .results(&[("test_loops", "unfinished")])
            .reached(&[("wall", 2_000)]),
        python(
            "it_loops_forever_in_c",
            "import re\n\n\ndef test_loops():\n    re.match('(a+)+$', 'a' * 60 + 'b')\n",
        )
        .limits(wall(2_000))
        .status("timeout"),
        python(
            "it_loops_forever_while_imported",
            "while True:\n    pass\n\n\ndef test_never():\n    pass\n",
        )
        .limits(wall(2_000))
        .status("timeout"),
        python(
            "it_ignores_every_signal",
            r"import signal


def test_stays():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)
",
        )
        .limits(wall(2_000))
        .status("timeout"),
        python(
            "it_recurses_without_end",
            "def down():\n    return down()\n\n\ndef test_recurses():\n    down()\n",
        )
        .status("failed")
        .messages(&[("test_recurses", "RecursionError")]),
        python(
            "the_limits_cannot_be_raised",
            r"def test_generous():
    time.sleep(10 ** 8)
",
        )
        .limits(wall(86_400_000))
        .status("timeout")
        .reached(&[("wall", 10_000)]),
    ]
}

fn python_processes() -> Vec<Case> {
    vec![
        python(
            "a_daemon_outlives_the_run",
            r#"def test_daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        while True:
            time.sleep(1)
    os.wait()
"#,
        )
        .results(&[("test_daemon", "passed")])
        .also(ends_at_once),
        python(
            "a_program_outlives_the_run",
            r"import subprocess


def test_daemon():
    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'], start_new_session=True)
",
        )
        .also(ends_at_once),
        python(
            "a_thread_outlives_the_run",
            "import threading\n\n\ndef test_thread():\n    threading.Thread(target=time.sleep, args=(1_000,)).start()\n",
        )
        .also(ends_at_once),
        python(
            "init_is_killed",
            r"import signal


def test_init_stays():
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP):
        try:
            os.kill(1, number)
        except PermissionError:
            pass
    time.sleep(0.2)
    try:
        os.kill(1, 0)
    except PermissionError:
        pass
",
        )
        // Its PID 1 can be killed by its own; who does so loses the run.
        .on_gvisor(&["passed", "crashed"]),
        // The caller itself and init are spared by the kernel.
        python(
            "everything_is_killed",
            "def test_kills():\n    try:\n        os.kill(-1, 9)\n    except ProcessLookupError:\n        pass\n",
        ),
        python(
            "everything_is_killed_by_a_child",
            "def test_kills():\n    if os.fork() == 0:\n        os.kill(-1, 9)\n        os._exit(0)\n    time.sleep(100)\n",
        )
        .status("crashed")
        .results(&[("test_kills", "unfinished")]),
        python("it_kills_itself", "def test_dies():\n    os.kill(os.getpid(), 9)\n")
            .status("crashed")
            .error(&["signal 9"]),
        python("it_crashes", "import ctypes\n\n\ndef test_dies():\n    ctypes.string_at(0)\n")
            .status("crashed")
            .error(&["signal 11"]),
        python("it_aborts", "def test_dies():\n    os.abort()\n").status("crashed").error(&["signal 6"]),
        python(
            "it_stops_itself",
            "import signal\n\n\ndef test_stops():\n    os.kill(os.getpid(), signal.SIGSTOP)\n",
        )
        .limits(wall(2_000))
        .status("timeout"),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn python_probes() -> Vec<Case> {
    let secrets = format!(
        r#"SECRETS = ["{TOKEN}", "{CANARY}"]


def readable():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            try:
                with open(f"/proc/{{pid}}/{{name}}", "rb") as file:
                    yield file.read().decode(errors="replace")
            except OSError:
                pass


def test_environment():
    assert set(os.environ) <= {{"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOSTNAME", "PWD", "PYTEST_VERSION", "PYTEST_CURRENT_TEST"}}
    assert os.environ["HOME"] == "/work"


def test_processes():
    for text in [*readable(), repr(dict(os.environ)), repr(sys.argv), repr(sys.orig_argv)]:
        for secret in SECRETS:
            assert secret not in text
        assert "WORKER_AUTH_TOKEN" not in text
"#
    );
    let residue = r#"def test_nothing_is_left():
    ours = {"source.py", "test_code.py"}
    assert set(os.listdir("/work")) <= ours
    assert [name for name in os.listdir("/tmp") if not name.startswith("pytest")] == []
    assert not os.path.exists("/dev/shm") or os.listdir("/dev/shm") == []


def test_leaves_much():
    for folder in ("/work", "/tmp", "/dev/shm"):
        try:
            with open(folder + "/residue", "w") as file:
                file.write("an earlier run was here")
        except OSError:
            pass
"#;
    vec![
        python("secrets_of_the_worker", &secrets),
        python(
            "it_is_nobody",
            r#"def test_ids():
    assert (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) == (65534,) * 4


def test_capabilities():
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status.get(name, "0"), 16) == 0, name


def test_becomes_nobody_else():
    for change in (os.setuid, os.setgid):
        try:
            change(0)
        except OSError:
            pass
        else:
            raise AssertionError("became root")
"#,
        ),
        python(
            "no_new_privileges_and_seccomp",
            r#"def test_status():
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines())
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
"#,
        )
        // Its kernel filters by itself and shows neither.
        .on_gvisor(&["passed", "failed"]),
        python(
            "init_is_not_readable",
            r#"import pytest


@pytest.mark.parametrize("name", ["mem", "environ", "maps"])
def test_files(name):
    with pytest.raises(OSError):
        with open(f"/proc/1/{name}", "rb") as file:
            file.read(1)


def test_descriptors():
    with pytest.raises(OSError):
        os.listdir("/proc/1/fd")


@pytest.mark.parametrize("link", ["root", "cwd", "exe"])
def test_links(link):
    with pytest.raises(OSError):
        os.readlink(f"/proc/1/{link}")
"#,
        )
        .on_gvisor(&["passed", "failed"]),
        python(
            "the_kernel_is_not_writable",
            r#"import pytest

FILES = [
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sysrq-trigger",
    "/proc/1/oom_score_adj",
    "/sys/kernel/uevent_helper",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory.max",
]


@pytest.mark.parametrize("path", FILES)
def test_refuses(path):
    with pytest.raises(OSError):
        with open(path, "w") as file:
            file.write("1")
"#,
        ),
        python(
            "the_rest_is_read_only",
            r#"import pytest


@pytest.mark.parametrize("folder", ["/", "/etc", "/usr", "/usr/bin", "/opt", "/opt/tester", "/opt/tester/python", "/proc", "/sys", "/dev", "/var", "/root", "/home"])
def test_refuses(folder):
    with pytest.raises(OSError):
        open(folder + "/intruder", "w")


def test_the_harness():
    with pytest.raises(OSError):
        open("/opt/tester/python/harness.py", "a")


def test_removal():
    with pytest.raises(OSError):
        os.rename("/opt/tester", "/opt/other")


def test_of_the_host():
    for path in ("/etc/shadow", "/root/.ssh", "/root/.bashrc", "/proc/kcore", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda"):
        try:
            open(path, "rb").read(1)
        except OSError:
            continue
        raise AssertionError(path)
"#,
        ),
        python(
            "no_docker_socket",
            r#"import socket

import pytest


@pytest.mark.parametrize("path", ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/user/0/docker.sock"])
def test_is_not_there(path):
    assert not os.path.exists(path)
    with pytest.raises(OSError):
        socket.socket(socket.AF_UNIX).connect(path)
"#,
        ),
        // gVisor's network stack is slow, and a scan of half the ports takes its time.
        python(
            "no_worker_on_the_loopback",
            r#"import socket


def refused(port):
    try:
        client = socket.create_connection(("127.0.0.1", port), timeout=1)
    except OSError:
        return True
    # Whoever tries every port of its own range meets itself in the end (TCP's simultaneous open).
    return client.getsockname() == client.getpeername()


def test_the_worker():
    assert [port for port in range(32_768, 61_000) if not refused(port)] == []
"#,
        )
        .on_gvisor(&["passed", "timeout"]),
        python(
            "no_network",
            r#"import socket

import pytest


def refused(family, address):
    try:
        client = socket.socket(family)
        client.settimeout(1)
        client.connect(address)
    except OSError:
        return True
    return False


def test_services_of_the_host():
    assert [port for port in (22, 53, 80, 443, 2375, 2376, 5432, 6379, 8080) if not refused(socket.AF_INET, ("127.0.0.1", port))] == []


@pytest.mark.parametrize("address", ["169.254.169.254", "1.1.1.1", "10.0.0.1", "172.17.0.1", "192.168.0.1"])
def test_addresses(address):
    assert refused(socket.AF_INET, (address, 80))


@pytest.mark.parametrize("address", ["::1", "fe80::1", "2606:4700:4700::1111", "fd00:ec2::254"])
def test_ipv6(address):
    assert refused(socket.AF_INET6, (address, 80))


def test_names():
    with pytest.raises(OSError):
        socket.getaddrinfo("example.com", 80)


def test_datagrams():
    with pytest.raises(OSError):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53))


@pytest.mark.parametrize("kind", [socket.SOCK_RAW])
def test_raw(kind):
    with pytest.raises(OSError):
        socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)


@pytest.mark.parametrize("name", ["alg", "vsock", "packet", "bluetooth", "can"])
def test_families(name):
    families = {"alg": 38, "vsock": 40, "packet": 17, "bluetooth": 31, "can": 29}
    with pytest.raises(OSError):
        socket.socket(families[name], socket.SOCK_RAW if name in ("packet", "bluetooth", "can") else socket.SOCK_SEQPACKET if name == "alg" else socket.SOCK_STREAM)


def test_abstract_sockets_of_the_host():
    try:
        lines = open("/proc/net/unix").read().splitlines()[1:]
    except OSError:
        lines = []
    assert [line for line in lines if "@/" in line or "/run/" in line] == []
"#,
        )
        // Ten thousands of connections, each through two kernels.
        .on_gvisor(&["passed"]),
        python(
            "no_netlink",
            "import socket\n\nimport pytest\n\n\ndef test_netlink():\n    with pytest.raises(OSError):\n        socket.socket(16, socket.SOCK_RAW, 0)\n",
        )
        // Its own, of a network that has nothing but the loopback.
        .on_gvisor(&["passed", "failed"]),
        python("dangerous_system_calls", &system_calls(
            r#"CALLS = {
    # name: (number on x86-64, on aarch64, arguments)
    "mount": (165, 40, (b"none", b"/tmp", b"tmpfs", 0, 0)),
    "umount2": (166, 39, (b"/tmp", 2)),
    "pivot_root": (155, 41, (b"/tmp", b"/tmp")),
    "unshare_mounts": (272, 97, (0x00020000,)),
    "bpf": (321, 280, (0, 0, 0)),
    "io_uring_setup": (425, 425, (1, 0)),
    "userfaultfd": (323, 282, (0,)),
    "perf_event_open": (298, 241, (0, 0, -1, -1, 0)),
    "kexec_load": (246, 104, (0, 0, 0, 0)),
    "init_module": (175, 105, (0, 0, b"")),
    "reboot": (169, 142, (0xFEE1DEAD, 672274793, 0, 0)),
    "swapon": (167, 224, (b"/tmp/x", 0)),
    "settimeofday": (164, 170, (b"\0" * 16, 0)),
    "sethostname": (170, 161, (b"x", 1)),
    "open_by_handle_at": (304, 265, (-1, b"\0" * 16, 0)),
    "chroot": (161, 51, (b"/tmp",)),
    "acct": (163, 89, (b"/tmp/x",)),
}
"#,
        ))
        // Its kernel is its own, and some of these calls work in there.
        .on_gvisor(&["passed", "failed"]),
        python("system_calls_of_debuggers_and_containers", &system_calls(
            r#"CALLS = {
    "ptrace": (101, 117, (0, 0, 0, 0)),
    "process_vm_readv": (310, 270, (1, 0, 0, 0, 0, 0)),
    "process_vm_writev": (311, 271, (1, 0, 0, 0, 0, 0)),
    "keyctl": (250, 219, (0, -3, 0, 0, 0)),
    "add_key": (248, 217, (b"user", b"a", b"b", 1, -3)),
    "request_key": (249, 218, (b"user", b"a", 0, -3)),
    "unshare_user": (272, 97, (0x10000000,)),
    "unshare_net": (272, 97, (0x40000000,)),
    "unshare_pid": (272, 97, (0x20000000,)),
    "setns": (308, 268, (0, 0x10000000)),
}
"#,
        ))
        // Served by its own kernel, for the sandbox alone.
        .on_gvisor(&["passed", "failed", "crashed"]),
        python(
            "odd_files_are_left_behind",
            r#"import stat

import pytest


def test_symlinks():
    os.symlink("/etc/passwd", "/work/result.xml")
    os.symlink("/work/result.xml", "/tmp/loop")
    os.symlink("nowhere", "/work/dangling")
    for name in ("source.py", "test_code.py"):
        try:
            os.unlink("/work/" + name)
        except FileNotFoundError:
            pass
        os.symlink("/dev/zero", "/work/" + name)


def test_fifo():
    os.mkfifo("/work/results.json")
    os.mkfifo("/tmp/pipe")


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_device(kind):
    with pytest.raises(OSError):
        os.mknod("/work/device", kind | 0o666, os.makedev(1, 1))


def test_folders():
    os.chmod("/tmp", 0o777) if os.stat("/tmp").st_uid == os.getuid() else None
    deep = "/work/" + "/".join(["d" * 50] * 60)
    os.makedirs(deep)
    os.mkdir("/work/locked", 0o000)
"#,
        )
        // A device made in there is one of its own kernel, which has none that leads out.
        .on_gvisor(&["passed", "failed"]),
        python(
            "names_are_paths",
            r#"import pytest

NAMES = ["../../../etc/passwd", "/etc/passwd", "..", "a::b", "a b;$(id)`id`", "<script>alert(1)</script>", "%2e%2e%2f", "a\nb"]


@pytest.mark.parametrize("name", NAMES)
def test_name(name):
    assert name
"#,
        )
        .also(output_is_tame),
        python("nothing_of_an_earlier_run_is_there_once", residue),
        python("nothing_of_an_earlier_run_is_there_twice", residue),
    ]
}

/// Tests that each of `CALLS` is refused.
fn system_calls(calls: &str) -> String {
    format!(
        r#"import ctypes
import errno
import platform

import pytest

{calls}
REFUSALS = {{errno.EPERM, errno.ENOSYS, errno.EACCES, errno.ENODEV}}


@pytest.mark.parametrize("name", CALLS)
def test_is_refused(name):
    x86, arm, arguments = CALLS[name]
    number = x86 if platform.machine() == "x86_64" else arm
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    assert libc.syscall(ctypes.c_long(number), *arguments) == -1
    assert ctypes.get_errno() in REFUSALS, errno.errorcode[ctypes.get_errno()]
"#
    )
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn python_forgeries() -> Vec<Case> {
    let add = "def add(a, b):\n    return a + b\n\n\n";
    let forged =
        |name, trick: &str| Case::new(name, "python", &format!("{add}{trick}"), FALSE_PYTHON);
    let of_tests = |name, tests| Case::new(name, "python", add, tests);
    vec![
        of_tests(
            "the_summary_is_printed",
            "def test_false():\n    print('test_code.py .  [100%]')\n    print('============ 1 passed in 0.01s ============')\n    assert add(1, 2) == 4\n",
        )
        .status("failed")
        .results(&[("test_false", "failed")])
        .output(&["1 failed in "]),
        forged("it_exits_while_imported", "import os\n\nos._exit(0)\n").status("incomplete"),
        forged(
            "it_prints_the_summary_and_exits",
            "import os\n\nos.write(1, b'test_code.py .\\n1 passed in 0.01s\\n')\nos._exit(0)\n",
        )
        .status("incomplete"),
        of_tests(
            "it_exits_inside_a_test",
            "import os\n\n\ndef test_first():\n    pass\n\n\ndef test_exits():\n    os._exit(0)\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("incomplete")
        .results(&[
            ("test_first", "passed"),
            ("test_exits", "unfinished"),
            ("test_false", "unfinished"),
        ]),
        of_tests("sys_exit_inside_a_test", "import sys\n\n\ndef test_exits():\n    sys.exit(0)\n")
            .status("failed")
            .results(&[("test_exits", "failed")]),
        forged("sys_exit_while_imported", "import sys\n\nsys.exit(0)\n").status("error"),
        of_tests(
            "pytest_exit_inside_a_test",
            "import pytest\n\n\ndef test_exits():\n    pytest.exit('enough', returncode=0)\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("incomplete"),
        forged(
            "it_execs_another_program",
            "import os, sys\n\nos.execv(sys.executable, [sys.executable, '-c', 'print(\"1 passed\")'])\n",
        )
        .status("incomplete"),
        forged(
            "exit_hooks",
            "import atexit, os, threading\n\natexit.register(os._exit, 0)\natexit.register(print, '1 passed')\nthreading._register_atexit(os._exit, 0)\n",
        )
        .status("failed")
        .results(&[("test_false", "failed")]),
        // What the tests ask is answered yes: no harness can know better. See docs/sandbox.md.
        Case::new(
            "an_object_equal_to_everything",
            "python",
            "class Yes:\n    def __eq__(self, other):\n        return True\n\n\ndef add(a, b):\n    return Yes()\n",
            FALSE_PYTHON,
        )
        .status("passed"),
        forged(
            "the_report_class_is_patched",
            "import _pytest.reports\n\n_pytest.reports.TestReport.outcome = property(lambda self: 'passed', lambda self, value: None)\n_pytest.reports.TestReport.from_item_and_call = classmethod(lambda *a: None)\n",
        )
        .status("tampered"),
        forged(
            "the_report_hook_is_patched",
            "import _pytest.runner\n\n\ndef always(item, call):\n    report = _pytest.reports.TestReport.from_item_and_call(item, call)\n    report.outcome, report.longrepr = 'passed', None\n    return report\n\n\n_pytest.runner.pytest_runtest_makereport.__code__ = always.__code__\n",
        )
        .status("tampered"),
        // A hook is a hook in a plugin, and the code under test is none.
        forged(
            "hooks_are_defined",
            "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n    outcome.get_result().outcome = 'passed'\n\n\ndef pytest_runtest_call(item):\n    pass\n\n\npytest_plugins = ['source']\n",
        )
        .status("failed"),
        of_tests(
            "a_plugin_is_registered",
            "import pytest\n\n\nclass Plugin:\n    @pytest.hookimpl(tryfirst=True)\n    def pytest_pyfunc_call(self, pyfuncitem):\n        return True\n\n\n@pytest.fixture(autouse=True)\ndef register(request):\n    request.config.pluginmanager.register(Plugin())\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("tampered"),
        forged(
            "raises_is_patched",
            "import contextlib\nimport pytest\n\npytest.raises = lambda *a, **k: contextlib.nullcontext()\n",
        )
        .status("tampered"),
        forged(
            "the_helpers_of_assert_are_patched",
            "import _pytest.assertion.rewrite as rewrite\n\nrewrite._call_reprcompare = lambda *a: ''\nrewrite._saferepr = lambda o: ''\n",
        )
        .status("tampered"),
        forged(
            "assertion_error_is_replaced",
            "import builtins\n\n\nclass Quiet(BaseException):\n    pass\n\n\nbuiltins.AssertionError = Quiet\n",
        )
        .status("tampered"),
        forged(
            "the_unittest_assertions_are_patched",
            "import unittest\n\nunittest.TestCase.assertEqual = lambda *a, **k: None\n",
        )
        .status("tampered"),
        of_tests(
            "a_test_is_redefined_after_collection",
            "import sys\n\n\ndef test_first():\n    module = sys.modules[__name__]\n    module.test_false = lambda: None\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("failed")
        .results(&[("test_first", "passed"), ("test_false", "failed")]),
        of_tests(
            "the_code_of_a_test_is_exchanged",
            "def test_first():\n    test_false.__code__ = (lambda: None).__code__\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("tampered"),
        of_tests(
            "a_test_is_removed",
            "def test_first():\n    pass\n\n\ndef test_false():\n    assert add(1, 2) == 4\n\n\ndel test_false\n",
        )
        .status_in(&["incomplete", "passed"])
        .also(|verdict| {
            // What the tests themselves take back is theirs; it must not count as passed.
            let tests = verdict["tests"].as_array().cloned().unwrap_or_default();
            let counted = tests.iter().any(|test| test["id"] == "test_false");
            if counted { Err("a test that does not exist was reported".to_owned()) } else { Ok(()) }
        }),
        // pytest leaves out a module that says so; the host has read the tests by itself.
        forged("the_source_hides_the_tests", "__test__ = False\n").status("incomplete"),
        forged(
            "configuration_files_are_written",
            "for name, text in {\n    'conftest.py': 'import pytest\\n@pytest.hookimpl(tryfirst=True)\\ndef pytest_pyfunc_call(pyfuncitem):\\n    return True\\n',\n    'pytest.ini': '[pytest]\\naddopts = --collect-only\\n',\n    'setup.cfg': '[tool:pytest]\\naddopts = --co\\n',\n    'sitecustomize.py': 'import os; os._exit(0)\\n',\n}.items():\n    with open(name, 'w') as file:\n        file.write(text)\n\nimport os\n\nos.environ['PYTEST_ADDOPTS'] = '--collect-only'\n",
        )
        .status("failed")
        .results(&[("test_false", "failed")]),
        Case::new(
            "the_code_skips_the_tests",
            "python",
            "import pytest\n\n\ndef add(a, b):\n    pytest.skip('not today')\n",
            "def test_true():\n    pass\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("failed")
        .results(&[("test_true", "passed"), ("test_false", "failed")]),
        forged(
            "garbage_is_written_to_every_socket",
            "import os, stat\n\nfor fd in range(1024):\n    try:\n        if stat.S_ISSOCK(os.fstat(fd).st_mode):\n            os.write(fd, b'2 passed in 0.01s\\n')\n    except OSError:\n        pass\n",
        )
        .status("tampered"),
        forged(
            "forged_frames_are_written_to_every_socket",
            "import json, os, stat, struct\n\nframes = b''\nfor number, event in enumerate([\n    {'kind': 'collected', 'tests': [{'id': 'test_false', 'name': 'test_false', 'line': 1}]},\n    {'kind': 'started', 'id': 'test_false'},\n    {'kind': 'finished', 'id': 'test_false', 'status': 'passed', 'duration_ms': 1.0, 'message': None, 'detail': None, 'line': 1},\n    {'kind': 'done'},\n]):\n    body = json.dumps({'type': 'event', 'token': '0' * 32, 'seq': number, 'event': event}).encode()\n    frames += struct.pack('>I', len(body)) + body\n\nfor fd in range(1024):\n    try:\n        if stat.S_ISSOCK(os.fstat(fd).st_mode):\n            os.write(fd, frames)\n    except OSError:\n        pass\n\nos._exit(0)\n",
        )
        .status("tampered"),
        forged(
            "a_huge_frame_is_announced",
            "import os, stat\n\nfor fd in range(1024):\n    try:\n        if stat.S_ISSOCK(os.fstat(fd).st_mode):\n            os.write(fd, b'\\xff\\xff\\xff\\xff')\n    except OSError:\n        pass\n",
        )
        .status("tampered"),
        forged("every_descriptor_is_closed", "import os\n\nos.closerange(0, 4096)\n")
            .status("incomplete"),
        // stdin, stdout and stderr are the code's own.
        of_tests(
            "the_standard_descriptors_are_closed",
            "import os\n\n\ndef test_closes():\n    for fd in (0, 1, 2):\n        os.close(fd)\n\n\ndef test_false():\n    assert add(1, 2) == 4\n",
        )
        .status("failed")
        .results(&[("test_closes", "passed"), ("test_false", "failed")]),
        forged(
            "a_child_reports_in_the_name_of_its_parent",
            "import os\n\nif os.fork():\n    os._exit(0)\n\n\ndef add(a, b):\n    return 4\n",
        )
        .status("incomplete"),
        forged(
            "the_standard_library_is_patched",
            "import json, os, struct, time\n\njson.dumps = lambda *a, **k: '{}'\nos.write = lambda fd, data: len(data)\nstruct.pack = lambda *a: b''\ntime.perf_counter = lambda: 0\n",
        )
        .status("failed"),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn javascript() -> Vec<Case> {
    let secrets = format!(
        "test('environment', () => {{\n  const text = JSON.stringify(process.env);\n  for (const secret of ['{TOKEN}', '{CANARY}', 'WORKER_AUTH_TOKEN']) expect(text).not.toContain(secret);\n  for (const pid of fs.readdirSync('/proc').filter(name => /^\\d+$/.test(name))) {{\n    let environ = '';\n    try {{ environ = fs.readFileSync(`/proc/${{pid}}/environ`, 'utf8'); }} catch {{}}\n    for (const secret of ['{TOKEN}', '{CANARY}', 'WORKER_AUTH_TOKEN']) expect(environ).not.toContain(secret);\n  }}\n  expect(process.getuid()).toBe(65534);\n}});\n"
    );
    vec![
        // The kernel says no somewhere: to a thread that Node needs, or to memory.
        node(
            "a_thread_bomb",
            "const { Worker } = require('worker_threads');\n\ntest('bomb', async () => {\n  for (;;) {\n    await new Promise((resolve, reject) => {\n      const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });\n      worker.on('online', resolve);\n      worker.on('error', reject);\n    });\n  }\n}, 60000);\n",
        )
        .limits(wall(5_000))
        .status_in(&["failed", "timeout", "out_of_memory", "crashed"]),
        node(
            "a_process_bomb",
            "const { spawn } = require('child_process');\n\ntest('bomb', async () => {\n  for (;;) {\n    await new Promise((resolve, reject) => {\n      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });\n      child.on('spawn', resolve);\n      child.on('error', reject);\n    });\n  }\n}, 60000);\n",
        )
        .limits(wall(5_000))
        .status_in(&["failed", "timeout", "out_of_memory", "crashed"]),
        node(
            "a_memory_bomb_in_buffers",
            "test('bomb', () => {\n  const kept = [];\n  for (;;) kept.push(Buffer.alloc(8 << 20, 1));\n});\n",
        )
        .status("out_of_memory")
        .reached(&[("memory", 256 << 20)])
        .on_gvisor(&["out_of_memory", "crashed"]),
        node(
            "a_memory_bomb_on_the_heap",
            "test('bomb', () => {\n  const kept = [];\n  for (;;) kept.push({ a: [kept.length, kept.length] });\n});\n",
        )
        .status("out_of_memory")
        .on_gvisor(&["out_of_memory", "crashed"]),
        node(
            "a_gigabyte_is_printed",
            "test('prints', () => {\n  const text = 'x'.repeat(65536);\n  for (let i = 0; i < 16384; i += 1) process.stdout.write(text);\n});\n",
        )
        .status("output_limit")
        .reached(&[("output", 1 << 20)])
        .also(output_is_tame),
        node(
            "a_little_of_everything_is_printed",
            "test('prints', () => {\n  console.log('\\x1b[31mred\\x00');\n  fs.writeSync(1, Buffer.from([0x61, 0xff, 0xfe, 0x0a]));\n});\n",
        )
        .printed(&[("prints", "\u{fffd}[31mred\u{fffd}"), ("prints", "a\u{fffd}")])
        .also(output_is_tame),
        node("it_loops_forever", "test('loops', () => {\n  for (;;);\n});\n")
            .limits(wall(2_000))
            .status("timeout")
            .results(&[("loops", "unfinished")])
            .reached(&[("wall", 2_000)]),
        node(
            "it_loops_forever_in_microtasks",
            "test('loops', async () => {\n  for (;;) await null;\n});\n",
        )
        .limits(wall(2_000))
        .status("timeout"),
        node(
            "it_ignores_signals",
            "test('stays', async () => {\n  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});\n  await new Promise(resolve => setTimeout(resolve, 1e8));\n}, 1e8);\n",
        )
        .limits(wall(2_000))
        .status("timeout"),
        node(
            "a_daemon_outlives_the_run",
            "test('daemon', () => {\n  const { spawn } = require('child_process');\n  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'inherit' }).unref();\n});\n",
        )
        .also(ends_at_once),
        node(
            "a_timer_outlives_the_run",
            "test('timer', () => {\n  setInterval(() => {}, 1000);\n});\n",
        )
        .also(ends_at_once),
        node("it_kills_itself", "test('dies', () => {\n  process.kill(process.pid, 'SIGKILL');\n  for (;;);\n});\n")
            .status("crashed")
            .error(&["signal 9"]),
        node("it_aborts", "test('dies', () => {\n  process.abort();\n});\n").status("crashed"),
        node("secrets_of_the_worker", &secrets),
        node(
            "it_is_contained",
            r"const net = require('net');
const dns = require('dns').promises;

const connect = (port, host) => new Promise((resolve, reject) => {
  const socket = net.connect({ port, host, timeout: 1000 });
  socket.on('connect', resolve);
  socket.on('error', reject);
  socket.on('timeout', () => reject(new Error('timeout')));
});

test.each(['/proc/1/mem', '/etc/shadow', '/var/run/docker.sock'])('cannot read %s', file => {
  expect(() => fs.readFileSync(file)).toThrow();
});

test.each(['/etc/x', '/usr/x', '/opt/tester/node/harness.js', '/opt/tester/node/x', '/proc/sys/kernel/hostname'])('cannot write %s', file => {
  expect(() => fs.writeFileSync(file, 'x')).toThrow();
});

test.each([['127.0.0.1', 8080], ['169.254.169.254', 80], ['1.1.1.1', 80], ['::1', 80]])('cannot connect to %s', async (host, port) => {
  await expect(connect(port, host)).rejects.toThrow();
});

test('cannot resolve names', async () => {
  await expect(dns.lookup('example.com')).rejects.toThrow();
});

test('the disk is small', () => {
  const fd = fs.openSync('/work/big', 'w');
  const block = Buffer.alloc(1 << 20);
  expect(() => {
    for (let i = 0; i < 1024; i += 1) fs.writeSync(fd, block);
  }).toThrow(/ENOSPC/);
});
",
        ),
        node(
            "titles_are_paths",
            "test('../../../etc/passwd', () => {});\ntest('/etc/passwd', () => {});\ntest('a > b', () => {});\ndescribe('a', () => { test('b', () => {}); });\ntest('', () => {});\n",
        )
        .also(output_is_tame),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn javascript_forgeries(language: &'static str) -> Vec<Case> {
    let add = if language == "typescript" {
        "function add(a: number, b: number): number { return a + b; }\n"
    } else {
        "function add(a, b) { return a + b; }\n"
    };
    let forged =
        |name, trick: &str| Case::new(name, language, &format!("{add}{trick}"), FALSE_JEST);
    let of_tests = |name, tests| Case::new(name, language, add, tests);
    vec![
        of_tests(
            "the_summary_is_printed",
            "test('false', () => {\n  console.log('PASS ./test_code.js\\nTests:       1 passed, 1 total');\n  expect(add(1, 2)).toBe(4);\n});\n",
        )
        .status("failed")
        .output(&["1 failed, 1 total"]),
        forged("it_exits_while_imported", "process.exit(0);\n").status("incomplete"),
        forged("it_really_exits_while_imported", "process.reallyExit(0);\n").status("incomplete"),
        of_tests(
            "it_exits_inside_a_test",
            "test('first', () => {});\ntest('exits', () => {\n  process.exit(0);\n});\ntest('false', () => {\n  expect(add(1, 2)).toBe(4);\n});\n",
        )
        .status("incomplete")
        .results(&[("first", "passed"), ("exits", "unfinished"), ("false", "unfinished")]),
        forged(
            "exit_hooks",
            "process.on('exit', () => { process.exitCode = 0; process.exit(0); });\nprocess.on('beforeExit', () => process.exit(0));\n",
        )
        .status("failed")
        .results(&[("false", "failed")]),
        forged(
            "errors_are_swallowed",
            "process.on('uncaughtException', () => {});\nprocess.on('unhandledRejection', () => {});\n",
        )
        .status("failed"),
        // What the tests ask is answered yes: no harness can know better. See docs/sandbox.md.
        Case::new(
            "an_object_equal_to_everything",
            language,
            "const answer = () => ({ asymmetricMatch: () => true, $$typeof: Symbol.for('jest.asymmetricMatcher') });\n",
            "test('false', () => {\n  expect(answer()).toEqual(4);\n});\n",
        )
        .status_in(&["passed", "tampered", "failed"]),
        forged(
            "expect_is_replaced",
            "globalThis.expect = () => ({ toBe() {}, toEqual() {} });\n",
        )
        .status("tampered"),
        forged("expect_is_declared", "const expect = () => ({ toBe() {}, toEqual() {} });\n")
            .status("tampered"),
        forged("test_is_declared", "function test(name, body) {}\n").status_in(&[
            "incomplete",
            "error",
            "tampered",
        ]),
        forged("test_is_replaced", "globalThis.test = () => {};\n").status("tampered"),
        forged(
            "a_matcher_is_replaced",
            "expect.extend({ toBe() { return { pass: true, message: () => '' }; } });\n",
        )
        .status("tampered"),
        forged(
            "everything_is_made_equal",
            "Object.defineProperty(Object.prototype, 'asymmetricMatch', { value: () => true });\n",
        )
        .status("tampered"),
        forged(
            "the_outer_realm_is_patched",
            "const outer = Buffer.constructor.constructor('return globalThis')();\nouter.JSON.stringify = () => '{}';\nouter.Object.is = () => true;\n",
        )
        .status("tampered"),
        forged(
            "promises_are_patched",
            "Promise.prototype.then = function (resolve) { resolve(); return this; };\n",
        )
        .status("tampered"),
        of_tests(
            "a_test_is_redefined_after_collection",
            "let body = () => {\n  expect(add(1, 2)).toBe(4);\n};\n\ntest('first', () => {\n  body = () => {};\n});\n\ntest('false', body);\n",
        )
        .status("failed")
        .results(&[("first", "passed"), ("false", "failed")]),
        forged(
            "configuration_files_are_written",
            "const fs = require('fs');\nfs.writeFileSync('jest.config.js', 'process.exit(0)');\nfs.writeFileSync('package.json', JSON.stringify({ jest: { testMatch: [] } }));\nfs.writeFileSync('.swcrc', '{}');\n",
        )
        .status("failed"),
        forged(
            "garbage_is_written_to_every_socket",
            "const fs = require('fs');\nfor (let fd = 0; fd < 256; fd += 1) {\n  try {\n    if (fs.fstatSync(fd).isSocket()) fs.writeSync(fd, 'Tests: 1 passed, 1 total\\n');\n  } catch {}\n}\n",
        )
        .status("tampered"),
        forged(
            "forged_frames_are_written_to_every_socket",
            "const fs = require('fs');\nconst frames = [\n  { kind: 'collected', tests: [{ id: 'false', name: 'false', line: 1 }] },\n  { kind: 'started', id: 'false' },\n  { kind: 'finished', id: 'false', status: 'passed', duration_ms: 1, message: null, detail: null, line: 1 },\n  { kind: 'done' },\n].map((event, seq) => {\n  const body = Buffer.from(JSON.stringify({ type: 'event', token: '0'.repeat(32), seq, event }));\n  const head = Buffer.alloc(4);\n  head.writeUInt32BE(body.length);\n  return Buffer.concat([head, body]);\n});\nfor (let fd = 0; fd < 256; fd += 1) {\n  try {\n    if (fs.fstatSync(fd).isSocket()) fs.writeSync(fd, Buffer.concat(frames));\n  } catch {}\n}\nprocess.exit(0);\n",
        )
        .status("tampered"),
        forged(
            "every_descriptor_is_closed",
            "const fs = require('fs');\nfor (let fd = 0; fd < 256; fd += 1) {\n  try { fs.closeSync(fd); } catch {}\n}\n",
        )
        // Node aborts when descriptors of its own are gone.
        .status_in(&["incomplete", "crashed"]),
        forged(
            "the_built_ins_are_patched",
            "JSON.stringify = () => '{}';\nArray.prototype.push = function () { return 0; };\nObject.is = () => true;\nMap.prototype.get = () => undefined;\n",
        )
        .status_in(&["failed", "tampered"]),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn java() -> Vec<Case> {
    let secrets = format!(
        r#"  @Test void environment() throws Exception {{
    List<String> texts = new ArrayList<>(List.of(System.getenv().toString(), System.getProperties().toString()));
    for (File file : new File("/proc").listFiles()) {{
      try {{ texts.add(Files.readString(file.toPath().resolve("environ"))); }} catch (Exception unreadable) {{ }}
    }}
    for (String text : texts) {{
      for (String secret : List.of("{TOKEN}", "{CANARY}", "WORKER_AUTH_TOKEN")) {{
        assertFalse(text.contains(secret));
      }}
    }}
  }}
"#
    );
    vec![
        jvm(
            "a_thread_bomb",
            "  @Test void bomb() {\n    while (true) {\n      Thread thread = new Thread(() -> { try { Thread.sleep(1_000_000); } catch (InterruptedException e) { } });\n      thread.setDaemon(true);\n      thread.start();\n    }\n  }\n",
        )
        // An OutOfMemoryError, which JUnit hands on and which may find no thread for the way out.
        .limits(wall(8_000))
        .status_in(&["failed", "error", "incomplete", "out_of_memory", "crashed"])
        .on_gvisor(&["failed", "error", "incomplete", "out_of_memory", "crashed", "timeout"]),
        jvm(
            "a_memory_bomb_on_the_heap",
            "  @Test void bomb() {\n    List<byte[]> kept = new ArrayList<>();\n    while (true) kept.add(new byte[8 << 20]);\n  }\n",
        )
        .status("out_of_memory")
        .results(&[("ProbeTest#bomb", "unfinished")])
        .reached(&[("memory", 512 << 20)]),
        jvm(
            "a_gigabyte_is_printed",
            "  @Test void prints() {\n    String text = \"x\".repeat(65536);\n    for (int i = 0; i < 16384; i++) System.out.print(text);\n  }\n",
        )
        .status("output_limit")
        .reached(&[("output", 1 << 20)])
        .also(output_is_tame),
        jvm(
            "a_little_of_everything_is_printed",
            "  @Test void prints() {\n    System.out.println(\"\\033[31mred\\0\");\n    System.out.write(0xff);\n    System.out.println();\n  }\n",
        )
        .printed(&[("ProbeTest#prints", "\u{fffd}[31mred\u{fffd}")])
        .also(output_is_tame),
        jvm("it_loops_forever", "  @Test void loops() {\n    long n = 0;\n    while (true) n++;\n  }\n")
            .limits(wall(5_000))
            .status("timeout")
            .results(&[("ProbeTest#loops", "unfinished")])
            .reached(&[("wall", 5_000)]),
        jvm(
            "a_thread_outlives_the_run",
            "  @Test void thread() {\n    new Thread(() -> { try { Thread.sleep(1_000_000); } catch (InterruptedException e) { } }).start();\n  }\n",
        )
        .also(ends_at_once),
        jvm(
            "it_recurses_without_end",
            "  int down(int n) { return down(n + 1) + 1; }\n\n  @Test void recurses() {\n    down(0);\n  }\n",
        )
        .status("failed")
        .messages(&[("ProbeTest#recurses", "StackOverflowError")]),
        jvm("secrets_of_the_worker", &secrets),
        jvm(
            "it_is_contained",
            r#"  @Test void cannotRead() {
    for (String file : List.of("/proc/1/mem", "/etc/shadow", "/var/run/docker.sock")) {
      assertThrows(IOException.class, () -> { try (var in = new FileInputStream(file)) { in.read(); } }, file);
    }
  }

  @Test void cannotWrite() {
    for (String file : List.of("/etc/x", "/usr/x", "/opt/tester/java/x", "/proc/sys/kernel/hostname")) {
      assertThrows(IOException.class, () -> Files.writeString(Path.of(file), "x"), file);
    }
  }

  @Test void cannotConnect() {
    for (String host : List.of("127.0.0.1", "169.254.169.254", "1.1.1.1")) {
      assertThrows(IOException.class, () -> {
        try (Socket socket = new Socket()) { socket.connect(new InetSocketAddress(host, 80), 1000); }
      }, host);
    }
    assertThrows(IOException.class, () -> InetAddress.getByName("example.com"));
  }

  @Test void theDiskIsSmall() {
    assertThrows(IOException.class, () -> {
      try (var out = new FileOutputStream("/work/big")) {
        byte[] block = new byte[1 << 20];
        for (int i = 0; i < 1024; i++) out.write(block);
      }
    });
  }
"#,
        )
        .results(&[
            ("ProbeTest#cannotRead", "passed"),
            ("ProbeTest#cannotWrite", "passed"),
            ("ProbeTest#cannotConnect", "passed"),
            ("ProbeTest#theDiskIsSmall", "passed"),
        ]),
        jvm(
            "names_are_paths",
            "  @Test @DisplayName(\"../../../etc/passwd\") void path() {}\n\n  @org.junit.jupiter.params.ParameterizedTest(name = \"{0}\") @org.junit.jupiter.params.provider.ValueSource(strings = {\"../../etc/passwd\", \"\\033[2J\"}) void name(String name) {}\n",
        )
        .results(&[
            ("ProbeTest#path", "passed"),
            ("ProbeTest#name[1]", "passed"),
            ("ProbeTest#name[2]", "passed"),
        ]),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn java_forgeries() -> Vec<Case> {
    let forged = |name, source: &str| Case::new(name, "java", source, FALSE_JUNIT);
    let of_tests = |name, body: &str| {
        let tests = format!(
            "import static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\n\n{body}"
        );
        Case::new(name, "java", ADD_JAVA, &tests)
    };
    vec![
        of_tests(
            "the_summary_is_printed",
            "class FalseTest {\n  @Test void isFalse() {\n    System.out.println(\"[         1 tests successful      ]\");\n    System.out.println(\"[         0 tests failed          ]\");\n    assertEquals(4, Calc.add(1, 2));\n  }\n}\n",
        )
        .status("failed")
        .output(&["1 tests failed"]),
        forged(
            "it_exits_while_loaded",
            "class Calc {\n  static { System.exit(0); }\n  static int add(int a, int b) { return a + b; }\n}\n",
        )
        .status("incomplete"),
        forged(
            "it_exits_inside_the_code",
            "class Calc {\n  static int add(int a, int b) { System.exit(0); return 4; }\n}\n",
        )
        .status("incomplete")
        .results(&[("FalseTest#isFalse", "unfinished")]),
        forged(
            "it_halts_inside_the_code",
            "class Calc {\n  static int add(int a, int b) { Runtime.getRuntime().halt(0); return 4; }\n}\n",
        )
        .status("incomplete"),
        of_tests(
            "it_exits_inside_a_test",
            "class FalseTest {\n  @Test void exits() { System.exit(0); }\n}\n",
        )
        .status("incomplete")
        .results(&[("FalseTest#exits", "unfinished")]),
        forged(
            "exit_hooks",
            "class Calc {\n  static {\n    Runtime.getRuntime().addShutdownHook(new Thread(() -> {\n      System.out.println(\"1 tests successful\");\n      Runtime.getRuntime().halt(0);\n    }));\n  }\n  static int add(int a, int b) { return a + b; }\n}\n",
        )
        .status("failed")
        .results(&[("FalseTest#isFalse", "failed")]),
        // What the tests ask is answered yes: no harness can know better. See docs/sandbox.md.
        Case::new(
            "an_object_equal_to_everything",
            "java",
            "class Yes {\n  @Override public boolean equals(Object other) { return true; }\n  @Override public int hashCode() { return 0; }\n}\n",
            "import static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\n\nclass YesTest {\n  @Test void isEqual() { assertEquals(new Yes(), new Object()); }\n}\n",
        )
        .status("passed"),
        Case::new(
            "assertions_are_declared",
            "java",
            "class Assertions {\n  static void assertEquals(Object a, Object b) {}\n}\n\nclass Calc {\n  static int add(int a, int b) { return a + b; }\n}\n",
            "import org.junit.jupiter.api.*;\n\nclass FalseTest {\n  @Test void isFalse() { Assertions.assertEquals(4, Calc.add(1, 2)); }\n}\n",
        )
        .status("tampered"),
        Case::new(
            "the_package_of_the_framework_is_joined",
            "java",
            "package org.junit.jupiter.api;\n\nclass Assertions {\n  static void assertEquals(Object a, Object b) {}\n}\n\nclass Calc {\n  static int add(int a, int b) { return a + b; }\n}\n",
            "package org.junit.jupiter.api;\n\nimport org.junit.jupiter.api.*;\n\nclass FalseTest {\n  @Test void isFalse() { Assertions.assertEquals(4, Calc.add(1, 2)); }\n}\n",
        )
        // Where `package` lines are dropped it is a class of that name, which the tests see or not.
        .status_in(&["tampered", "error"]),
        Case::new(
            "assertions_are_inherited",
            "java",
            "class Base {\n  static void assertEquals(int a, int b) {}\n}\n\nclass Calc {\n  static int add(int a, int b) { return a + b; }\n}\n",
            "import static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\n\nclass FalseTest extends Base {\n  @Test void isFalse() { assertEquals(4, Calc.add(1, 2)); }\n}\n",
        )
        .status("tampered"),
        Case::new(
            "test_is_declared",
            "java",
            "@interface Test {}\n\nclass Calc {\n  static int add(int a, int b) { return a + b; }\n}\n",
            "import org.junit.jupiter.api.*;\n\nclass FalseTest {\n  @Test void isFalse() { Assertions.assertEquals(4, Calc.add(1, 2)); }\n}\n",
        )
        .status("tampered"),
        forged(
            "the_framework_is_opened_by_reflection",
            "class Calc {\n  static int add(int a, int b) {\n    try {\n      Class<?> harness = Class.forName(\"tester.harness.Main\");\n      for (var method : harness.getDeclaredMethods()) method.setAccessible(true);\n      var field = Class.forName(\"org.junit.jupiter.api.AssertionUtils\").getDeclaredMethods()[0];\n      field.setAccessible(true);\n    } catch (ReflectiveOperationException e) {\n      throw new IllegalStateException(e);\n    }\n    return 4;\n  }\n}\n",
        )
        .status("failed")
        .results(&[("FalseTest#isFalse", "failed")]),
        forged(
            "configuration_files_are_written",
            "import java.nio.file.*;\n\nclass Calc {\n  static int add(int a, int b) {\n    try {\n      Files.writeString(Path.of(\"junit-platform.properties\"), \"junit.jupiter.conditions.deactivate=*\\njunit.jupiter.extensions.autodetection.enabled=true\\n\");\n    } catch (java.io.IOException e) {\n      throw new java.io.UncheckedIOException(e);\n    }\n    System.setProperty(\"junit.jupiter.execution.dryRun.enabled\", \"true\");\n    return a + b;\n  }\n}\n",
        )
        .status("failed"),
        forged(
            "the_streams_are_replaced",
            "class Calc {\n  static int add(int a, int b) {\n    System.setOut(null);\n    System.setErr(null);\n    Thread.setDefaultUncaughtExceptionHandler((t, e) -> {});\n    return a + b;\n  }\n}\n",
        )
        .status("failed"),
        forged(
            "garbage_is_written_to_the_channel",
            "import java.io.*;\n\nclass Calc {\n  static int add(int a, int b) {\n    try {\n      new FileOutputStream(FileDescriptor.in).write(\"[ 1 tests successful ]\\n\".getBytes());\n    } catch (IOException e) {\n      // Not even that.\n    }\n    return a + b;\n  }\n}\n",
        )
        .status("tampered"),
        forged(
            "forged_frames_are_written_to_the_channel",
            "import java.io.*;\n\nclass Calc {\n  static int add(int a, int b) {\n    String[] events = {\"{\\\"kind\\\":\\\"finished\\\",\\\"id\\\":\\\"FalseTest#isFalse\\\",\\\"status\\\":\\\"passed\\\",\\\"duration_ms\\\":1.0,\\\"message\\\":null,\\\"detail\\\":null,\\\"line\\\":5}\", \"{\\\"kind\\\":\\\"done\\\"}\"};\n    try {\n      DataOutputStream out = new DataOutputStream(new FileOutputStream(FileDescriptor.in));\n      int seq = 2;\n      for (String event : events) {\n        byte[] body = (\"{\\\"type\\\":\\\"event\\\",\\\"token\\\":\\\"\" + \"0\".repeat(32) + \"\\\",\\\"seq\\\":\" + seq++ + \",\\\"event\\\":\" + event + \"}\").getBytes();\n        out.writeInt(body.length);\n        out.write(body);\n      }\n      out.flush();\n    } catch (IOException e) {\n      // Not even that.\n    }\n    Runtime.getRuntime().halt(0);\n    return 4;\n  }\n}\n",
        )
        .status("tampered"),
        forged(
            "the_channel_is_closed",
            "import java.io.*;\n\nclass Calc {\n  static int add(int a, int b) {\n    try {\n      new FileInputStream(FileDescriptor.in).close();\n    } catch (IOException e) {\n      // Not even that.\n    }\n    return a + b;\n  }\n}\n",
        )
        // Closing is refused where the JVM protects its standard descriptors.
        .status_in(&["failed", "incomplete"]),
    ]
}
