//! Jest's way to collect, for what can be known without running anything. TypeScript included.
//!
//! What `.skip`, `.todo` or an `.only` elsewhere leaves out is collected all the same and reports as
//! skipped.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::names::javascript::{Binding, Origin, bindings};
use super::super::syntax::{children, line_of, text_of, walk};
use super::javascript_shadows::{GLOBAL_MODULES, shadows};
use super::title::Title;
use super::{Certainty, ExpectedTest, IdPath, Manifest, Pattern, Reading, Text};

pub(super) fn manifest(source: Option<Text<'_>>, tests: Text<'_>) -> Manifest {
    let mut groups = HashSet::new();
    walk(tests.root, (), |node, ()| {
        let group = Definition::of(node, tests.text).filter(|call| call.kind == Kind::Group);
        groups.extend(group.and_then(|group| group.callback()).map(|callback| callback.id()));
        Some(())
    });
    let of_tests = bindings(tests.root, tests.text, |node| groups.contains(&node.id()));
    let taken = of_tests.iter().filter(|binding| !is_global_import(binding));
    let taken = taken.map(|binding| binding.name).collect();

    let mut reader = Reader { text: tests.text, taken, expected: Vec::new() };
    reader.module(tests.root);
    let expected = numbered(reader.expected);
    Manifest { reading: Reading::Complete, expected, shadows: shadows(source, tests) }
}

fn is_global_import(binding: &Binding<'_>) -> bool {
    matches!(binding.origin, Origin::Module(export)
        if GLOBAL_MODULES.contains(&export.module) && export.name == Some(binding.name))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Test,
    Group,
}

/// A call that defines a test or a group of tests.
struct Definition<'t> {
    /// What is called, without what hangs on it: `test` of `test.only.each`.
    root: &'t str,
    kind: Kind,
    /// Made for each row of a table.
    tabular: bool,
    title: Option<Node<'t>>,
    body: Option<Node<'t>>,
}

impl<'t> Definition<'t> {
    fn of(call: Node<'t>, text: &'t str) -> Option<Self> {
        if call.kind() != "call_expression" {
            return None;
        }
        let mut called = call.child_by_field_name("function")?;
        let mut tabular = false;
        if called.kind() == "call_expression" {
            // The table: `test.each([…])` or test.each`…`.
            called = called.child_by_field_name("function")?;
            tabular = true;
        }
        let mut properties = Vec::new();
        while called.kind() == "member_expression" {
            properties.push(text_of(called.child_by_field_name("property")?, text));
            called = called.child_by_field_name("object")?;
            // test.concurrent.only.each is the longest there is.
            if properties.len() > 4 {
                return None;
            }
        }
        let root = (called.kind() == "identifier").then(|| text_of(called, text))?;
        let kind = match root {
            "test" | "it" | "xtest" | "xit" | "fit" => Kind::Test,
            "describe" | "xdescribe" | "fdescribe" => Kind::Group,
            _ => return None,
        };
        let known = ["each", "only", "skip", "todo", "failing", "concurrent"];
        let each = properties.first() == Some(&"each");
        if properties.iter().any(|property| !known.contains(property)) || each != tabular {
            return None;
        }
        let arguments = call.child_by_field_name("arguments")?;
        if arguments.kind() != "arguments" {
            return None;
        }
        let mut arguments =
            children(arguments).filter(|child| child.is_named() && child.kind() != "comment");
        let (title, body) = (arguments.next(), arguments.next());
        // Without a body it is refused by Jest, except where it is to be written.
        let shaped = title.is_some() && (body.is_some() || properties.contains(&"todo"));
        shaped.then_some(Self { root, kind, tabular, title, body })
    }

    /// The function of a group, where it is written in place and Jest takes it.
    fn callback(&self) -> Option<Node<'t>> {
        let kinds = ["arrow_function", "function_expression"];
        let body = self.body.filter(|body| kinds.contains(&body.kind()))?;
        let is_async = children(body).any(|child| child.kind() == "async");
        (!is_async).then_some(body)
    }
}

