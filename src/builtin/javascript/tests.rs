use super::{Unreadable, plan_additions};

fn instrumented(source: &str) -> String {
    plan_additions(source).expect("the source is sound").instrumented
}

#[test]
fn a_source_without_functions_has_nothing_to_test() {
    assert_eq!(plan_additions("const a = 1;\n").err(), Some(Unreadable::NothingToTest));
}

#[test]
fn a_source_that_does_not_parse_is_refused() {
    assert_eq!(plan_additions("function (").err(), Some(Unreadable::Syntax));
}

#[test]
fn directives_stay_first() {
    let text = instrumented("'use strict';\nfunction f() { 'use strict'; return 1 }\n");
    assert!(text.starts_with("'use strict';"), "{text}");
    assert!(text.contains("{ 'use strict'; ;$t.l("), "{text}");
}

#[test]
fn a_probe_stands_between_an_expression_without_semicolon_and_parentheses() {
    let text = instrumented("function f(a, b) {\n  g()\n  a && b()\n}\n");
    let (before, _) = text.split_once("($t.A(").expect("the conjunction is instrumented");
    assert!(before.trim_end().ends_with("){"), "{text}");
    assert!(before.contains(";if(!("), "{text}");
}

#[test]
fn bodies_without_braces_get_them() {
    let text = instrumented("function f(n) { while (n) n--; if (n) return 1; else return 2 }\n");
    assert!(text.contains("{$t.s();"), "{text}");
    assert!(text.contains(" else {"), "{text}");
}

#[test]
fn sequences_count_as_one_argument() {
    let text = instrumented("function f(i, j) { for (; i--, j; ) { } return i, j }\n");
    assert!(text.contains("(($t.m===") || text.contains(",(("), "{text}");
    assert!(text.contains("$t.r("), "{text}");
}

#[test]
fn the_probe_takes_a_name_that_the_source_does_not_use() {
    let text = instrumented("const $t = 1;\nfunction f() { return $t }\n");
    assert!(text.contains("$tt.l("), "{text}");
}

#[test]
fn exports_decide_what_is_tested() {
    let names = |source: &str| -> Vec<String> {
        plan_additions(source)
            .expect("sound")
            .targets
            .into_iter()
            .map(|target| target.name)
            .collect()
    };
    assert_eq!(names("function a() {}\nfunction b() {}\nmodule.exports = { a };\n"), ["a"]);
    assert_eq!(names("export function a() {}\nfunction b() {}\n"), ["a"]);
    assert_eq!(names("function a() {}\nclass B {}\nconst c = x => x;\n"), ["a", "B", "c"]);
    assert_eq!(names("module.exports.f = function (x) { return x };\n"), ["f"]);
}

#[test]
fn uses_of_a_parameter_tell_its_type() {
    let plan = plan_additions(
        "const f = (list, n, text) => list.map(x => x * n).length + text.split(' ')[0];\n",
    )
    .expect("sound");
    let json = serde_json::to_value(&plan.targets).expect("plain data");
    let votes = |i: usize| json[0]["parameters"][i]["shape"]["votes"].clone();
    assert!(votes(0)["array"].as_u64() > Some(0), "{json}");
    assert!(votes(1)["number"].as_u64() > Some(0), "{json}");
    assert!(votes(2)["string"].as_u64() > Some(0), "{json}");
    let element = &json[0]["parameters"][0]["shape"]["element"]["votes"];
    assert!(element["number"].as_u64() > Some(0), "{json}");
}

#[test]
fn calls_in_comments_are_examples() {
    let plan = plan_additions("/* >>> f([1, 2], 'a)')\n 3 */\nfunction f(a, b) { return a }\n")
        .expect("sound");
    let json = serde_json::to_value(&plan.examples).expect("plain data");
    assert_eq!(json[0]["callee"], "f");
    assert_eq!(json[0]["arguments"], "[1, 2], 'a)'");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let source = format!("function f() {{ return {}1{} }}\n", "(".repeat(3000), ")".repeat(3000));
    assert!(plan_additions(&source).is_ok());
}

/// Plans of the sources in `tests/sources`, for the tests of the explorer, which have no reader.
/// `UPDATE_GOLDEN=1 cargo test golden` writes them.
#[test]
fn the_golden_plans_are_those_the_reader_makes() {
    let root =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/builtin/javascript/tests");
    let mut sources: Vec<_> = std::fs::read_dir(root.join("sources"))
        .expect("the sources are there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    sources.sort();
    let plans: Vec<_> = sources
        .iter()
        .map(|path| {
            let source = std::fs::read_to_string(path).expect("it is text");
            let name = path.file_stem().and_then(|name| name.to_str()).expect("it has a name");
            let additions = plan_additions(&source).expect("it is sound");
            serde_json::json!({ "name": name, "source": source, "additions": additions })
        })
        .collect();
    let made = serde_json::to_string(&plans).expect("plain data");
    let golden = root.join("golden.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, format!("{made}\n")).expect("it can be written");
    }
    let known = std::fs::read_to_string(&golden).expect("it is there");
    assert!(
        known.trim_end() == made,
        "golden.json is out of date: UPDATE_GOLDEN=1 cargo test golden"
    );
}

#[test]
fn the_explorer_fits_a_job() {
    assert!(super::explorer().chars().count() < 95_000, "{}", super::explorer().chars().count());
    assert!(super::explorer().contains("\nasync function explore(text) {\n"));
    assert!(!super::explorer().contains("\n//"));
}
