use super::*;

const SOURCE: &str = "import os\nfrom numpy import array\n\ndef add(a, b):\n    return a + b\n\nclass Box:\n    pass\n\nLIMIT = 3\n";

fn prepared(tests: &str) -> String {
    let prepared = prepare(LanguageCode::Python, SOURCE, tests);
    assert_eq!(prepared.source, SOURCE);
    tests_of(&prepared).join("\n")
}

#[test]
fn imports_of_the_code_under_test_go() {
    for (tests, expected) in [
        ("from solution import add, Box", "pass"),
        ("from .calc import add", "pass"),
        ("from your_module import *", "pass"),
        ("from my.pkg import (\n    add,\n    LIMIT,\n)\nx = 1", "pass\n\n\n\nx = 1"),
        ("import sys; from m import add; y = 1", "import sys; pass             ; y = 1"),
        (
            "def test_a():\n    from m import add\n    assert add(1, 2) == 3",
            "def test_a():\n    pass\n    assert add(1, 2) == 3",
        ),
        ("from m import add as plus, Box", "plus=add"),
        ("from m import add as plus, Box as B", "plus=add;B=Box"),
        (
            "import solution\nsolution.add(1, 2)",
            "solution=__import__(\"sys\").modules[__name__]\nsolution.add(1, 2)",
        ),
        (
            "import solution as s  # it\ns.add(1, 2)",
            "s=__import__(\"sys\").modules[__name__]  # it\ns.add(1, 2)",
        ),
    ] {
        assert_eq!(prepared(tests), expected, "{tests}");
    }
}

#[test]
fn other_imports_stay() {
    for tests in [
        "import pytest\nfrom unittest import mock\nimport os.path",
        "from queue import Queue",
        "from m import add, unknown",
        "from numpy import array",
        "from __future__ import annotations",
        "import solution\nsolution.subtract(1, 2)",
        "import solution, other",
        "import solution; solution.add(1, 2)",
    ] {
        assert_eq!(prepared(tests), tests);
    }
}
