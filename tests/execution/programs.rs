//! The same suite of honest programs in every language: what people run, and what goes wrong.

use serde_json::json;

use super::case::Case;

pub fn cases() -> Vec<Case> {
    let mut cases = python();
    cases.extend(jest("javascript"));
    cases.extend(jest("typescript"));
    cases.extend(java());
    cases
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn python() -> Vec<Case> {
    const SOURCE: &str =
        "def add(a, b):\n    return a + b\n\n\ndef divide(a, b):\n    return a / b\n";
    let case = |name, source, tests| Case::new(name, "python", source, tests);
    vec![
        case(
            "every_test_passes",
            SOURCE,
            r"import pytest


def test_adds():
    assert add(2, 3) == 5


class TestDivide:
    def test_halves(self):
        assert divide(1, 2) == pytest.approx(0.5)

    def test_refuses_zero(self):
        with pytest.raises(ZeroDivisionError):
            divide(1, 0)
",
        )
        .results(&[
            ("test_adds", "passed"),
            ("TestDivide::test_halves", "passed"),
            ("TestDivide::test_refuses_zero", "passed"),
        ])
        .lines(&[
            ("test_adds", 4),
            ("TestDivide::test_halves", 9),
            ("TestDivide::test_refuses_zero", 12),
        ])
        .output(&["collected 3 items", "3 passed in "]),
        case(
            "some_tests_fail",
            SOURCE,
            r"import pytest


def test_adds():
    assert add(2, 3) == 5


def test_adds_wrongly():
    total = add(2, 2)
    assert total == 5


def test_divides_by_zero():
    divide(1, 0)


def test_expects_an_error():
    with pytest.raises(ZeroDivisionError):
        divide(1, 1)
",
        )
        .status("failed")
        .results(&[
            ("test_adds", "passed"),
            ("test_adds_wrongly", "failed"),
            ("test_divides_by_zero", "failed"),
            ("test_expects_an_error", "failed"),
        ])
        .lines(&[
            ("test_adds_wrongly", 10),
            ("test_divides_by_zero", 14),
            ("test_expects_an_error", 18),
        ])
        .messages(&[
            ("test_adds_wrongly", "assert 4 == 5"),
            ("test_divides_by_zero", "ZeroDivisionError: division by zero"),
            ("test_expects_an_error", "DID NOT RAISE"),
        ])
        .output(&[
            "FAILED test_code.py::test_adds_wrongly - assert 4 == 5",
            "FAILED test_code.py::test_divides_by_zero - ZeroDivisionError: division by zero",
            "E       assert 4 == 5",
            "3 failed, 1 passed in ",
        ])
        .error(&["3 ", "4 "]),
        case(
            "the_source_does_not_compile",
            "def add(a, b):\n    return a + b\n\ndef broken(:\n    pass\n",
            "def test_adds():\n    assert add(1, 2) == 3\n",
        )
        .status("error")
        .error(&["line 4", "SyntaxError"])
        .output(&["SyntaxError"]),
        case(
            "the_tests_do_not_compile",
            SOURCE,
            "def test_adds():\n    assert add(1, 2) == 3\n\ndef test_broken():\n    assert add(1 2)\n",
        )
        .status("error")
        .error(&["line 5", "SyntaxError"]),
        case(
            "an_import_is_missing",
            "import numpy_of_another_planet\n\n\ndef one():\n    return 1\n",
            "def test_one():\n    assert one() == 1\n",
        )
        .status("error")
        .error(&["line 1", "ModuleNotFoundError", "numpy_of_another_planet"]),
        case(
            "the_source_raises_while_imported",
            "LIMIT = 10\n\nraise RuntimeError('not configured')\n",
            "def test_one():\n    assert LIMIT == 10\n",
        )
        .status("error")
        .error(&["line 3", "RuntimeError: not configured"]),
        case(
            "the_tests_raise_while_imported",
            SOURCE,
            "EXPECTED = add(1, 2)\n\nassert EXPECTED == 4\n\n\ndef test_one():\n    pass\n",
        )
        .status("error")
        .error(&["line 3", "AssertionError"]),
        case(
            "collection_fails",
            SOURCE,
            r#"import pytest


@pytest.mark.parametrize("a, b", [(1, 2), (3,)])
def test_adds(a, b):
    assert add(a, b) == add(b, a)
"#,
        )
        .status("error")
        .output(&["ERROR collecting test_code.py", "parametrize"]),
        case("there_are_no_tests", SOURCE, "import pytest\n\nEXPECTED = 3\n").status("error"),
        case(
            "some_tests_are_skipped",
            SOURCE,
            r#"import pytest


@pytest.mark.skip(reason="not today")
def test_left_out():
    assert False


@pytest.mark.xfail(reason="known to be wrong")
def test_known_to_fail():
    assert add(1, 1) == 3


def test_leaves_itself_out():
    pytest.skip("nothing to do")


def test_adds():
    assert add(1, 2) == 3
"#,
        )
        .results(&[
            ("test_left_out", "skipped"),
            ("test_known_to_fail", "skipped"),
            ("test_leaves_itself_out", "skipped"),
            ("test_adds", "passed"),
        ])
        .messages(&[
            ("test_left_out", "not today"),
            ("test_known_to_fail", "xfail"),
            ("test_leaves_itself_out", "nothing to do"),
        ])
        .output(&["1 passed, 3 skipped in "]),
        case(
            "every_test_is_skipped",
            SOURCE,
            "import pytest\n\n\n@pytest.mark.skip\ndef test_left_out():\n    assert False\n",
        )
        .status("incomplete")
        .results(&[("test_left_out", "skipped")]),
        case(
            "parametrised",
            SOURCE,
            r#"import pytest


@pytest.mark.parametrize("a,b,total", [(1, 2, 3), (2, 2, 5), (0, 0, 0)])
def test_adds(a, b, total):
    assert add(a, b) == total
"#,
        )
        .status("failed")
        .results(&[
            ("test_adds[1-2-3]", "passed"),
            ("test_adds[2-2-5]", "failed"),
            ("test_adds[0-0-0]", "passed"),
        ])
        .lines(&[("test_adds[2-2-5]", 6), ("test_adds[0-0-0]", 5)]),
        case(
            "asynchronous",
            "import asyncio\n\n\nasync def later(value):\n    await asyncio.sleep(0.01)\n    return value\n",
            r"import asyncio

import pytest


@pytest.mark.asyncio
async def test_waits():
    assert await later(3) == 3


@pytest.mark.asyncio
async def test_waits_for_many():
    assert await asyncio.gather(later(1), later(2)) == [1, 2]


@pytest.mark.asyncio
async def test_waits_for_the_wrong_thing():
    assert await later(3) == 4
",
        )
        .status("failed")
        .results(&[
            ("test_waits", "passed"),
            ("test_waits_for_many", "passed"),
            ("test_waits_for_the_wrong_thing", "failed"),
        ])
        .lines(&[("test_waits_for_the_wrong_thing", 18)]),
        case(
            "slow",
            "import time\n\n\ndef slowly(value):\n    time.sleep(0.3)\n    return value\n",
            "def test_waits():\n    assert slowly(7) == 7\n",
        )
        .results(&[("test_waits", "passed")])
        .also(|verdict| {
            let took = verdict["tests"][0]["duration_ms"].as_f64().unwrap_or_default();
            if took >= 300.0 { Ok(()) } else { Err(format!("the test took {took} ms")) }
        }),
        case(
            "sleeping_forever",
            "import time\n\n\ndef forever():\n    time.sleep(100000)\n",
            r#"def test_first():
    print("said in time")


def test_sleeps():
    print("good night", flush=True)
    forever()


def test_never_begins():
    pass
"#,
        )
        .limits(json!({"wall_ms": 2_000}))
        .status("timeout")
        .results(&[
            ("test_first", "passed"),
            ("test_sleeps", "unfinished"),
            ("test_never_begins", "unfinished"),
        ])
        .printed(&[("test_first", "said in time"), ("test_sleeps", "good night")])
        .reached(&[("wall", 2_000)]),
        case(
            "printing",
            "import sys\n\nprint('while imported')\n\n\ndef speak(text):\n    print(text)\n    print('aside', file=sys.stderr)\n",
            r#"def test_speaks():
    speak("one")


def test_is_silent():
    pass


def test_speaks_and_fails():
    speak("two: ünïcödé 한국어 🎉")
    assert False
"#,
        )
        .status("failed")
        .results(&[
            ("test_speaks", "passed"),
            ("test_is_silent", "passed"),
            ("test_speaks_and_fails", "failed"),
        ])
        .printed(&[
            ("test_speaks", "one\n"),
            ("test_speaks", "aside\n"),
            ("test_speaks_and_fails", "two: ünïcödé 한국어 🎉\n"),
        ])
        .output(&["while imported", "two: ünïcödé 한국어 🎉"])
        .silent(&["test_is_silent"]),
        case(
            "set_up_fails",
            SOURCE,
            r#"import pytest


@pytest.fixture
def database():
    raise ConnectionError("no database")


@pytest.fixture
def leaky():
    yield 1
    raise OSError("cannot close")


def test_needs_a_database(database):
    pass


def test_is_torn_down(leaky):
    assert leaky == 1


def test_needs_what_is_not_there(nowhere_defined):
    pass


def test_needs_nothing():
    pass
"#,
        )
        .status("failed")
        .results(&[
            ("test_needs_a_database", "error"),
            ("test_is_torn_down", "error"),
            ("test_needs_what_is_not_there", "error"),
            ("test_needs_nothing", "passed"),
        ])
        .messages(&[
            ("test_needs_a_database", "no database"),
            ("test_is_torn_down", "cannot close"),
            ("test_needs_what_is_not_there", "nowhere_defined"),
        ])
        .lines(&[("test_needs_a_database", 6), ("test_is_torn_down", 12)])
        .output(&["ERROR test_code.py::test_needs_a_database - ConnectionError: no database"]),
    ]
}

/// JavaScript and TypeScript: what Jest is asked is the same, the code under test has types.
#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn jest(language: &'static str) -> Vec<Case> {
    let typed = language == "typescript";
    let arithmetic = if typed {
        "function add(a: number, b: number): number {\n  return a + b;\n}\n\nfunction divide(a: number, b: number): number {\n  if (b === 0) throw new RangeError('division by zero');\n  return a / b;\n}\n"
    } else {
        "function add(a, b) {\n  return a + b;\n}\n\nfunction divide(a, b) {\n  if (b === 0) throw new RangeError('division by zero');\n  return a / b;\n}\n"
    };
    let broken = if typed {
        "function add(a: number, b: number) {\n  return a + b;\n}\nconst broken: number = = 1;\n"
    } else {
        "function add(a, b) {\n  return a + b;\n}\nconst broken = = 1;\n"
    };
    let case = |name, source, tests| Case::new(name, language, source, tests);
    vec![
        case(
            "every_test_passes",
            arithmetic,
            r"test('adds', () => {
  expect(add(2, 3)).toBe(5);
});

describe('divide', () => {
  it('halves', () => {
    expect(divide(1, 2)).toBeCloseTo(0.5);
  });

  it('refuses zero', () => {
    expect(() => divide(1, 0)).toThrow(RangeError);
  });
});
",
        )
        .results(&[
            ("adds", "passed"),
            ("divide > halves", "passed"),
            ("divide > refuses zero", "passed"),
        ])
        .lines(&[("adds", 1), ("divide > halves", 6), ("divide > refuses zero", 10)])
        .output(&["PASS ./test_code.", "✓ adds", "    ✓ halves", "3 passed, 3 total"]),
        case(
            "some_tests_fail",
            arithmetic,
            r"test('adds', () => {
  expect(add(2, 3)).toBe(5);
});

