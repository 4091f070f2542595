use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::names::python::{Binding, Bound, bindings};
use super::super::syntax::{children, text_of, walk};
use super::stdlib::is_known;
use super::{Edits, Text};

/// The module that both texts are run in.
const THIS_MODULE: &str = "__import__(\"sys\").modules[__name__]";

pub(super) fn edits(source: Text<'_>, tests: Text<'_>) -> Edits {
    let of_source = bindings(source.root, source.text);
    let world = World::new(&of_source, tests);
    let mut edits = Edits::default();
    walk(tests.root, (), |node, ()| {
        let instead = match node.kind() {
            "import_from_statement" => world.instead_of_names(node),
            "import_statement" => world.instead_of_module(node),
            _ => return Some(()),
        };
        if let Some(instead) = instead {
            edits.replace(node, instead, tests.text);
        }
        None
    });
    edits
}

/// What an import may be of.
struct World<'t> {
    tests: &'t str,
    /// Names at the top of the source.
    names: HashSet<&'t str>,
    /// Modules that the source imports; where it can, so can the tests.
    imported: HashSet<&'t str>,
    /// What the tests ask of each name: `add` of `solution` in `solution.add`.
    asked: HashMap<&'t str, HashSet<&'t str>>,
}

impl<'t> World<'t> {
    fn new(of_source: &[Binding<'t>], tests: Text<'t>) -> Self {
        let mut imported = HashSet::new();
        let mut names = HashSet::new();
        for binding in of_source {
            match binding.bound {
                Bound::Import(module) => {
                    imported.insert(first(module));
                    names.insert(binding.name);
                }
                Bound::Nothing => {
                    names.remove(binding.name);
                }
                Bound::Function(_) | Bound::Class(_) | Bound::Value(_) => {
                    names.insert(binding.name);
                }
            }
        }
        let mut asked: HashMap<_, HashSet<_>> = HashMap::new();
        walk(tests.root, (), |node, ()| {
            if node.kind() == "attribute"
                && let Some(object) = node.child_by_field_name("object")
                && object.kind() == "identifier"
                && let Some(attribute) = node.child_by_field_name("attribute")
            {
                let object = text_of(object, tests.text);
                asked.entry(object).or_default().insert(text_of(attribute, tests.text));
            }
            Some(())
        });
        Self { tests: tests.text, names, imported, asked }
    }

    /// Whether a module can be nothing but the code under test.
    fn is_under_test(&self, module: &str) -> bool {
        let first = first(module);
        !is_known(first) && (first.is_empty() || !self.imported.contains(first))
    }

    /// For `from module import …`.
    fn instead_of_names(&self, statement: Node<'t>) -> Option<String> {
        let module = statement.child_by_field_name("module_name")?;
        if !self.is_under_test(text_of(module, self.tests)) {
            return None;
        }
        if children(statement).any(|child| child.kind() == "wildcard_import") {
            return Some("pass".to_owned());
        }
        let mut instead = Vec::new();
        let mut cursor = statement.walk();
        for name in statement.children_by_field_name("name", &mut cursor) {
            let (name, local) = self.name_and_local(name)?;
            if !self.names.contains(name) {
                return None;
            }
            if name != local {
                instead.push(format!("{local}={name}"));
            }
        }
        Some(if instead.is_empty() { "pass".to_owned() } else { instead.join(";") })
    }

    /// For `import module`, where all that is asked of it is in the source.
    fn instead_of_module(&self, statement: Node<'t>) -> Option<String> {
        let mut cursor = statement.walk();
        let mut names = statement.children_by_field_name("name", &mut cursor);
        let (name, local) = self.name_and_local(names.next()?)?;
        if names.next().is_some() || !self.is_under_test(name) || local.contains('.') {
            return None;
        }
        let asked = self.asked.get(local);
        let has_all = asked.is_none_or(|asked| asked.iter().all(|name| self.names.contains(name)));
        has_all.then(|| format!("{local}={THIS_MODULE}"))
    }

    fn name_and_local(&self, name: Node<'t>) -> Option<(&'t str, &'t str)> {
        if name.kind() != "aliased_import" {
            let name = text_of(name, self.tests);
            return Some((name, name));
        }
        let alias = name.child_by_field_name("alias")?;
        Some((text_of(name.child_by_field_name("name")?, self.tests), text_of(alias, self.tests)))
    }
}

/// `a` of `a.b.c`; nothing of a relative one.
fn first(module: &str) -> &str {
    module.split('.').next().unwrap_or_default()
}
