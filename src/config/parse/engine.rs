use std::path::PathBuf;

use crate::config::EngineChoice;
use crate::config::problems::Flaw;

/// Longest name of an image or a runtime; Docker's own bound on references is 255.
const NAME_MAX_LENGTH: usize = 255;

/// `auto` (none), `docker` or `namespace`, in any case.
pub(in crate::config) fn sandbox_engine(text: &str) -> Result<Option<EngineChoice>, Flaw> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(None),
        "docker" => Ok(Some(EngineChoice::Docker)),
        "namespace" => Ok(Some(EngineChoice::Namespace)),
        _ => Err("must be auto, docker or namespace".into()),
    }
}

/// The path of the Engine API's socket. A daemon of another machine would hold the kernel's
/// accounts, by which runs are judged, where they can't be read.
pub(in crate::config) fn docker_host(text: &str) -> Result<PathBuf, Flaw> {
    match text.strip_prefix("unix://") {
        Some(path) if path.starts_with('/') => Ok(PathBuf::from(path)),
        _ => Err("must be unix:// and an absolute path: a socket of this machine".into()),
    }
}

/// A runtime's name, as the daemon knows it.
pub(in crate::config) fn docker_runtime(text: &str) -> Result<String, Flaw> {
    let sound =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if sound && text.len() <= NAME_MAX_LENGTH {
        Ok(text.to_owned())
    } else {
        Err("is no name of a runtime".into())
    }
}

/// An image's name with its tag, without checking that it is there.
pub(in crate::config) fn image_name(text: &str) -> Result<String, Flaw> {
    let sound = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c));
    if sound && !text.is_empty() && text.len() <= NAME_MAX_LENGTH {
        Ok(text.to_owned())
    } else {
        Err("is no name of an image".into())
    }
}