describe('wrong', () => {
  test('sum', () => {
    const total = add(2, 2);
    expect(total).toBe(5);
  });

  test('quotient', () => {
    divide(1, 0);
  });
});
",
        )
        .status("failed")
        .results(&[
            ("adds", "passed"),
            ("wrong > sum", "failed"),
            ("wrong > quotient", "failed"),
        ])
        .lines(&[("wrong > sum", 8), ("wrong > quotient", 12)])
        .messages(&[
            ("wrong > sum", "expect(received).toBe(expected)"),
            ("wrong > sum", "Expected: 5"),
            ("wrong > sum", "Received: 4"),
            ("wrong > quotient", "RangeError: division by zero"),
        ])
        .output(&[
            "FAIL ./test_code.",
            "● wrong › sum",
            "Expected: 5",
            "Received: 4",
            "● wrong › quotient",
            "division by zero",
            "2 failed, 1 passed, 3 total",
        ])
        .error(&["2 ", "3 "]),
        case(
            "the_source_does_not_compile",
            broken,
            "test('adds', () => {\n  expect(add(1, 2)).toBe(3);\n});\n",
        )
        .status("error")
        .error(&["line 4", "SyntaxError"])
        .output(&["● Test suite failed to run"]),
        case(
            "the_tests_do_not_compile",
            arithmetic,
            "test('adds', () => {\n  expect(add(1, 2)).toBe(3);\n});\n\ntest('broken', () => {\n  expect(add(1 2)).toBe(3);\n});\n",
        )
        .status("error")
        .error(&["line 6", "SyntaxError"]),
        case(
            "an_import_is_missing",
            "const lodash = require('lodash');\n\nfunction one() {\n  return 1;\n}\n",
            "test('one', () => {\n  expect(one()).toBe(1);\n});\n",
        )
        .status("error")
        .error(&["line 1", "Cannot find module 'lodash'"]),
        case(
            "the_source_raises_while_imported",
            "const limit = 10;\n\nthrow new Error('not configured');\n",
            "test('one', () => {\n  expect(limit).toBe(10);\n});\n",
        )
        .status("error")
        .error(&["line 3", "not configured"]),
        case(
            "the_tests_raise_while_imported",
            arithmetic,
            "const expected = add(1, 2);\n\nnull_of_nothing.call(expected);\n\ntest('one', () => {});\n",
        )
        .status("error")
        .error(&["line 3", "null_of_nothing is not defined"]),
        case(
            "collection_fails",
            arithmetic,
            "describe('sums', () => {\n  test('adds', () => {});\n  throw new Error('no more');\n});\n",
        )
        .status("error")
        .error(&["line 3", "no more"]),
        case("there_are_no_tests", arithmetic, "const expected = add(1, 2);\n").status("error"),
        case(
            "some_tests_are_skipped",
            arithmetic,
            r"test.skip('left out', () => {
  expect(1).toBe(2);
});

