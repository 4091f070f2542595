use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::*;

/// What must never be allowed, on any condition.
const REFUSED: [&str; 49] = [
    "acct",
    "add_key",
    "bpf",
    "chroot",
    "clock_settime",
    "clone3",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_setup",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "settimeofday",
    "shmget",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
];

/// Set in the child process of a test that gives up its rights for good.
const CONFINED: &str = "TESTER_TEST_CONFINED";

fn profile() -> Value {
    serde_json::from_str(&docker_profile()).expect("JSON")
}

fn entries(profile: &Value) -> &Vec<Value> {
    profile["syscalls"].as_array().expect("a list")
}

fn names(entry: &Value) -> impl Iterator<Item = &str> {
    entry["names"].as_array().expect("a list").iter().map(|name| name.as_str().expect("a name"))
}

#[test]
fn docker_is_told_to_refuse_by_default_and_to_know_no_32_bit_call() {
    let profile = profile();
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    assert_eq!(profile["defaultErrnoRet"], 1);
    for arch in profile["archMap"].as_array().expect("a list") {
        assert_eq!(arch["subArchitectures"], json!([]));
    }
}

#[test]
fn docker_is_told_to_allow_nothing_that_must_be_refused() {
    let profile = profile();
    let allowed: BTreeSet<_> = entries(&profile)
        .iter()
        .filter(|entry| entry["action"] == "SCMP_ACT_ALLOW")
        .flat_map(names)
        .collect();
    for syscall in REFUSED {
        assert!(!allowed.contains(syscall), "{syscall}");
    }
    for syscall in ["execve", "futex", "mmap", "epoll_pwait", "clone", "rseq", "membarrier"] {
        assert!(allowed.contains(syscall), "{syscall}");
    }
}

#[test]
fn what_depends_on_arguments_is_never_allowed_without_a_look_at_them() {
    let profile = profile();
    for conditional in ["clone", "socket", "socketpair", "ioctl", "prctl", "personality"] {
        let of_it = entries(&profile).iter().filter(|entry| names(entry).any(|n| n == conditional));
        assert!(of_it.clone().count() > 0, "{conditional}");
        assert!(of_it.clone().all(|entry| entry["args"] != json!([])), "{conditional}");
    }
}

#[test]
fn clone3_is_unknown_so_that_the_flags_of_clone_can_be_seen() {
    let profile = profile();
    let of_it: Vec<_> =
        entries(&profile).iter().filter(|entry| names(entry).any(|n| n == "clone3")).collect();
    assert_eq!(of_it.len(), 1);
    assert_eq!(
        (&of_it[0]["action"], &of_it[0]["errnoRet"]),
        (&json!("SCMP_ACT_ERRNO"), &json!(38))
    );
}

#[test]
fn no_syscall_is_named_twice() {
    let mut seen = BTreeSet::new();
    for syscall in ALLOWED.iter().flat_map(|rule| rule.syscalls) {
        assert!(seen.insert(syscall), "{syscall}");
    }
}

#[test]
fn both_forms_allow_the_same_calls() {
    let docker: BTreeSet<_> = profile()["syscalls"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|entry| entry["action"] == "SCMP_ACT_ALLOW")
        .flat_map(|entry| names(entry).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let filter: BTreeSet<_> = ALLOWED
        .iter()
        .flat_map(|rule| filter_entries(rule, Arch::X86_64))
        .map(|entry| entry["syscall"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(docker, filter);
}

#[test]
fn the_policy_compiles_for_both_architectures() {
    for (arch, target) in [(Arch::X86_64, TargetArch::x86_64), (Arch::Aarch64, TargetArch::aarch64)]
    {
        let rules: Vec<_> = ALLOWED.iter().flat_map(|rule| filter_entries(rule, arch)).collect();
        compile(&json!("allow"), &json!({ "errno": 1 }), &Value::from(rules), target)
            .expect("every name is known");
    }
}

/// Runs the named ignored test of this file in a process of its own.
fn confined(test: &str) {
    let ran = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", &format!("sandbox::seccomp::tests::{test}"), "--ignored"])
        .args(["--test-threads", "1", "--nocapture"])
        .env(CONFINED, "1")
        .output()
        .expect("this test runs");
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn the_kernel_refuses_what_the_policy_does_not_allow() {
    confined("confined_calls");
}

#[test]
#[ignore = "run by the_kernel_refuses_what_the_policy_does_not_allow, in a process of its own"]
fn confined_calls() {
    if env::var_os(CONFINED).is_none() {
        return;
    }
    apply().expect("this kernel has seccomp");
    assert_eq!(unshare(CloneFlags::CLONE_NEWUSER), Err(Errno::EPERM));
    assert_eq!(unshare(CloneFlags::CLONE_NEWNET), Err(Errno::EPERM));
    let none = None::<&str>;
    assert_eq!(mount(none, "/tmp", Some("tmpfs"), MsFlags::empty(), none), Err(Errno::EPERM));
    assert_eq!(nix::unistd::chroot("/tmp"), Err(Errno::EPERM));
    for family in
        [AddressFamily::Netlink, AddressFamily::Alg, AddressFamily::Vsock, AddressFamily::Packet]
    {
        let made = socket(family, SockType::Datagram, SockFlag::empty(), None);
        assert_eq!(made.err(), Some(Errno::EPERM), "{family:?}");
    }
    for family in [AddressFamily::Unix, AddressFamily::Inet, AddressFamily::Inet6] {
        let made = socket(family, SockType::Stream, SockFlag::empty(), None);
        assert!(!matches!(made, Err(Errno::EPERM)), "{family:?}");
    }
    // Threads and children still start, and inherit the filter.
    std::thread::spawn(|| assert_eq!(unshare(CloneFlags::CLONE_NEWNS), Err(Errno::EPERM)))
        .join()
        .expect("a thread");
    let unshared = Command::new("unshare").args(["--user", "true"]).output().expect("it runs");
    assert!(!unshared.status.success());
    // A second filter can't be laid over this one.
    assert!(apply().is_err());
}

#[test]
fn the_runtimes_work_under_the_policy() {
    confined("confined_runtimes");
}

#[test]
#[ignore = "run by the_runtimes_work_under_the_policy, in a process of its own"]
fn confined_runtimes() {
    if env::var_os(CONFINED).is_none() {
        return;
    }
    apply().expect("this kernel has seccomp");
    let python = "import os, subprocess, tempfile, threading\n\
        threading.Thread(target=print).start()\n\
        with tempfile.TemporaryFile() as file: file.write(b'x')\n\
        subprocess.run(['true'], check=True)";
    let node = "new (require('worker_threads').Worker)('0', { eval: true });\
        require('fs').promises.readFile('/proc/self/stat');\
        require('net').createServer().listen(0, '127.0.0.1', function () { this.close() });\
        require('child_process').execSync('true')";
    let runtimes: [(&str, &[&str]); 3] =
        [("python3", &["-c", python]), ("node", &["-e", node]), ("java", &["-version"])];
    for (runtime, arguments) in runtimes {
        // Not every machine has all of them.
        let Ok(ran) = Command::new(runtime).args(arguments).output() else { continue };
        assert!(ran.status.success(), "{runtime}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}
