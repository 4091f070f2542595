/// Calls that are allowed, and on which condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) syscalls: &'static [&'static str],
    pub(super) condition: Option<Condition>,
}

/// An argument, cut down to the bits of a mask, is one of some values.
///
/// The mask is what makes it safe: most arguments are 32 bits wide for the kernel, which ignores
/// the upper half that a filter sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) argument: u8,
    pub(super) mask: u64,
    pub(super) equals: &'static [u64],
}

/// Where sandboxes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    Aarch64,
}

impl Rule {
    pub(super) const fn plain(syscalls: &'static [&'static str]) -> Self {
        Self { syscalls, condition: None }
    }

    pub(super) const fn when(syscalls: &'static [&'static str], condition: Condition) -> Self {
        Self { syscalls, condition: Some(condition) }
    }
}

impl Condition {
    /// A 32-bit argument is one of these.
    pub(super) const fn is_one_of(argument: u8, equals: &'static [u64]) -> Self {
        Self { argument, mask: 0xffff_ffff, equals }
    }
}

impl Arch {
    /// This machine's.
    pub(super) const fn here() -> Option<Self> {
        if cfg!(target_arch = "x86_64") {
            Some(Self::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Self::Aarch64)
        } else {
            None
        }
    }
}