test.todo('to be written');

describe.skip('a group', () => {
  test('left out too', () => {
    expect(1).toBe(2);
  });
});

test('adds', () => {
  expect(add(1, 2)).toBe(3);
});
",
        )
        .results(&[
            ("left out", "skipped"),
            ("to be written", "skipped"),
            ("a group > left out too", "skipped"),
            ("adds", "passed"),
        ])
        .output(&["○ skipped left out", "3 skipped, 1 passed, 4 total"]),
        case(
            "every_test_is_skipped",
            arithmetic,
            "test.skip('left out', () => {\n  expect(1).toBe(2);\n});\n",
        )
        .status("incomplete")
        .results(&[("left out", "skipped")]),
        case(
            "parametrised",
            arithmetic,
            r"test.each([
  [1, 2, 3],
  [2, 2, 5],
])('%i + %i = %i', (a, b, total) => {
  expect(add(a, b)).toBe(total);
});

describe.each([{ n: 1 }, { n: 2 }])('with $n', ({ n }) => {
  test('adds nothing', () => {
    expect(add(n, 0)).toBe(n);
  });
});
",
        )
        .status("failed")
        .results(&[
            ("1 + 2 = 3", "passed"),
            ("2 + 2 = 5", "failed"),
            ("with 1 > adds nothing", "passed"),
            ("with 2 > adds nothing", "passed"),
        ])
        .lines(&[("2 + 2 = 5", 5)]),
        case(
            "asynchronous",
            if typed {
                "const later = <T,>(value: T): Promise<T> => new Promise(resolve => setTimeout(() => resolve(value), 10));\n"
            } else {
                "const later = value => new Promise(resolve => setTimeout(() => resolve(value), 10));\n"
            },
            r"test('waits', async () => {
  expect(await later(3)).toBe(3);
});