/// Statements that are still to be read, as those of one group.
struct Pending<'t> {
    statements: Node<'t>,
    path: IdPath,
    certainty: Certainty,
}

struct Reader<'t> {
    text: &'t str,
    /// Names that the tests bind themselves.
    taken: HashSet<&'t str>,
    expected: Vec<ExpectedTest>,
}

impl<'t> Reader<'t> {
    fn module(&mut self, root: Node<'t>) {
        let certainty = Certainty::Required;
        let mut waiting = vec![Pending { statements: root, path: IdPath::default(), certainty }];
        while let Some(pending) = waiting.pop() {
            if pending.statements.kind() == "call_expression" {
                let Pending { statements, path, certainty } = pending;
                waiting.extend(self.call(statements, &path, certainty));
            } else {
                self.statements(&pending, &mut waiting);
            }
        }
        self.expected.sort_by_key(|expected| expected.line);
    }

    fn statements(&mut self, pending: &Pending<'t>, waiting: &mut Vec<Pending<'t>>) {
        let mut certainty = pending.certainty;
        for statement in children(pending.statements) {
            if statement.kind() == "expression_statement" {
                let expression = children(statement).find(Node::is_named);
                if let Some(call) = expression.filter(|e| e.kind() == "call_expression") {
                    waiting.extend(self.call(call, &pending.path, certainty));
                }
            }
            certainty = certainty.and(!may_leave(statement));
        }
    }

    /// Notes a test, or gives what is in a group.
    fn call(&mut self, call: Node<'t>, path: &IdPath, certainty: Certainty) -> Option<Pending<'t>> {
        let definition = Definition::of(call, self.text)?;
        let title = Title::of(definition.title?, self.text);
        let title = if definition.tabular { title.before_placeholders() } else { title };
        // What an empty title does to an id is not worth knowing.
        let path = path.then(" > ", &title.text, title.whole && !title.text.is_empty());
        let certainty = certainty.and(!self.taken.contains(definition.root));
        if definition.kind == Kind::Test {
            let pattern = if definition.tabular { path.prefix() } else { path.exact() };
            self.expected.push(ExpectedTest { pattern, line: line_of(call), certainty });
            return None;
        }
        let statements = definition.callback()?.child_by_field_name("body")?;
        // A group for each row: no id in it is the only one of its name.
        let path = if definition.tabular { path.opened() } else { path };
        Some(Pending { statements, path, certainty })
    }
}

/// Whether what follows a statement may not be reached: a `return` or `throw` in it that is not in
/// a function.
fn may_leave(statement: Node<'_>) -> bool {
    let mut found = false;
    walk(statement, (), |node, ()| {
        found |= ["return_statement", "throw_statement"].contains(&node.kind());
        let inner = super::super::names::javascript::FUNCTIONS.contains(&node.kind());
        (!inner && !found).then_some(())
    });
    found
}

/// Repeated ids get ` #2`, ` #3`, …. Where another title looks like that already, neither is certain.
fn numbered(mut expected: Vec<ExpectedTest>) -> Vec<ExpectedTest> {
    let titles: HashSet<String> = expected.iter().filter_map(|e| exact(e).cloned()).collect();
    let mut times: HashMap<String, u32> = HashMap::new();
    for test in &mut expected {
        let Pattern::Exact(id) = &mut test.pattern else { continue };
        let looks_numbered = id.rsplit_once(" #").is_some_and(|(_, n)| n.parse::<u32>().is_ok());
        if looks_numbered {
            test.certainty = Certainty::Optional;
        }
        // An optional one may be there or not, and then those behind it have other numbers; so many
        // as are required there are in any case.
        if test.certainty == Certainty::Required {
            let times = times.entry(id.clone()).or_default();
            *times += 1;
            if *times > 1 {
                let repeated = format!("{id} #{times}");
                test.certainty = test.certainty.and(!titles.contains(&repeated));
                *id = repeated;
            }
        }
    }
    expected
}

fn exact(expected: &ExpectedTest) -> Option<&String> {
    match &expected.pattern {
        Pattern::Exact(id) => Some(id),
        Pattern::Parametrised(_) | Pattern::Prefix(_) => None,
    }
}
