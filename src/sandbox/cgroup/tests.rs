use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::group::leftovers_on;
use super::hierarchy::Host;
use super::*;
use crate::domain::Limits;
use crate::sandbox::Usage;

const MIB: u64 = 1024 * 1024;
const LIMITS: Limits = Limits {
    wall: Duration::from_secs(10),
    memory_bytes: 64 * MIB,
    processes: 16,
    cpu_millis: 500,
    output_bytes: MIB,
    files_bytes: MIB,
    files_count: 16,
};

/// A host of these files.
fn host(files: &[(&str, &str)]) -> (TempDir, Host) {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let host = Host::under(root.path());
    (root, host)
}

const MOUNTS_V1: &str = "\
24 18 0:22 / /proc rw - proc proc rw
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
39 31 0:36 /box /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
const MOUNTS_V2: &str = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";

#[test]
fn version_1_accounts_come_from_a_tree_for_each_controller() {
    let (_root, host) = host(&[
        ("proc/self/mountinfo", MOUNTS_V1),
        ("proc/7/cgroup", "8:pids:/box/a\n4:memory:/docker/a\n2:cpu,cpuacct:/docker/a\n0::/\n"),
        ("sys/fs/cgroup/cpu,cpuacct/docker/a/cpuacct.usage", "1500000000\n"),
        ("sys/fs/cgroup/memory/docker/a/memory.max_usage_in_bytes", "4096\n"),
        (
            "sys/fs/cgroup/memory/docker/a/memory.oom_control",
            "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        ),
        ("sys/fs/cgroup/pids/a/pids.current", "3\n"),
        ("sys/fs/cgroup/pids/a/pids.events", "max 5\n"),
    ]);
    let account = Account::on(&host, 7).expect("it has accounts");
    let expected = Usage {
        cpu: Some(Duration::from_millis(1500)),
        peak_memory_bytes: Some(4096),
        out_of_memory_kills: Some(2),
        processes: Some(3),
        refused_processes: Some(5),
    };
    assert_eq!(account.usage(), expected);
}

#[test]
fn version_2_accounts_come_from_one_folder() {
    let (root, host) = host(&[
        ("proc/self/mountinfo", MOUNTS_V2),
        ("proc/7/cgroup", "0::/a.slice/b\n"),
        ("sys/fs/cgroup/a.slice/b/cpu.stat", "usage_usec 2500\nuser_usec 1\n"),
        ("sys/fs/cgroup/a.slice/b/memory.current", "100\n"),
        ("sys/fs/cgroup/a.slice/b/memory.events", "oom 9\noom_kill 1\noom_group_kill 0\n"),
        ("sys/fs/cgroup/a.slice/b/pids.current", "4\n"),
        ("sys/fs/cgroup/a.slice/b/pids.events", "max 0\n"),
    ]);
    let account = Account::on(&host, 7).expect("it has accounts");
    let usage = account.usage();
    assert_eq!(usage.cpu, Some(Duration::from_micros(2500)));
    assert_eq!(usage.peak_memory_bytes, Some(100), "no peak is kept: what is held now");
    assert_eq!((usage.out_of_memory_kills, usage.refused_processes), (Some(1), Some(0)));
    fs::write(root.path().join("sys/fs/cgroup/a.slice/b/memory.peak"), "200\n").expect("a file");
    assert_eq!(account.usage().peak_memory_bytes, Some(200));
}

#[test]
fn what_the_host_does_not_count_is_unknown_rather_than_zero() {
    let (_root, host) =
        host(&[("proc/self/mountinfo", MOUNTS_V2), ("proc/7/cgroup", "0::/gone\n")]);
    assert_eq!(Account::on(&host, 7).expect("it has a group").usage(), Usage::default());
}

#[test]
fn a_process_that_is_gone_or_out_of_sight_has_no_accounts() {
    let (_root, host) =
        host(&[("proc/self/mountinfo", MOUNTS_V2), ("proc/7/cgroup", "0::/../elsewhere\n")]);
    assert_eq!(Account::on(&host, 7), None);
    assert_eq!(Account::on(&host, 8), None);
}

#[test]
fn an_id_that_is_no_plain_name_makes_no_group() {
    let (_root, host) = host(&[("proc/self/mountinfo", MOUNTS_V1)]);
    for id in ["", "..", "a/b", "a b"] {
        assert!(matches!(Group::create_on(&host, id, &LIMITS), Err(GroupError::Name(_))), "{id}");
    }
}

#[test]
fn a_host_without_control_groups_says_which_is_missing() {
    let (_root, host) = host(&[("proc/self/mountinfo", "")]);
    let error = Group::create_on(&host, "a", &LIMITS).expect_err("there are none");
    assert_eq!(error, GroupError::NoController("memory"));
}

#[test]
fn a_version_2_host_that_does_not_hand_over_a_controller_leaves_nothing_behind() {
    let (root, host) = host(&[
        ("proc/self/mountinfo", MOUNTS_V2),
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cgroup.controllers", "cpu memory\n"),
        ("sys/fs/cgroup/cgroup.subtree_control", "cpu memory\n"),
        ("sys/fs/cgroup/tester/cgroup.subtree_control", "cpu memory\n"),
    ]);
    let error = Group::create_on(&host, "a", &LIMITS).expect_err("there is no pids controller");
    assert_eq!(error, GroupError::NoController("pids"));
    assert!(!root.path().join("sys/fs/cgroup/tester/a").exists());
}

#[test]
fn groups_left_behind_are_found_by_their_ids() {
    let (_root, host) = host(&[
        ("proc/self/mountinfo", MOUNTS_V1),
        ("sys/fs/cgroup/memory/tester/a/cgroup.procs", ""),
        ("sys/fs/cgroup/pids/tester/a/cgroup.procs", ""),
        ("sys/fs/cgroup/pids/tester/b/cgroup.procs", ""),
        ("sys/fs/cgroup/pids/tester/pids.max", "max"),
    ]);
    let ids: Vec<_> = leftovers_on(&host).into_iter().map(|left| left.id).collect();
    assert_eq!(ids, ["a", "b"]);
}

/// A shell that waits for a line, and then does this.
fn shell(script: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("read go; {script}")])
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell")
}