test('resolves', () => expect(later(3)).resolves.toBe(3));

test('calls back', done => {
  later(3).then(value => {
    expect(value).toBe(3);
    done();
  });
});

test('waits for the wrong thing', async () => {
  expect(await later(3)).toBe(4);
});

test('is rejected', async () => {
  await Promise.reject(new Error('never mind'));
});
",
        )
        .status("failed")
        .results(&[
            ("waits", "passed"),
            ("resolves", "passed"),
            ("calls back", "passed"),
            ("waits for the wrong thing", "failed"),
            ("is rejected", "failed"),
        ])
        .lines(&[("waits for the wrong thing", 15), ("is rejected", 19)])
        .messages(&[("is rejected", "never mind")]),
        case(
            "slow",
            "const pause = () => new Promise(resolve => setTimeout(resolve, 300));\n",
            "test('waits', async () => {\n  await pause();\n});\n",
        )
        .results(&[("waits", "passed")])
        .also(|verdict| {
            let took = verdict["tests"][0]["duration_ms"].as_f64().unwrap_or_default();
            if took >= 290.0 { Ok(()) } else { Err(format!("the test took {took} ms")) }
        }),
        case(
            "sleeping_forever",
            "const forever = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n",
            r"test('first', () => {
  console.log('said in time');
});

