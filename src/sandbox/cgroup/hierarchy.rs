use std::fs;
use std::path::{Path, PathBuf};

/// The two kinds of control groups. Their files have different names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A folder that stands for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) folder: PathBuf,
}

/// Where this host's groups are.
#[derive(Clone, Debug)]
pub(super) struct Host {
    root: PathBuf,
    hierarchies: Vec<Hierarchy>,
}

#[derive(Clone, Debug)]
struct Hierarchy {
    version: Version,
    /// What a tree of version 1 is for. A tree of version 2 says so in files.
    controllers: Vec<String>,
    /// The group that is mounted: `/` unless a container sees its own part of the tree only.
    mounted: PathBuf,
    point: PathBuf,
}

impl Host {
    pub(super) fn here() -> Self {
        Self::under(Path::new("/"))
    }

    /// The host whose `/proc` and mount points are below this folder.
    pub(super) fn under(root: &Path) -> Self {
        let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
        let hierarchies = mounts.lines().filter_map(|line| Hierarchy::parse(line, root)).collect();
        Self { root: root.to_owned(), hierarchies }
    }

    /// The top of the tree with this controller. Where both versions are mounted, a controller
    /// belongs to version 1 if there is a tree for it.
    pub(super) fn top(&self, controller: &str) -> Option<Place> {
        let hierarchy = self.hierarchy(controller)?;
        Some(Place { version: hierarchy.version, folder: hierarchy.point.clone() })
    }

    /// The group in which a process is, by this controller.
    pub(super) fn place_of(&self, process: &str, controller: &str) -> Option<Place> {
        let hierarchy = self.hierarchy(controller)?;
        let groups = self.root.join("proc").join(process).join("cgroup");
        let groups = fs::read_to_string(groups).ok()?;
        let path = groups.lines().find_map(|line| hierarchy.path_in(line))?;
        let below = Path::new(path).strip_prefix(&hierarchy.mounted).ok()?;
        // `/../…`: outside of the control group namespace, and so out of sight.
        if below.components().any(|part| part.as_os_str() == "..") {
            return None;
        }
        let folder = hierarchy.point.join(below);
        Some(Place { version: hierarchy.version, folder })
    }

    fn hierarchy(&self, controller: &str) -> Option<&Hierarchy> {
        let of = |version| self.hierarchies.iter().filter(move |tree| tree.version == version);
        of(Version::One)
            .find(|tree| tree.controllers.iter().any(|name| name == controller))
            .or_else(|| of(Version::Two).next())
    }
}

impl Hierarchy {
    /// `36 35 98:0 MOUNTED POINT options [optional …] - TYPE source SUPEROPTIONS`
    fn parse(line: &str, root: &Path) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (mounted, point) = (mount.next()?, mount.next()?);
        let mut file_system = file_system.split(' ');
        let (version, controllers) = match file_system.next()? {
            "cgroup" => {
                let options = file_system.nth(1)?.split(',').map(str::to_owned);
                (Version::One, options.collect())
            }
            "cgroup2" => (Version::Two, Vec::new()),
            _ => return None,
        };
        let point = root.join(point.trim_start_matches('/'));
        Some(Self { version, controllers, mounted: mounted.into(), point })
    }

    /// The path in a line of `/proc/PID/cgroup` (`ID:controller,controller:PATH`) if the line is
    /// about this tree. That of version 2 names no controller.
    fn path_in<'a>(&self, line: &'a str) -> Option<&'a str> {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let ours = match self.version {
            Version::One => {
                controllers.split(',').any(|name| self.controllers.iter().any(|own| own == name))
            }
            Version::Two => controllers.is_empty(),
        };
        ours.then_some(path)
    }
}
