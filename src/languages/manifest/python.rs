//! pytest's rules of collection, for what can be known without running anything.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::names::python::{Binding, Bound, Definition, bindings};
use super::super::syntax::{children, line_of, text_of, walk};
use super::python_classes::{Classes, Collected};
use super::{Certainty, ExpectedTest, IdPath, Manifest, Reading, Role, Shadow, Side, Text};

pub(super) fn manifest(source: Option<Text<'_>>, tests: Text<'_>) -> Manifest {
    let of_source = source.map(|source| bindings(source.root, source.text)).unwrap_or_default();
    let of_tests = bindings(tests.root, tests.text);
    let mut shadows = Vec::new();
    if let Some(source) = source {
        shadows.extend(self::shadows(source, &of_source, Side::Source));
    }
    shadows.extend(self::shadows(tests, &of_tests, Side::Tests));

    let module_may_be_left_out = of_source.iter().chain(&of_tests).any(|b| b.name == "__test__")
        || leaves_out_the_module(tests);
    let taken = Taken::new(of_source.iter().chain(&of_tests));
    let source_text = source.map_or("", |source| source.text);
    let classes = Classes::new(&of_source, source_text, &of_tests, tests.text);
    let touched = attributes_set(tests);
    let mut reader =
        Reader { tests, taken: &taken, classes: &classes, touched, expected: Vec::new() };
    let certainty = Certainty::Required.and(!module_may_be_left_out);
    reader.module(of_tests, certainty);
    reader.expected.sort_by_key(|expected| expected.line);
    Manifest { reading: Reading::Complete, expected: reader.expected, shadows }
}

/// Names bound at the top by the texts themselves, which therefore are not what they look like.
struct Taken<'t>(HashSet<&'t str>);

impl<'t> Taken<'t> {
    fn new<'a>(bindings: impl Iterator<Item = &'a Binding<'t>>) -> Self
    where
        't: 'a,
    {
        let own =
            bindings.filter(|binding| !matches!(binding.bound, Bound::Import(_) | Bound::Nothing));
        Self(own.map(|binding| binding.name).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

struct Reader<'t, 'c> {
    tests: Text<'t>,
    taken: &'c Taken<'t>,
    classes: &'c Classes<'t>,
    /// Names that get an attribute set.
    touched: HashSet<&'t str>,
    expected: Vec<ExpectedTest>,
}

/// A class whose tests are to be read.
struct Pending<'t> {
    definition: Definition<'t>,
    path: IdPath,
    certainty: Certainty,
    collected: Collected,
}

impl<'t> Reader<'t, '_> {
    fn module(&mut self, bindings: Vec<Binding<'t>>, certainty: Certainty) {
        let mut pending = self.scope(bindings, &IdPath::default(), certainty, None);
        while let Some(class) = pending.pop() {
            let Some(body) = class.definition.node.child_by_field_name("body") else { continue };
            let bindings = self::bindings(body, self.tests.text);
            let inner = self.scope(bindings, &class.path, class.certainty, Some(class.collected));
            pending.extend(inner);
        }
    }

    /// Reads the tests of a module or of a class, and gives the classes in it.
    fn scope(
        &mut self,
        bindings: Vec<Binding<'t>>,
        path: &IdPath,
        certainty: Certainty,
        class: Option<Collected>,
    ) -> Vec<Pending<'t>> {
        let mut pending = Vec::new();
        for binding in last_of_each(bindings) {
            let certainty = certainty.and(binding.certain && !self.touched.contains(binding.name));
            match binding.bound {
                Bound::Function(definition) if binding.name.starts_with("test") => {
                    if let Some(kept) = self.function(&definition) {
                        let path = path.then("::", binding.name, true);
                        self.expected.push(ExpectedTest {
                            pattern: path.parametrised(),
                            line: line_of(definition.node),
                            certainty: certainty.and(kept),
                        });
                    }
                }
                // unittest's loader knows methods only.
                Bound::Class(definition) if class != Some(Collected::Unittest) => {
                    let (collected, kept) = self.classes.collected(binding.name, &definition);
                    if collected != Collected::No {
                        let path = path.then("::", binding.name, true);
                        let certainty = certainty.and(kept && self.keeps(&definition));
                        pending.push(Pending { definition, path, certainty, collected });
                    }
                }
                _ => {}
            }
        }
        pending
    }

    /// Whether a function is certainly still a test behind its decorators; `None` for a fixture.
    fn function(&self, definition: &Definition<'t>) -> Option<bool> {
        let is_fixture = |decorator: &Node<'t>| {
            let name = decorator_name(*decorator, self.tests.text);
            name == "fixture" || name.ends_with(".fixture")
        };
        if definition.decorators.iter().any(is_fixture) {
            return None;
        }
        Some(self.keeps(definition) && !is_generator(definition.node))
    }

    /// Whether what the decorators make of a definition is collected as the definition would be.
    fn keeps(&self, definition: &Definition<'t>) -> bool {
        definition.decorators.iter().all(|decorator| {
            let name = decorator_name(*decorator, self.tests.text);
            let first = name.split('.').next().unwrap_or_default();
            let is_own_mark = self.classes.marks.contains(name);
            is_own_mark || (!self.taken.has(first) && is_harmless(name))
        })
    }
}

