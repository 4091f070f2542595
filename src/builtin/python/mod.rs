//! The Python half of the built-in engine: all of it is in the explorer, which runs in the sandbox
//! and reads the source with Python's own parser.

use std::io::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The explorer: a program that defines `explore(plan)`. In the order of `order.txt`.
const EXPLORER: &str = concat!(
    include_str!("explorer/ground.py"),
    include_str!("explorer/values.py"),
    include_str!("explorer/reading.py"),
    include_str!("explorer/kinds.py"),
    include_str!("explorer/inputs.py"),
    include_str!("explorer/instrument.py"),
    include_str!("explorer/mutants.py"),
    include_str!("explorer/cases.py"),
    include_str!("explorer/structures.py"),
    include_str!("explorer/search.py"),
    include_str!("explorer/objects.py"),
    include_str!("explorer/keeping.py"),
    include_str!("explorer/writing.py"),
    include_str!("explorer/properties.py"),
    include_str!("explorer/explore.py"),
);

/// The explorer as the source of a job. It is longer than a source may be, so it comes compressed.
pub(super) fn explorer() -> &'static str {
    static PACKED: LazyLock<String> = LazyLock::new(|| {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(EXPLORER.as_bytes()).expect("memory is written to");
        let packed = STANDARD.encode(packed.finish().expect("memory is written to"));
        format!(
            "import base64, zlib\n\
             exec(compile(zlib.decompress(base64.b64decode('{packed}')), 'explorer.py', 'exec'))\n"
        )
    });
    &PACKED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_explorer_is_all_of_its_folder_in_its_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/builtin/python/explorer");
        let read = |name: &str| {
            std::fs::read_to_string(format!("{folder}/{name}")).expect("a file of the explorer")
        };
        let order = read("order.txt");
        let joined: String = order.split_whitespace().map(read).collect();
        assert_eq!(joined, EXPLORER);
        let files = std::fs::read_dir(folder).expect("the folder").count();
        assert_eq!(files, order.split_whitespace().count() + 1, "order.txt names every file");
    }
}
