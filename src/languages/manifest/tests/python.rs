use super::*;

fn read(tests: &str) -> Manifest {
    manifest(LanguageCode::Python, "def add(a, b):\n    return a + b\n", tests)
}

#[test]
fn plain_functions_and_methods_are_required() {
    let manifest = read(
        "import pytest\n\ndef test_one(): pass\nasync def testTwo(): pass\ndef helper(): pass\n\
         class TestA:\n    def test_x(self): pass\n    @staticmethod\n    def test_y(): pass\n    \
         class TestB:\n        def test_z(self): pass\n    def helper(self): pass\n\
         class Helper:\n    def test_no(self): pass\n",
    );
    assert_eq!(
        required(&manifest),
        ["test_one[", "testTwo[", "TestA::test_x[", "TestA::test_y[", "TestA::TestB::test_z["]
    );
    assert_eq!(manifest.expected[0].line, 3);
    assert_eq!(manifest.expected[2].line, 7);
    assert!(optional(&manifest).is_empty());
}

#[test]
fn marks_and_patches_keep_a_test_and_other_decorators_may_not() {
    let manifest = read(
        "import pytest\nfrom unittest import mock\nslow = pytest.mark.slow\n\
         @pytest.mark.parametrize('a', [1, 2])\ndef test_a(a): pass\n\
         @pytest.mark.skip\ndef test_b(): pass\n@mock.patch('os.getcwd')\ndef test_c(m): pass\n\
         @slow\ndef test_d(): pass\n@wrap\ndef test_e(): pass\n\
         @pytest.fixture\ndef test_f(): pass\n@pytest.fixture(params=[1])\ndef test_g(): pass\n",
    );
    assert_eq!(required(&manifest), ["test_a[", "test_b[", "test_c[", "test_d["]);
    assert_eq!(optional(&manifest), ["test_e["]);
}

#[test]
fn the_last_binding_of_a_name_counts() {
    let manifest = read(
        "def test_a(): pass\ndef test_a(): pass\ndef test_b(): pass\ntest_b = None\n\
         def test_c(): pass\ndel test_c\ndef test_d(): pass\nif x:\n    def test_d(): pass\n\
         def test_e(): pass\nfor test_e in []: pass\nfrom m import test_f\n\
         def test_g(): pass\ntest_g.__test__ = False\ndef test_h(): pass\ndef f():\n    global test_h\n",
    );
    assert_eq!(required(&manifest), ["test_a["]);
    assert_eq!(manifest.expected[0].line, 2);
    assert_eq!(optional(&manifest), ["test_d[", "test_g["]);
}

#[test]
fn classes_are_collected_by_the_rules_of_pytest() {
    let manifest = read(
        "import unittest\nfrom unittest import TestCase, IsolatedAsyncioTestCase\n\
         class Sums(unittest.TestCase):\n    def test_a(self): pass\n    class TestNot:\n        def test_no(self): pass\n\
         class More(Sums):\n    def test_b(self): pass\n\
         class Later(IsolatedAsyncioTestCase):\n    async def test_c(self): pass\n\
         class TestInit:\n    def __init__(self): pass\n    def test_no(self): pass\n\
         class TestOff:\n    __test__ = False\n    def test_no(self): pass\n\
         class TestHeir(TestOff):\n    def test_no(self): pass\n\
         class TestBack(TestOff):\n    __test__ = True\n    def test_d(self): pass\n\
         class TestOdd(Unknown):\n    def test_e(self): pass\n\
         class TestMixed(Helper, object):\n    def test_f(self): pass\n\
         class Helper:\n    def test_g(self): pass\n",
    );
    assert_eq!(
        required(&manifest),
        [
            "Sums::test_a[",
            "More::test_b[",
            "Later::test_c[",
            "TestBack::test_d[",
            "TestMixed::test_f["
        ]
    );
    assert_eq!(optional(&manifest), ["TestOdd::test_e["]);
}

#[test]
fn what_is_under_a_condition_is_not_required() {
    let manifest = read(
        "import sys\nif sys.platform == 'linux':\n    def test_a(): pass\ntry:\n    def test_b(): pass\nexcept E: pass\n\
         class TestA:\n    if x:\n        def test_c(self): pass\n    def test_d(self): pass\n    def test_e(self):\n        yield 1\n\
         def make():\n    def test_no(): pass\n",
    );
    assert_eq!(required(&manifest), ["TestA::test_d["]);
    assert_eq!(optional(&manifest), ["test_a[", "test_b[", "TestA::test_c[", "TestA::test_e["]);
}

#[test]
fn a_module_that_may_be_skipped_requires_nothing() {
    for head in [
        "import pytest\npytest.importorskip('numpy')",
        "import pytest\nif x:\n    pytest.skip('no', allow_module_level=True)",
        "__test__ = False",
        "raise unittest.SkipTest('no')",
    ] {
        let manifest = read(&format!("{head}\ndef test_a(): pass\n"));
        assert_eq!(required(&manifest), [""; 0], "{head}");
    }
    let manifest = read("import pytest\npytestmark = pytest.mark.skip('x')\ndef test_a(): pass\n");
    assert_eq!(required(&manifest), ["test_a["]);
}

#[test]
fn the_usual_way_to_run_a_file_as_a_script_disturbs_nothing() {
    let manifest =
        read("def test_a(): pass\nif __name__ == '__main__':\n    pytest.main([__file__])\n");
    assert_eq!(required(&manifest), ["test_a["]);
}

#[test]
fn who_takes_the_names_that_judge_is_told() {
    let honest = "import pytest\nimport unittest.mock\nfrom pytest import raises, approx\n\
                  unittest.TestCase.maxDiff = None\ndef sum(xs): pass\ndef f(pytest): pass\n";
    assert_eq!(shadows(&manifest(LanguageCode::Python, honest, honest)), [""; 0]);
    for (name, text) in [
        ("pytest", "class pytest:\n    pass\n"),
        ("pytest", "import fake as pytest\n"),
        ("AssertionError", "AssertionError = lambda *a: None\n"),
        ("pytest.raises", "import pytest\ndef f():\n    pytest.raises = None\n"),
        ("unittest", "unittest = 1\n"),
        ("pytest", "def f():\n    global pytest\n"),
    ] {
        assert_eq!(shadows(&manifest(LanguageCode::Python, text, "def test_a(): pass")), [name]);
        assert_eq!(shadows(&manifest(LanguageCode::Python, "x = 1", text)), [name], "{text}");
    }
}
