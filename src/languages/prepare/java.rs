use std::collections::HashSet;

use tree_sitter::Node;

use super::super::syntax::{children, text_of};
use super::{Edits, Text};

/// What the texts call themselves.
pub(super) struct Names<'t> {
    packages: HashSet<&'t str>,
    /// The source's top-level types.
    types: HashSet<&'t str>,
}

const TYPES: &[&str] = &[
    "class_declaration",
    "interface_declaration",
    "enum_declaration",
    "record_declaration",
    "annotation_type_declaration",
];
const PATHS: &[&str] = &["scoped_identifier", "identifier"];
/// Whatever is in these is not the user's, whatever it is called.
const FOREIGN: &[&str] = &["java.", "javax.", "jdk.", "org.junit.", "org.mockito."];

impl<'t> Names<'t> {
    pub(super) fn of(source: Text<'t>, tests: Text<'t>) -> Self {
        let packages = [source, tests].into_iter().filter_map(package).collect();
        let types = children(source.root).filter(|node| TYPES.contains(&node.kind()));
        let types = types.filter_map(|node| node.child_by_field_name("name"));
        Self { packages, types: types.map(|name| text_of(name, source.text)).collect() }
    }

    pub(super) fn edits(&self, text: Text<'_>) -> Edits {
        let mut edits = Edits::default();
        for node in children(text.root) {
            match node.kind() {
                "package_declaration" => edits.blank(node),
                "import_declaration" if self.is_own(node, text.text) => edits.blank(node),
                kind if TYPES.contains(&kind) => {
                    let modifiers = children(node).find(|child| child.kind() == "modifiers");
                    for modifier in modifiers.into_iter().flat_map(children) {
                        if modifier.kind() == "public" {
                            edits.blank(modifier);
                        }
                    }
                }
                _ => {}
            }
        }
        edits
    }

    /// Whether an import is of something in one of the two texts.
    fn is_own(&self, import: Node<'_>, text: &str) -> bool {
        let is_static = children(import).any(|child| child.kind() == "static");
        let is_whole = children(import).any(|child| child.kind() == "asterisk");
        let path = children(import).find(|child| PATHS.contains(&child.kind()));
        let path = path.map_or("", |path| text_of(path, text));
        if FOREIGN.iter().any(|package| path.starts_with(package)) {
            return false;
        }
        // `a.b.*`, of a package or, static, of a type; `a.b.Type`; static `a.b.Type.member`.
        let type_path = match (is_static, is_whole) {
            (false, true) => return self.packages.contains(path) || self.is_own_type(path),
            (true, false) => path.rsplit_once('.').map_or("", |(owner, _)| owner),
            _ => path,
        };
        self.is_own_type(type_path)
    }

    fn is_own_type(&self, path: &str) -> bool {
        let (package, name) = path.rsplit_once('.').unwrap_or(("", path));
        self.packages.contains(package) || self.types.contains(name)
    }
}

fn package(text: Text<'_>) -> Option<&str> {
    let declaration = children(text.root).find(|node| node.kind() == "package_declaration")?;
    let path = children(declaration).find(|child| PATHS.contains(&child.kind()))?;
    Some(text_of(path, text.text))
}
