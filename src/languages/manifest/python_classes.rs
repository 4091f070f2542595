use std::collections::{HashMap, HashSet};

use super::super::names::python::{Binding, Bound, Definition, bindings};
use super::super::syntax::{children, text_of};

/// Most classes of a hierarchy that are looked at; honest tests have two or three.
const LINEAGE_MAX: usize = 32;

/// How pytest collects a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collected {
    No,
    /// As a class of its own kind.
    Plain,
    /// As a `unittest.TestCase`.
    Unittest,
}

/// The classes at the top of both texts.
pub(super) struct Classes<'t> {
    traits: HashMap<&'t str, Traits<'t>>,
    /// Names for marks.
    pub(super) marks: HashSet<&'t str>,
    tests: &'t str,
}

/// What matters of a class.
#[derive(Default)]
struct Traits<'t> {
    bases: Vec<&'t str>,
    /// Has an `__init__` or `__new__`.
    has_constructor: bool,
    /// What `__test__` is set to.
    test_flag: Flag,
    /// Something about it can't be known: a metaclass, a starred base.
    is_odd: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Flag {
    #[default]
    Unset,
    True,
    False,
    Unknown,
}

impl<'t> Classes<'t> {
    pub(super) fn new(
        of_source: &[Binding<'t>],
        source: &'t str,
        of_tests: &[Binding<'t>],
        tests: &'t str,
    ) -> Self {
        let mut traits = HashMap::new();
        let mut marks = HashSet::new();
        for (bindings, text) in [(of_source, source), (of_tests, tests)] {
            for binding in bindings {
                match &binding.bound {
                    Bound::Class(definition) => {
                        let mut found = Traits::of(definition, text);
                        found.is_odd |= !binding.certain || !definition.decorators.is_empty();
                        traits.insert(binding.name, found);
                    }
                    Bound::Value(Some(value))
                        if text_of(*value, text).starts_with("pytest.mark.") =>
                    {
                        marks.insert(binding.name);
                    }
                    _ => {
                        traits.remove(binding.name);
                        marks.remove(binding.name);
                    }
                }
            }
        }
        Self { traits, marks, tests }
    }

    /// How a class of the tests is collected, and whether that is certain.
    pub(super) fn collected(&self, name: &str, definition: &Definition<'t>) -> (Collected, bool) {
        let own = Traits::of(definition, self.tests);
        let lineage = self.lineage(&own);
        let flag = if own.test_flag == Flag::Unset { lineage.test_flag } else { own.test_flag };
        let collected = match lineage.is_unittest {
            _ if flag == Flag::False => Collected::No,
            true => Collected::Unittest,
            false if !name.starts_with("Test") || own.has_constructor => Collected::No,
            false => Collected::Plain,
        };
        let certain = !own.is_odd
            && flag != Flag::Unknown
            && (collected == Collected::Unittest
                || !(lineage.is_unknown || lineage.has_constructor));
        (collected, certain)
    }

    fn lineage(&self, own: &Traits<'t>) -> Lineage {
        let mut lineage = Lineage::default();
        let mut waiting = own.bases.clone();
        let mut seen = HashSet::new();
        while let Some(base) = waiting.pop() {
            if !seen.insert(base) {
                continue;
            }
            if seen.len() > LINEAGE_MAX {
                lineage.is_unknown = true;
                break;
            }
            if let Some(traits) = self.traits.get(base) {
                lineage.has_constructor |= traits.has_constructor;
                lineage.is_unknown |= traits.is_odd;
                lineage.test_flag = match (lineage.test_flag, traits.test_flag) {
                    (Flag::Unset, flag) | (flag, Flag::Unset) => flag,
                    (one, other) if one == other => one,
                    _ => Flag::Unknown,
                };
                waiting.extend(&traits.bases);
                continue;
            }
            match base.strip_prefix("unittest.").unwrap_or(base) {
                "TestCase" | "IsolatedAsyncioTestCase" => lineage.is_unittest = true,
                "object" => {}
                _ => lineage.is_unknown = true,
            }
        }
        lineage
    }
}

/// What a class has from its bases.
#[derive(Default)]
struct Lineage {
    is_unittest: bool,
    is_unknown: bool,
    has_constructor: bool,
    test_flag: Flag,
}

impl<'t> Traits<'t> {
    fn of(definition: &Definition<'t>, text: &'t str) -> Self {
        let mut traits = Self::default();
        if let Some(bases) = definition.node.child_by_field_name("superclasses") {
            for base in children(bases).filter(tree_sitter::Node::is_named) {
                match base.kind() {
                    "identifier" | "attribute" => traits.bases.push(text_of(base, text)),
                    "comment" => {}
                    _ => traits.is_odd = true,
                }
            }
        }
        let body = definition.node.child_by_field_name("body");
        for binding in body.map(|body| bindings(body, text)).unwrap_or_default() {
            match binding.name {
                "__init__" | "__new__" => traits.has_constructor = true,
                "__test__" => {
                    traits.test_flag = match &binding.bound {
                        Bound::Value(Some(value)) if binding.certain => {
                            match text_of(*value, text) {
                                "True" => Flag::True,
                                "False" => Flag::False,
                                _ => Flag::Unknown,
                            }
                        }
                        _ => Flag::Unknown,
                    };
                }
                _ => {}
            }
        }
        traits
    }
}
