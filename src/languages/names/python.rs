use tree_sitter::Node;

use super::super::syntax::{children, text_of, walk};

/// A name that a scope (a module or the body of a class) binds.
#[derive(Clone, Debug)]
pub(in crate::languages) struct Binding<'t> {
    pub(in crate::languages) name: &'t str,
    pub(in crate::languages) node: Node<'t>,
    pub(in crate::languages) bound: Bound<'t>,
    /// Not under a condition, in a loop or the like.
    pub(in crate::languages) certain: bool,
}

/// What a name is bound to.
#[derive(Clone, Debug)]
pub(in crate::languages) enum Bound<'t> {
    Function(Definition<'t>),
    Class(Definition<'t>),
    /// The module it comes from, with the dots of a relative import.
    Import(&'t str),
    /// What is assigned, where that is one expression.
    Value(Option<Node<'t>>),
    /// It is deleted.
    Nothing,
}

/// A function or class.
#[derive(Clone, Debug)]
pub(in crate::languages) struct Definition<'t> {
    pub(in crate::languages) node: Node<'t>,
    pub(in crate::languages) decorators: Vec<Node<'t>>,
}

/// The bindings of a scope in the order of the text, those that a `global` in a function announces
/// included. `scope` is a module or a block.
pub(in crate::languages) fn bindings<'t>(scope: Node<'t>, text: &'t str) -> Vec<Binding<'t>> {
    let mut scan = Scan { text, found: Vec::new() };
    // The context is whether a node is certainly run; at the top every statement is.
    walk(
        scope,
        true,
        |node, certain| {
            if node == scope { Some(true) } else { scan.visit(node, certain) }
        },
    );
    if scope.kind() == "module" {
        scan.globals(scope);
    }
    scan.found
}

struct Scan<'t> {
    text: &'t str,
    found: Vec<Binding<'t>>,
}

impl<'t> Scan<'t> {
    fn visit(&mut self, node: Node<'t>, certain: bool) -> Option<bool> {
        match node.kind() {
            "function_definition" | "class_definition" => {
                self.define(node, node, Vec::new(), certain);
                return None;
            }
            "decorated_definition" => {
                let decorators = children(node).filter(|child| child.kind() == "decorator");
                let decorators = decorators.collect();
                if let Some(definition) = node.child_by_field_name("definition") {
                    self.define(node, definition, decorators, certain);
                }
                return None;
            }
            "import_statement" | "import_from_statement" => self.import(node, certain),
            "assignment" => {
                let value = node.child_by_field_name("right");
                // `x: int` alone binds nothing.
                if let (Some(left), true) = (node.child_by_field_name("left"), value.is_some()) {
                    self.targets(left, value, certain);
                }
            }
            "augmented_assignment" | "for_statement" | "type_alias_statement" => {
                self.field(node, "left", certain);
            }
            "named_expression" => self.field(node, "name", certain),
            "as_pattern_target" => self.targets(node, None, certain),
            "case_pattern" => {
                self.targets(node, None, false);
                return None;
            }
            "delete_statement" => {
                for target in identifiers(node) {
                    self.bind(target, node, Bound::Nothing, certain);
                }
            }
            "lambda" => return None,
            "if_statement" if self.is_for_scripts(node) => return None,
            _ => {}
        }
        Some(certain && !BRANCHES.contains(&node.kind()))
    }

    /// `if __name__ == "__main__":` is never run here.
    fn is_for_scripts(&self, node: Node<'t>) -> bool {
        node.child_by_field_name("condition").is_some_and(|condition| {
            condition.kind() == "comparison_operator"
                && text_of(condition, self.text).contains("__name__")
                && text_of(condition, self.text).contains("__main__")
                && node.child_by_field_name("alternative").is_none()
        })
    }

    fn define(
        &mut self,
        node: Node<'t>,
        definition: Node<'t>,
        decorators: Vec<Node<'t>>,
        certain: bool,
    ) {
        let Some(name) = definition.child_by_field_name("name") else { return };
        let is_class = definition.kind() == "class_definition";
        let definition_of = Definition { node: definition, decorators };
        let bound =
            if is_class { Bound::Class(definition_of) } else { Bound::Function(definition_of) };
        self.bind(name, node, bound, certain);
    }

    /// A function may bind at the top what it declares global.
    fn globals(&mut self, module: Node<'t>) {
        walk(module, (), |node, ()| {
            if node.kind() == "global_statement" {
                for name in children(node).filter(|child| child.kind() == "identifier") {
                    self.bind(name, node, Bound::Value(None), false);
                }
            }
            Some(())
        });
    }

    fn import(&mut self, node: Node<'t>, certain: bool) {
        let module = node.child_by_field_name("module_name");
        let mut cursor = node.walk();
        for name in node.children_by_field_name("name", &mut cursor) {
            let (path, local) = match name.kind() {
                "aliased_import" => {
                    (name.child_by_field_name("name"), name.child_by_field_name("alias"))
                }
                _ => (Some(name), name.named_child(0)),
            };
            let from = module.or(path).map_or("", |path| text_of(path, self.text));
            if let Some(local) = local {
                self.bind(local, node, Bound::Import(from), certain);
            }
        }
    }

    fn field(&mut self, node: Node<'t>, field: &str, certain: bool) {
        if let Some(target) = node.child_by_field_name(field) {
            self.targets(target, None, certain);
        }
    }

    fn targets(&mut self, target: Node<'t>, value: Option<Node<'t>>, certain: bool) {
        let value = value.filter(|_| target.kind() == "identifier");
        for name in identifiers(target) {
            self.bind(name, target, Bound::Value(value), certain);
        }
    }

    fn bind(&mut self, name: Node<'t>, node: Node<'t>, bound: Bound<'t>, certain: bool) {
        self.found.push(Binding { name: text_of(name, self.text), node, bound, certain });
    }
}

/// What is below may run or not, or more than once.
const BRANCHES: &[&str] = &[
    "if_statement",
    "for_statement",
    "while_statement",
    "try_statement",
    "with_statement",
    "match_statement",
    "conditional_expression",
    "boolean_operator",
];

/// The names in a target: not `x` of `x.y` or `x[y]`.
fn identifiers(target: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    walk(target, (), |node, ()| match node.kind() {
        "attribute" | "subscript" | "call" => None,
        "identifier" => {
            found.push(node);
            None
        }
        _ => Some(()),
    });
    found
}