test('sleeps', () => {
  console.log('good night');
  forever();
});

test('never begins', () => {});
",
        )
        .limits(json!({"wall_ms": 2_000}))
        .status("timeout")
        .results(&[
            ("first", "passed"),
            ("sleeps", "unfinished"),
            ("never begins", "unfinished"),
        ])
        .printed(&[("first", "said in time"), ("sleeps", "good night")])
        .reached(&[("wall", 2_000)]),
        case(
            "never_resolving",
            arithmetic,
            "test('waits for nothing', async () => {\n  await new Promise(() => {});\n}, 200);\n",
        )
        .status("failed")
        .results(&[("waits for nothing", "failed")])
        .messages(&[("waits for nothing", "Exceeded timeout of 200 ms for a test")]),
        case(
            "printing",
            if typed {
                "console.log('while imported');\nfunction speak(text: string): void {\n  console.log(text);\n  console.error('aside');\n}\n"
            } else {
                "console.log('while imported');\nfunction speak(text) {\n  console.log(text);\n  console.error('aside');\n}\n"
            },
            r"test('speaks', () => {
  speak('one');
  process.stdout.write('two\n');
});

test('is silent', () => {});

test('speaks and fails', () => {
  speak('three: ünïcödé 한국어 🎉');
  expect(1).toBe(2);
});
",
        )
        .status("failed")
        .results(&[
            ("speaks", "passed"),
            ("is silent", "passed"),
            ("speaks and fails", "failed"),
        ])
        .printed(&[
            ("speaks", "one\n"),
            ("speaks", "two\n"),
            ("speaks", "aside\n"),
            ("speaks and fails", "three: ünïcödé 한국어 🎉\n"),
        ])
        .output(&["while imported", "three: ünïcödé 한국어 🎉"])
        .silent(&["is silent"]),
        case(
            "set_up_fails",
            arithmetic,
            r"describe('with a database', () => {
  beforeEach(() => {
    throw new Error('no database');
  });
  test('needs it', () => {});
});

describe('with a leak', () => {
  afterEach(() => {
    throw new Error('cannot close');
  });
  test('is torn down', () => {});
});

describe('with nothing', () => {
  beforeAll(() => {
    throw new Error('no ground');
  });
  test('has no ground', () => {});
});