/// A group on this very host, or `None` (said aloud) where it does not let us.
fn real_group(name: &str) -> Option<Group> {
    match Group::create(&format!("test-{name}-{}", std::process::id()), &LIMITS) {
        Ok(group) => Some(group),
        Err(error) => {
            assert!(
                !nix::unistd::geteuid().is_root() || !Path::new("/sys/fs/cgroup/memory").exists(),
                "{error}"
            );
            None
        }
    }
}

#[test]
fn this_process_has_accounts() {
    let Some(account) = Account::of_process(std::process::id()) else { return };
    assert!(account.usage().cpu.is_none_or(|cpu| cpu > Duration::ZERO));
}

#[test]
fn a_real_group_counts_limits_kills_and_goes() {
    let Some(group) = real_group("whole") else { return };
    let mut busy =
        shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; (sleep 600 & sleep 600 & wait)");
    group.add(busy.id()).expect("it is ours");
    io_go(&mut busy);
    let account = Account::of_process(busy.id()).expect("it is in a group");
    assert_eq!(account.memory, group.account().memory);
    wait_until(|| group.account().usage().processes >= Some(4));
    let usage = group.account().usage();
    assert!(usage.cpu.expect("time is counted") > Duration::ZERO);
    assert!(usage.peak_memory_bytes.expect("memory is counted") > 0);
    assert_eq!(usage.out_of_memory_kills, Some(0));
    group.kill().expect("it can be read");
    assert!(!busy.wait().expect("it is ours").success());
    wait_until(|| group.account().usage().processes == Some(0));
    group.remove().expect("nobody is in it");
}

#[test]
fn a_real_group_refuses_processes_over_its_limit_and_counts_that() {
    let Some(group) = real_group("pids") else { return };
    let mut forks = shell("for i in $(seq 30); do sleep 600 & done; wait");
    group.add(forks.id()).expect("it is ours");
    io_go(&mut forks);
    wait_until(|| group.account().usage().refused_processes > Some(0));
    group.kill().expect("it can be read");
    let _ = forks.wait();
    group.remove().expect("nobody is in it");
}

#[test]
fn a_real_group_ends_what_takes_too_much_memory_and_counts_that() {
    let Some(group) = real_group("memory") else { return };
    let mut eater = shell("exec tail /dev/zero");
    group.add(eater.id()).expect("it is ours");
    io_go(&mut eater);
    assert!(!eater.wait().expect("it is ours").success());
    wait_until(|| group.account().usage().out_of_memory_kills > Some(0));
    assert!(group.account().usage().peak_memory_bytes <= Some(LIMITS.memory_bytes));
    group.remove().expect("nobody is in it");
}

fn io_go(child: &mut Child) {
    use std::io::Write as _;
    child.stdin.take().expect("a pipe").write_all(b"go\n").expect("the shell reads");
}

/// The kernel's accounts have no event to wait on.
fn wait_until(holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "it never came to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}