/// The last binding of each name. A name that is bound again under a condition is as uncertain as
/// that.
fn last_of_each(bindings: Vec<Binding<'_>>) -> Vec<Binding<'_>> {
    let last: HashMap<&str, usize> =
        bindings.iter().enumerate().map(|(index, binding)| (binding.name, index)).collect();
    let is_last = |index: usize, binding: &Binding<'_>| last.get(binding.name) == Some(&index);
    let each = bindings.into_iter().enumerate();
    each.filter(|(index, binding)| is_last(*index, binding)).map(|(_, binding)| binding).collect()
}

/// Names that get an attribute set somewhere (`test_x.__test__ = False`).
fn attributes_set(tests: Text<'_>) -> HashSet<&str> {
    let mut found = HashSet::new();
    walk(tests.root, (), |node, ()| {
        if node.kind() == "assignment"
            && let Some(left) = node.child_by_field_name("left")
            && left.kind() == "attribute"
            && let Some(object) = left.child_by_field_name("object")
        {
            found.insert(text_of(object, tests.text));
        }
        Some(())
    });
    found
}

/// Whether the module as a whole may be skipped while it is loaded.
fn leaves_out_the_module(tests: Text<'_>) -> bool {
    let mut found = false;
    walk(tests.root, (), |node, ()| {
        match node.kind() {
            "function_definition" | "lambda" => return None,
            "call" => {
                let called = node.child_by_field_name("function");
                let called = called.map_or("", |called| text_of(called, tests.text));
                found |= ["pytest.skip", "skip", "pytest.importorskip", "importorskip"]
                    .contains(&called);
            }
            "raise_statement" => {
                let what = text_of(node, tests.text);
                found |= what.contains("Skip") || what.contains("skip");
            }
            _ => {}
        }
        Some(())
    });
    found
}

/// `pytest.mark.slow` of `@pytest.mark.slow(reason="x")`.
fn decorator_name<'t>(decorator: Node<'_>, text: &'t str) -> &'t str {
    let expression = children(decorator).find(Node::is_named);
    let called = expression.map(|expression| match expression.kind() {
        "call" => expression.child_by_field_name("function").unwrap_or(expression),
        _ => expression,
    });
    called.map_or("", |called| text_of(called, text))
}

/// Decorators after which a test is collected under the same name.
fn is_harmless(name: &str) -> bool {
    const KNOWN: &[&str] = &["staticmethod", "classmethod"];
    const UNITTEST: &[&str] = &["skip", "skipIf", "skipUnless", "expectedFailure"];
    const PATCH: &[&str] = &["patch", "patch.object", "patch.dict", "patch.multiple"];
    let plain = name.strip_prefix("unittest.").unwrap_or(name);
    let patch = plain.strip_prefix("mock.").unwrap_or(plain);
    name.starts_with("pytest.mark.")
        || name.starts_with("mark.")
        || KNOWN.contains(&name)
        || UNITTEST.contains(&plain)
        || PATCH.contains(&patch)
}

/// A test that yields is no test to pytest.
fn is_generator(function: Node<'_>) -> bool {
    let mut found = false;
    walk(function, (), |node, ()| {
        found |= node.kind() == "yield";
        let inner = ["function_definition", "lambda"].contains(&node.kind()) && node != function;
        (!inner && !found).then_some(())
    });
    found
}

/// Who takes these names decides what passes, and no honest code has a use for them: `pytest` and
/// `unittest` for anything but the modules, and `AssertionError`, which a failing `assert` raises
/// by name once pytest has rewritten it. The like with attributes of the modules.
fn shadows(text: Text<'_>, bindings: &[Binding<'_>], side: Side) -> Vec<Shadow> {
    let mut found = Vec::new();
    let mut add = |name: &str, node: Node<'_>| {
        let (name, line) = (name.to_owned(), line_of(node));
        found.push(Shadow { name, side, line, role: Role::Judge });
    };
    for binding in bindings {
        let taken = match (binding.name, &binding.bound) {
            (_, Bound::Nothing) => false,
            (name @ ("pytest" | "unittest"), Bound::Import(module)) => {
                module.split('.').next() != Some(name)
            }
            ("pytest" | "unittest" | "AssertionError", _) => true,
            _ => false,
        };
        if taken {
            add(binding.name, binding.node);
        }
    }
    walk(text.root, (), |node, ()| {
        if ["assignment", "augmented_assignment"].contains(&node.kind())
            && let Some(left) = node.child_by_field_name("left")
            && left.kind() == "attribute"
        {
            let name = text_of(left, text.text);
            let is_judge = name.starts_with("pytest.")
                || name.starts_with("unittest.TestCase.assert")
                || name == "unittest.TestCase"
                || name == "builtins.AssertionError";
            if is_judge {
                add(name, node);
            }
        }
        Some(())
    });
    found
}