test('needs nothing', () => {});
",
        )
        .status("failed")
        .results(&[
            ("with a database > needs it", "error"),
            ("with a leak > is torn down", "error"),
            ("with nothing > has no ground", "error"),
            ("needs nothing", "passed"),
        ])
        .messages(&[
            ("with a database > needs it", "no database"),
            ("with a leak > is torn down", "cannot close"),
            ("with nothing > has no ground", "no ground"),
        ])
        .lines(&[("with a database > needs it", 3), ("with a leak > is torn down", 10)]),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn java() -> Vec<Case> {
    const SOURCE: &str = "class Calc {\n  static int add(int a, int b) {\n    return a + b;\n  }\n\n  static int divide(int a, int b) {\n    return a / b;\n  }\n}\n";
    const IMPORTS: &str =
        "import static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\n\n";
    // The class begins in line 4.
    let case =
        |name, source, tests: &str| Case::new(name, "java", source, &format!("{IMPORTS}{tests}"));
    vec![
        case(
            "every_test_passes",
            SOURCE,
            r"class CalcTest {
  @Test
  void adds() {
    assertEquals(5, Calc.add(2, 3));
  }

  @Test
  void refusesZero() {
    assertThrows(ArithmeticException.class, () -> Calc.divide(1, 0));
  }
}
",
        )
        .results(&[("CalcTest#adds", "passed"), ("CalcTest#refusesZero", "passed")])
        .lines(&[("CalcTest#adds", 6), ("CalcTest#refusesZero", 11)])
        .output(&["CalcTest", "2 tests found", "2 tests successful"]),
        // The verifier asks for types that are compiled with it before they are defined.
        case(
            "types_that_need_each_other",
            "interface Shape { double area(); }\nclass Shapes {\n  static Base unit() {\n    return new Square(1);\n  }\n}\nabstract class Base implements Shape {}\nclass Square extends Base {\n  final double side;\n  Square(double side) {\n    this.side = side;\n  }\n  public double area() {\n    return side * side;\n  }\n}\n",
            r"class ShapesTest {
  @Test
  void measures() {
    assertEquals(1, Shapes.unit().area());
  }
}
",
        )
        .results(&[("ShapesTest#measures", "passed")]),
        case(
            "some_tests_fail",
            SOURCE,
            r"class CalcTest {
  @Test
  void adds() {
    assertEquals(5, Calc.add(2, 3));
  }

  @Test
  void addsWrongly() {
    int total = Calc.add(2, 2);
    assertEquals(5, total);
  }

  @Test
  void dividesByZero() {
    Calc.divide(1, 0);
  }

  @Test
  void expectsAnError() {
    assertThrows(ArithmeticException.class, () -> Calc.divide(1, 1));
  }
}
",
        )
        .status("failed")
        .results(&[
            ("CalcTest#adds", "passed"),
            ("CalcTest#addsWrongly", "failed"),
            ("CalcTest#dividesByZero", "failed"),
            ("CalcTest#expectsAnError", "failed"),
        ])
        .lines(&[
            ("CalcTest#addsWrongly", 13),
            ("CalcTest#dividesByZero", 18),
            ("CalcTest#expectsAnError", 23),
        ])
        .messages(&[
            ("CalcTest#addsWrongly", "expected: <5> but was: <4>"),
            ("CalcTest#dividesByZero", "ArithmeticException: / by zero"),
            ("CalcTest#expectsAnError", "Expected java.lang.ArithmeticException to be thrown"),
        ])
        .output(&[
            "Failures (3):",
            "CalcTest:addsWrongly",
            "expected: <5> but was: <4>",
            "3 tests failed",
        ])
        .error(&["3 ", "4 "]),
        case(
            "the_source_does_not_compile",
            "class Calc {\n  static int add(int a, int b) {\n    return a + b\n  }\n}\n",
            "class CalcTest {\n  @Test void adds() { assertEquals(3, Calc.add(1, 2)); }\n}\n",
        )
        .status("error")
        .error(&["line 3", "';' expected"]),
        case(
            "the_tests_do_not_compile",
            SOURCE,
            "class CalcTest {\n  @Test void adds() {\n    String sum = Calc.add(1, 2);\n  }\n}\n",
        )
        .status("error")
        .error(&["line 6", "incompatible types"]),
        case(
            "an_import_is_missing",
            "import com.google.common.collect.ImmutableList;\n\nclass Calc {}\n",
            "class CalcTest {\n  @Test void passes() {}\n}\n",
        )
        .status("error")
        .error(&["line 1", "com.google.common.collect"]),
        case(
            "the_source_raises_while_loaded",
            "class Calc {\n  static final int LIMIT = limit();\n  static int limit() {\n    throw new IllegalStateException(\"not configured\");\n  }\n}\n",
            "class CalcTest {\n  @Test void reads() {\n    assertEquals(10, Calc.LIMIT);\n  }\n}\n",
        )
        .status("failed")
        .results(&[("CalcTest#reads", "failed")])
        .lines(&[("CalcTest#reads", 6)])
        .messages(&[("CalcTest#reads", "ExceptionInInitializerError")])
        .output(&["not configured"]),
        case(
            "the_tests_raise_while_loaded",
            SOURCE,
            "class CalcTest {\n  static final int EXPECTED = Calc.divide(1, 0);\n\n  @Test void reads() {}\n}\n",
        )
        .status_in(&["failed", "error"])
        .output(&["/ by zero"]),
        case(
            "collection_fails",
            SOURCE,
            "class CalcTest {\n  @org.junit.jupiter.params.ParameterizedTest\n  void hasNoArguments(int a) {}\n\n  @Test void adds() {}\n}\n",
        )
        .status_in(&["failed", "error"])
        .output(&["hasNoArguments"]),
        case("there_are_no_tests", SOURCE, "class CalcTest {\n  void looksLikeOne() {}\n}\n").status("error"),
        case(
            "some_tests_are_skipped",
            SOURCE,
            r#"class CalcTest {
  @Test
  @Disabled("not today")
  void leftOut() {
    fail();
  }

  @Test
  void assumesTooMuch() {
    Assumptions.assumeTrue(Calc.add(1, 1) == 3, "one and one is two");
    fail();
  }

  @Test
  void adds() {
    assertEquals(3, Calc.add(1, 2));
  }
}
"#,
        )
        .results(&[
            ("CalcTest#leftOut", "skipped"),
            ("CalcTest#assumesTooMuch", "skipped"),
            ("CalcTest#adds", "passed"),
        ])
        .messages(&[
            ("CalcTest#leftOut", "not today"),
            ("CalcTest#assumesTooMuch", "one and one is two"),
        ])
        .output(&["2 tests skipped"]),
        case(
            "every_test_is_skipped",
            SOURCE,
            "@Disabled\nclass CalcTest {\n  @Test void adds() { fail(); }\n}\n",
        )
        .status("incomplete")
        .results(&[("CalcTest#adds", "skipped")]),
        case(
            "parametrised",
            SOURCE,
            r#"class CalcTest {
  @org.junit.jupiter.params.ParameterizedTest
  @org.junit.jupiter.params.provider.CsvSource({"1, 2, 3", "2, 2, 5", "0, 0, 0"})
  void adds(int a, int b, int total) {
    assertEquals(total, Calc.add(a, b));
  }
}
"#,
        )
        .status("failed")
        .results(&[
            ("CalcTest#adds[1]", "passed"),
            ("CalcTest#adds[2]", "failed"),
            ("CalcTest#adds[3]", "passed"),
        ])
        .lines(&[("CalcTest#adds[1]", 7), ("CalcTest#adds[2]", 8)]),
        case(
            "asynchronous",
            "import java.util.concurrent.*;\n\nclass Later {\n  static CompletableFuture<Integer> of(int value) {\n    return CompletableFuture.supplyAsync(() -> value);\n  }\n}\n",
            r"class LaterTest {
  @Test
  void waits() throws Exception {
    assertEquals(3, Later.of(3).get());
  }

  @Test
  void waitsInTime() {
    assertTimeout(java.time.Duration.ofSeconds(5), () -> assertEquals(3, Later.of(3).join()));
  }

  @Test
  @Timeout(value = 200, unit = java.util.concurrent.TimeUnit.MILLISECONDS)
  void takesTooLong() throws Exception {
    Thread.sleep(60_000);
  }
}
",
        )
        .status("failed")
        .results(&[
            ("LaterTest#waits", "passed"),
            ("LaterTest#waitsInTime", "passed"),
            ("LaterTest#takesTooLong", "failed"),
        ])
        .messages(&[("LaterTest#takesTooLong", "timed out after 200 milliseconds")]),
        case(
            "slow",
            "class Slow {\n  static int of(int value) throws Exception {\n    Thread.sleep(300);\n    return value;\n  }\n}\n",
            "class SlowTest {\n  @Test void waits() throws Exception {\n    assertEquals(7, Slow.of(7));\n  }\n}\n",
        )
        .results(&[("SlowTest#waits", "passed")])
        .also(|verdict| {
            let took = verdict["tests"][0]["duration_ms"].as_f64().unwrap_or_default();
            if took >= 300.0 { Ok(()) } else { Err(format!("the test took {took} ms")) }
        }),
        case(
            "sleeping_forever",
            "class Sleep {\n  static void forever() throws Exception {\n    Thread.sleep(100_000_000);\n  }\n}\n",
            r#"@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SleepTest {
  @Test
  @Order(1)
  void first() {
    System.out.println("said in time");
  }

  @Test
  @Order(2)
  void sleeps() throws Exception {
    System.out.println("good night");
    Sleep.forever();
  }

  @Test
  @Order(3)
  void neverBegins() {}
}
"#,
        )
        .limits(json!({"wall_ms": 5_000}))
        .status("timeout")
        .results(&[
            ("SleepTest#first", "passed"),
            ("SleepTest#sleeps", "unfinished"),
            ("SleepTest#neverBegins", "unfinished"),
        ])
        .printed(&[("SleepTest#first", "said in time"), ("SleepTest#sleeps", "good night")])
        .reached(&[("wall", 5_000)]),
        case(
            "printing",
            "class Voice {\n  static void speak(String text) {\n    System.out.println(text);\n    System.err.println(\"aside\");\n  }\n}\n",
            r#"class VoiceTest {
  @Test
  void speaks() {
    Voice.speak("one");
    System.out.print("two");
  }

  @Test
  void isSilent() {}

  @Test
  void speaksAndFails() {
    Voice.speak("three: ünïcödé 한국어 🎉");
    fail("enough said");
  }
}
"#,
        )
        .status("failed")
        .results(&[
            ("VoiceTest#speaks", "passed"),
            ("VoiceTest#isSilent", "passed"),
            ("VoiceTest#speaksAndFails", "failed"),
        ])
        .printed(&[
            ("VoiceTest#speaks", "one\n"),
            ("VoiceTest#speaks", "two"),
            ("VoiceTest#speaks", "aside\n"),
            ("VoiceTest#speaksAndFails", "three: ünïcödé 한국어 🎉\n"),
        ])
        .messages(&[("VoiceTest#speaksAndFails", "enough said")])
        .output(&["three: ünïcödé 한국어 🎉"])
        .silent(&["VoiceTest#isSilent"]),
        case(
            "set_up_fails",
            SOURCE,
            r#"class DatabaseTest {
  @BeforeEach
  void connect() {
    throw new IllegalStateException("no database");
  }

  @Test
  void needsIt() {}
}

class LeakTest {
  @AfterEach
  void close() {
    throw new IllegalStateException("cannot close");
  }

  @Test
  void isTornDown() {}
}

class PlainTest {
  @Test
  void needsNothing() {}
}
"#,
        )
        .status("failed")
        .results(&[
            ("DatabaseTest#needsIt", "error"),
            ("LeakTest#isTornDown", "error"),
            ("PlainTest#needsNothing", "passed"),
        ])
        .messages(&[
            ("DatabaseTest#needsIt", "no database"),
            ("LeakTest#isTornDown", "cannot close"),
        ])
        .lines(&[("DatabaseTest#needsIt", 7), ("LeakTest#isTornDown", 17)]),
        // Whether the class itself is reported beside its tests is the framework's affair.
        case(
            "set_up_of_a_class_fails",
            SOURCE,
            "class GroundTest {\n  @BeforeAll\n  static void prepare() {\n    throw new IllegalStateException(\"no ground\");\n  }\n\n  @Test\n  void hasNoGround() {}\n}\n",
        )
        .status("failed")
        .messages(&[("GroundTest#hasNoGround", "no ground")])
        .output(&["no ground"]),
    ]
}
