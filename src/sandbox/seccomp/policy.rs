//! What sandboxes may ask of the kernel. What is not named here is refused.

use super::rule::{Arch, Condition, Rule};

/// Refused as if the kernel had never heard of it: glibc then falls back to `clone`, whose flags
/// a filter can see. Those of `clone3` are behind a pointer.
pub(super) const UNKNOWN: &str = "clone3";

/// Makes a namespace: `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID`, `NEWNET`.
const NEW_NAMESPACE: u64 = 0x7e02_0000;

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;

/// Everything that is allowed. Order is for readers: the kernel's cache makes it irrelevant.
pub(super) const ALLOWED: &[Rule] = &[
    // Files, by name and by descriptor. What may be seen and written is the mounts' concern.
    Rule::plain(&[
        "chdir",
        "chmod",
        "chown",
        "close",
        "close_range",
        "copy_file_range",
        "creat",
        "dup",
        "dup2",
        "dup3",
        "faccessat",
        "faccessat2",
        "fadvise64",
        "fallocate",
        "fchdir",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "fchown",
        "fchownat",
        "fcntl",
        "fdatasync",
        "flock",
        "fstat",
        "fstatfs",
        "fsync",
        "ftruncate",
        "getcwd",
        "getdents64",
        "lchown",
        "link",
        "linkat",
        "lseek",
        "lstat",
        "mkdir",
        "mkdirat",
        "newfstatat",
        "open",
        "openat",
        "openat2",
        "pread64",
        "preadv",
        "preadv2",
        "pwrite64",
        "pwritev",
        "pwritev2",
        "read",
        "readahead",
        "readlinkat",
        "readv",
        "rename",
        "renameat",
        "renameat2",
        "rmdir",
        "sendfile",
        "stat",
        "statfs",
        "statx",
        "symlink",
        "symlinkat",
        "sync_file_range",
        "truncate",
        "umask",
        "unlink",
        "unlinkat",
        "access",
        "readlink",
        "utimensat",
        "write",
        "writev",
    ]),
    // FIFOs and plain files; device nodes need a capability that nobody has here.
    Rule::plain(&["mknod", "mknodat"]),
    // The older names of the above that only x86-64 kept.
    Rule::plain(&["futimesat", "getdents", "utime", "utimes"]),
    // Extended attributes: `shutil.copystat` and friends.
    Rule::plain(&[
        "fgetxattr",
        "flistxattr",
        "fremovexattr",
        "fsetxattr",
        "getxattr",
        "lgetxattr",
        "listxattr",
        "llistxattr",
        "lremovexattr",
        "lsetxattr",
        "removexattr",
        "setxattr",
    ]),
    // Pipes, events, waiting: the event loops of all three runtimes. Not io_uring, whose requests
    // pass by this filter; libuv takes the refusal and uses epoll and threads.
    Rule::plain(&[
        "epoll_create",
        "epoll_create1",
        "epoll_ctl",
        "epoll_pwait",
        "epoll_pwait2",
        "epoll_wait",
        "eventfd",
        "eventfd2",
        "inotify_add_watch",
        "inotify_init",
        "inotify_init1",
        "inotify_rm_watch",
        "pipe",
        "pipe2",
        "poll",
        "ppoll",
        "pselect6",
        "select",
        "signalfd",
        "signalfd4",
        "splice",
        "tee",
        "timerfd_create",
        "timerfd_gettime",
        "timerfd_settime",
    ]),
    // Memory. `memfd_create` is charged like the rest; `pkey_*` guard the code of V8.
    Rule::plain(&[
        "brk",
        "madvise",
        "membarrier",
        "memfd_create",
        "mincore",
        "mlock",
        "mlock2",
        "mlockall",
        "mmap",
        "mprotect",
        "mremap",
        "mseal",
        "msync",
        "munlock",
        "munlockall",
        "munmap",
        "pkey_alloc",
        "pkey_free",
        "pkey_mprotect",
        "remap_file_pages",
    ]),
    // Threads and how they wait for each other.
    Rule::plain(&[
        "futex",
        "futex_requeue",
        "futex_wait",
        "futex_waitv",
        "futex_wake",
        "get_robust_list",
        "gettid",
        "rseq",
        "set_robust_list",
        "set_tid_address",
    ]),
    Rule::plain(&["arch_prctl", "fork", "vfork"]),
    Rule::when(&["clone"], Condition { argument: 0, mask: NEW_NAMESPACE, equals: &[0] }),
    Rule::plain(&["execve", "execveat", "exit", "exit_group", "wait4", "waitid"]),
    // Scheduling: HotSpot and libuv ask how many cores there are and rank their threads.
    Rule::plain(&[
        "getcpu",
        "getpriority",
        "sched_get_priority_max",
        "sched_get_priority_min",
        "sched_getaffinity",
        "sched_getattr",
        "sched_getparam",
        "sched_getscheduler",
        "sched_rr_get_interval",
        "sched_setaffinity",
        "sched_setattr",
        "sched_setparam",
        "sched_setscheduler",
        "sched_yield",
        "setpriority",
    ]),
    // Signals, to oneself and to those of the same sandbox.
    Rule::plain(&[
        "alarm",
        "getitimer",
        "kill",
        "pause",
        "pidfd_open",
        "pidfd_send_signal",
        "restart_syscall",
        "rt_sigaction",
        "rt_sigpending",
        "rt_sigprocmask",
        "rt_sigqueueinfo",
        "rt_sigreturn",
        "rt_sigsuspend",
        "rt_sigtimedwait",
        "rt_tgsigqueueinfo",
        "setitimer",
        "sigaltstack",
        "tgkill",
        "timer_create",
        "timer_delete",
        "timer_getoverrun",
        "timer_gettime",
        "timer_settime",
        "tkill",
    ]),
    // Clocks, to read.
    Rule::plain(&[
        "clock_getres",
        "clock_gettime",
        "clock_nanosleep",
        "gettimeofday",
        "nanosleep",
        "time",
        "times",
    ]),
    // Who and where one is. The setters change nothing without privileges, but runc and programs
    // that drop theirs call them on their way.
    Rule::plain(&[
        "capget",
        "capset",
        "getegid",
        "geteuid",
        "getgid",
        "getgroups",
        "getpgid",
        "getpgrp",
        "getpid",
        "getppid",
        "getresgid",
        "getresuid",
        "getsid",
        "getuid",
        "setfsgid",
        "setfsuid",
        "setgid",
        "setgroups",
        "setpgid",
        "setregid",
        "setresgid",
        "setresuid",
        "setreuid",
        "setsid",
        "setuid",
        "uname",
    ]),
    // Limits and accounts of oneself; entropy.
    Rule::plain(&["getrandom", "getrlimit", "getrusage", "prlimit64", "setrlimit", "sysinfo"]),
    // To restrict oneself further is always welcome.
    Rule::plain(&["landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self"]),
    // Sockets of the three families that tests use on the loopback device. Not AF_NETLINK,
    // AF_PACKET, AF_ALG, AF_VSOCK: kernel interfaces with a history, of no use to a test.
    Rule::when(&["socket"], Condition::is_one_of(0, &[AF_UNIX, AF_INET, AF_INET6])),
    Rule::when(&["socketpair"], Condition::is_one_of(0, &[AF_UNIX])),
    Rule::plain(&[
        "accept",
        "accept4",
        "bind",
        "connect",
        "getpeername",
        "getsockname",
        "getsockopt",
        "listen",
        "recvfrom",
        "recvmmsg",
        "recvmsg",
        "sendmmsg",
        "sendmsg",
        "sendto",
        "setsockopt",
        "shutdown",
    ]),
    Rule::when(&["ioctl"], Condition::is_one_of(1, IOCTLS)),
    Rule::when(&["prctl"], Condition::is_one_of(0, PRCTLS)),
    // The native personality, and to ask for it. Others weaken address randomisation.
    Rule::when(&["personality"], Condition::is_one_of(0, &[0, 0xffff_ffff])),
];

