//! `/proc/PID/mountinfo`, as far as remounting needs it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use nix::mount::MsFlags;

/// A mount that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// Where.
    pub(super) path: PathBuf,
    /// The flags that a mount from a more privileged namespace is locked to: a remount that leaves
    /// one of them out is refused. (The times of access are kept if none is named.)
    pub(super) locked: MsFlags,
}

/// The mounts of a mountinfo file, in its order. Lines that are not mounts are left out.
pub(super) fn parse(text: &str) -> impl Iterator<Item = Mounted> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(4);
        let path = unescape(fields.next()?);
        let locked = fields.next()?.split(',').map(flag).collect();
        Some(Mounted { path, locked })
    })
}

fn flag(option: &str) -> MsFlags {
    match option {
        "ro" => MsFlags::MS_RDONLY,
        "nosuid" => MsFlags::MS_NOSUID,
        "nodev" => MsFlags::MS_NODEV,
        "noexec" => MsFlags::MS_NOEXEC,
        _ => MsFlags::empty(),
    }
}

/// Space, tab, line feed and backslash are written as `\` and three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_keeps_the_flags_it_is_locked_to() {
        let text = "36 35 98:0 / /usr ro,nosuid,noexec,relatime master:1 - ext4 /dev/root rw\n";
        let mounts: Vec<_> = parse(text).collect();
        let locked = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        assert_eq!(mounts, [Mounted { path: "/usr".into(), locked }]);
    }

    #[test]
    fn a_path_with_spaces_is_read_back() {
        let text = r"36 35 98:0 / /a\040b\134c rw - ext4 /dev/root rw";
        let paths: Vec<_> = parse(text).map(|mount| mount.path).collect();
        assert_eq!(paths, [PathBuf::from(r"/a b\c")]);
    }
}