/// Requests about descriptors and terminals of one's own. Not `TIOCSTI`, which types into a
/// terminal for its owner, nor anything a device driver would see.
const IOCTLS: &[u64] = &[
    0x5401,      // TCGETS: isatty
    0x5402,      // TCSETS
    0x5403,      // TCSETSW
    0x5404,      // TCSETSF
    0x540b,      // TCFLSH
    0x540e,      // TIOCSCTTY: os.login_tty, pty
    0x540f,      // TIOCGPGRP
    0x5410,      // TIOCSPGRP
    0x5413,      // TIOCGWINSZ: os.get_terminal_size
    0x5414,      // TIOCSWINSZ
    0x541b,      // FIONREAD
    0x5421,      // FIONBIO: libuv
    0x5422,      // TIOCNOTTY
    0x5429,      // TIOCGSID
    0x5441,      // TIOCGPTPEER: openpty
    0x5450,      // FIONCLEX: os.set_inheritable
    0x5451,      // FIOCLEX: libuv
    0x8004_5430, // TIOCGPTN: openpty
    0x4004_5431, // TIOCSPTLCK: openpty
    0x802c_542a, // TCGETS2: glibc 2.42
    0x402c_542b, // TCSETS2
    0x402c_542c, // TCSETSW2
    0x402c_542d, // TCSETSF2
    0x8910,      // SIOCGIFNAME: socket.if_indextoname, NetworkInterface
    0x8912,      // SIOCGIFCONF
    0x8913,      // SIOCGIFFLAGS
    0x8915,      // SIOCGIFADDR
    0x8919,      // SIOCGIFBRDADDR
    0x891b,      // SIOCGIFNETMASK
    0x8921,      // SIOCGIFMTU
    0x8927,      // SIOCGIFHWADDR
    0x8933,      // SIOCGIFINDEX
];

/// Options about oneself: names, death signals, and what only takes rights away.
const PRCTLS: &[u64] = &[
    1,           // PR_SET_PDEATHSIG
    2,           // PR_GET_PDEATHSIG
    3,           // PR_GET_DUMPABLE
    4,           // PR_SET_DUMPABLE: the supervisor
    15,          // PR_SET_NAME: every runtime names its threads
    16,          // PR_GET_NAME
    21,          // PR_GET_SECCOMP
    23,          // PR_CAPBSET_READ: runc
    29,          // PR_SET_TIMERSLACK
    30,          // PR_GET_TIMERSLACK
    36,          // PR_SET_CHILD_SUBREAPER: the supervisor
    37,          // PR_GET_CHILD_SUBREAPER
    38,          // PR_SET_NO_NEW_PRIVS
    39,          // PR_GET_NO_NEW_PRIVS
    41,          // PR_SET_THP_DISABLE: HotSpot
    42,          // PR_GET_THP_DISABLE
    47,          // PR_CAP_AMBIENT: runc
    0x5356_4d41, // PR_SET_VMA: glibc, V8 and HotSpot name their mappings
];

/// Calls that only x86-64 has; elsewhere their newer forms are all there is.
pub(super) fn exists_on(arch: Arch, syscall: &str) -> bool {
    arch == Arch::X86_64 || !X86_64_ALONE.contains(&syscall)
}

const X86_64_ALONE: &[&str] = &[
    "access",
    "alarm",
    "arch_prctl",
    "chmod",
    "chown",
    "creat",
    "dup2",
    "epoll_create",
    "epoll_wait",
    "eventfd",
    "fork",
    "futimesat",
    "getdents",
    "getpgrp",
    "inotify_init",
    "lchown",
    "link",
    "lstat",
    "mkdir",
    "mknod",
    "open",
    "pause",
    "pipe",
    "poll",
    "readlink",
    "rename",
    "rmdir",
    "select",
    "signalfd",
    "stat",
    "symlink",
    "time",
    "unlink",
    "utime",
    "utimes",
    "vfork",
];
