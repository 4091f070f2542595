//! What people use of each language and its test framework.

use super::case::Case;

pub fn cases() -> Vec<Case> {
    let mut cases = python();
    cases.extend(jest("javascript"));
    cases.extend(jest("typescript"));
    cases.extend(javascript());
    cases.extend(typescript());
    cases.extend(java());
    cases
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn python() -> Vec<Case> {
    let case = |name, source, tests| Case::new(name, "python", source, tests);
    vec![
        case(
            "parametrize_makes_ids_as_pytest_does",
            "def double(x):\n    return x * 2\n",
            r#"import pytest


@pytest.mark.parametrize("x", [1, -2, 0.5, "a", None, True])
def test_of_values(x):
    assert x is None or double(x) == x + x


@pytest.mark.parametrize("x,y", [(1, 2), (2, 4)], ids=["one", "two"])
def test_with_ids(x, y):
    assert double(x) == y


@pytest.mark.parametrize("x", [pytest.param(3, id="three"), pytest.param(4, marks=pytest.mark.skip(reason="no"))])
def test_with_params(x):
    assert double(x) == 6


@pytest.mark.parametrize("a", [1, 2])
@pytest.mark.parametrize("b", ["x", "y"])
def test_of_a_product(a, b):
    assert double(a) and double(b)
"#,
        )
        .results(&[
            ("test_of_values[1]", "passed"),
            ("test_of_values[-2]", "passed"),
            ("test_of_values[0.5]", "passed"),
            ("test_of_values[a]", "passed"),
            ("test_of_values[None]", "passed"),
            ("test_of_values[True]", "passed"),
            ("test_with_ids[one]", "passed"),
            ("test_with_ids[two]", "passed"),
            ("test_with_params[three]", "passed"),
            ("test_with_params[4]", "skipped"),
            ("test_of_a_product[x-1]", "passed"),
            ("test_of_a_product[x-2]", "passed"),
            ("test_of_a_product[y-1]", "passed"),
            ("test_of_a_product[y-2]", "passed"),
        ])
        .lines(&[("test_with_ids[one]", 10), ("test_with_params[three]", 15)]),
        case(
            "fixtures_have_scopes_and_ends",
            "EVENTS = []\n",
            r#"import pytest


@pytest.fixture(scope="module")
def connection():
    EVENTS.append("open")
    yield "connection"
    EVENTS.append("close")


@pytest.fixture
def cursor(connection):
    EVENTS.append("cursor")
    yield connection + ".cursor"
    EVENTS.append("cursor closed")


@pytest.fixture(autouse=True)
def counted():
    EVENTS.append("test")


@pytest.fixture(params=["red", "green"])
def colour(request):
    return request.param


@pytest.fixture
def make():
    def _make(n):
        return list(range(n))

    return _make


def test_once(cursor):
    assert cursor == "connection.cursor"
    assert EVENTS == ["open", "test", "cursor"]


def test_again(cursor):
    assert EVENTS == ["open", "test", "cursor", "cursor closed", "test", "cursor"]


def test_colours(colour):
    assert colour in ("red", "green")


def test_factory(make):
    assert make(3) == [0, 1, 2]


@pytest.mark.usefixtures("cursor")
class TestGroup:
    def test_uses(self):
        assert EVENTS[-1] == "cursor"
"#,
        )
        .results(&[
            ("test_once", "passed"),
            ("test_again", "passed"),
            ("test_colours[red]", "passed"),
            ("test_colours[green]", "passed"),
            ("test_factory", "passed"),
            ("TestGroup::test_uses", "passed"),
        ]),
        case(
            "built_in_fixtures_work",
            "import os\nimport sys\n\n\ndef home():\n    return os.environ['HOME']\n\n\ndef greet():\n    print('hello')\n    print('oops', file=sys.stderr)\n",
            r#"import logging
import warnings

import pytest


def test_monkeypatch(monkeypatch):
    monkeypatch.setenv("HOME", "/nowhere")
    assert home() == "/nowhere"
    monkeypatch.setattr("os.getcwd", lambda: "/elsewhere")
    assert os.getcwd() == "/elsewhere"


def test_monkeypatch_is_undone():
    assert home() == "/work"
    assert os.getcwd() == "/work"


def test_capsys(capsys):
    greet()
    captured = capsys.readouterr()
    assert captured.out == "hello\n"
    assert captured.err == "oops\n"


def test_capfd(capfd):
    os.write(1, b"raw\n")
    assert capfd.readouterr().out == "raw\n"


def test_tmp_path(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("x")
    assert file.read_text() == "x"


def test_tmp_path_factory(tmp_path_factory):
    assert tmp_path_factory.mktemp("data").is_dir()


def test_caplog(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("app").info("started")
    assert "started" in caplog.text


def test_recwarn():
    with pytest.warns(UserWarning, match="careful"):
        warnings.warn("careful now", UserWarning)


def test_request(request):
    assert request.node.name == "test_request"
"#,
        )
        .results(&[
            ("test_monkeypatch", "passed"),
            ("test_monkeypatch_is_undone", "passed"),
            ("test_capsys", "passed"),
            ("test_capfd", "passed"),
            ("test_tmp_path", "passed"),
            ("test_tmp_path_factory", "passed"),
            ("test_caplog", "passed"),
            ("test_recwarn", "passed"),
            ("test_request", "passed"),
        ]),
        case(
            "raises_approx_and_marks_work",
            "class Broke(ValueError):\n    def __init__(self, code):\n        super().__init__(f'broke with {code}')\n        self.code = code\n\n\ndef break_it(code):\n    raise Broke(code)\n",
            r#"import pytest

pytestmark = pytest.mark.filterwarnings("ignore")


def test_raises_with_match():
    with pytest.raises(ValueError, match=r"broke with \d+") as info:
        break_it(7)
    assert info.value.code == 7
    assert info.type is Broke


def test_approx():
    assert 0.1 + 0.2 == pytest.approx(0.3)
    assert [0.1 + 0.2, 1] == pytest.approx([0.3, 1.0])
    assert {"a": 1.0001} == pytest.approx({"a": 1}, rel=1e-3)


@pytest.mark.skipif(True, reason="never here")
def test_skipif():
    assert False


@pytest.mark.xfail(raises=Broke, strict=True)
def test_xfail():
    break_it(1)


@pytest.mark.xfail(strict=True)
def test_passes_against_expectation():
    pass


@pytest.mark.slow
def test_unknown_mark():
    pass


def test_fails_by_itself():
    pytest.fail("by hand")
"#,
        )
        .status("failed")
        .results(&[
            ("test_raises_with_match", "passed"),
            ("test_approx", "passed"),
            ("test_skipif", "skipped"),
            ("test_xfail", "skipped"),
            ("test_passes_against_expectation", "failed"),
            ("test_unknown_mark", "passed"),
            ("test_fails_by_itself", "failed"),
        ])
        .messages(&[("test_fails_by_itself", "by hand"), ("test_skipif", "never here")]),
        case(
            "unittest_works",
            "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, x):\n        self.items.append(x)\n\n    def pop(self):\n        return self.items.pop()\n",
            r#"import unittest
from unittest.mock import MagicMock, call, patch


class TestStack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = "ground"

    def setUp(self):
        self.stack = Stack()

    def tearDown(self):
        del self.stack

    def test_pops_what_was_pushed(self):
        self.stack.push(1)
        self.assertEqual(self.stack.pop(), 1)
        self.assertEqual(self.shared, "ground")

    def test_empty(self):
        with self.assertRaises(IndexError):
            self.stack.pop()

    def test_wrong(self):
        self.assertEqual(1, 2)

    @unittest.skip("later")
    def test_later(self):
        self.fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.assertTrue(False)

    def test_mocks(self):
        listener = MagicMock(return_value=3)
        assert listener("a") == 3
        listener.assert_has_calls([call("a")])
        with patch("time.time", return_value=42):
            import time

            self.assertEqual(time.time(), 42)


if __name__ == "__main__":
    unittest.main()
"#,
        )
        .status("failed")
        .results(&[
            ("TestStack::test_pops_what_was_pushed", "passed"),
            ("TestStack::test_empty", "passed"),
            ("TestStack::test_wrong", "failed"),
            ("TestStack::test_later", "skipped"),
            ("TestStack::test_expected", "skipped"),
            ("TestStack::test_mocks", "passed"),
        ])
        .lines(&[("TestStack::test_wrong", 26)])
        .messages(&[("TestStack::test_wrong", "1 != 2")]),
        case(
            "mocker_works",
            "import json\n\n\ndef load(text):\n    return json.loads(text)\n",
            r#"def test_stubs(mocker):
    mocker.patch("json.loads", return_value={"a": 1})
    assert load("nonsense") == {"a": 1}


def test_is_undone():
    assert load("[1]") == [1]


def test_spies(mocker):
    spy = mocker.spy(json, "loads")
    load("[2]")
    spy.assert_called_once_with("[2]")
    assert spy.spy_return == [2]


def test_patches_the_code_itself(mocker):
    mocker.patch(f"{__name__}.load", return_value="stub")
    assert load("x") == "stub"
"#,
        )
        .results(&[
            ("test_stubs", "passed"),
            ("test_is_undone", "passed"),
            ("test_spies", "passed"),
            ("test_patches_the_code_itself", "passed"),
        ]),
        case(
            "async_works_with_and_without_a_mark",
            "import asyncio\n\n\nasync def tick(n):\n    for i in range(n):\n        await asyncio.sleep(0)\n        yield i\n",
            r#"import asyncio

import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def ready():
    await asyncio.sleep(0)
    yield "ready"


@pytest.mark.asyncio
async def test_with_a_mark():
    assert [i async for i in tick(3)] == [0, 1, 2]


async def test_without_a_mark(ready):
    assert ready == "ready"


async def test_times_out():
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(60), 0.01)


@pytest.mark.asyncio
class TestGroup:
    @pytest.mark.parametrize("n", [1, 2])
    async def test_counts(self, n):
        assert len([i async for i in tick(n)]) == n
"#,
        )
        .results(&[
            ("test_with_a_mark", "passed"),
            ("test_without_a_mark", "passed"),
            ("test_times_out", "passed"),
            ("TestGroup::test_counts[1]", "passed"),
            ("TestGroup::test_counts[2]", "passed"),
        ]),
        case(
            "modern_python_works",
            r#"from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Colour(Enum):
    RED = "red"


class Named(Protocol):
    name: str


@dataclass(order=True)
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)

    @cached_property
    def norm(self) -> float:
        return (self.x**2 + self.y**2) ** 0.5


class Box(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


def describe(value: Point | Colour | None) -> str:
    if (n := getattr(value, "x", None)) is not None:
        return f"{n=}"
    return "none" if value is None else value.name


if __name__ == "__main__":
    raise SystemExit(describe(None))
"#,
            r#"from __future__ import annotations

import pytest
from source import Colour as TheColour


def test_dataclass():
    assert Point(1) < Point(2)
    assert Point(3, 4).norm == 5
    assert repr(Point(1)) == "Point(x=1, y=0, tags=[])"


def test_enum():
    assert Colour("red") is Colour.RED is TheColour.RED


def test_walrus():
    assert describe(Point(7)) == "n=7"
    assert describe(None) == "none"


def test_generic():
    assert Box[int](3).value == 3


def test_annotations(value: int | None = None):
    assert value is None
"#,
        )
        .results(&[
            ("test_dataclass", "passed"),
            ("test_enum", "passed"),
            ("test_walrus", "passed"),
            ("test_generic", "passed"),
            ("test_annotations", "passed"),
        ]),
        case(
            "the_standard_library_is_there",
            "import collections, csv, datetime, decimal, hashlib, heapq, io, itertools, json, math, random, re, sqlite3, statistics, string, tempfile, threading, uuid, zoneinfo\nfrom concurrent.futures import ThreadPoolExecutor\n",
            r#"def test_threads():
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(str, range(4))) == ["0", "1", "2", "3"]


def test_database():
    with sqlite3.connect(":memory:") as db:
        assert db.execute("select 1 + 1").fetchone() == (2,)


def test_files():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/a.csv"
        with open(path, "w", newline="") as file:
            csv.writer(file).writerow([1, 2])
        assert open(path, newline="").read() == "1,2\r\n"


def test_stdin_is_at_its_end():
    import sys

    assert sys.stdin.read() == ""
    try:
        input()
    except EOFError:
        pass
    else:
        raise AssertionError("somebody typed")


def test_zone():
    import time

    assert time.tzname[0] == "UTC"
"#,
        )
        .results(&[
            ("test_threads", "passed"),
            ("test_database", "passed"),
            ("test_files", "passed"),
            ("test_stdin_is_at_its_end", "passed"),
            ("test_zone", "passed"),
        ]),
    ]
}

/// What JavaScript and TypeScript share.
#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn jest(language: &'static str) -> Vec<Case> {
    let case = |name, source, tests| Case::new(name, language, source, tests);
    vec![
        case(
            "describe_it_each_and_hooks_work",
            "const log = [];\nconst square = n => n * n;\n",
            r"beforeAll(() => { log.push('all'); });
afterEach(() => { log.push('after'); });

describe('outer', () => {
  beforeEach(() => { log.push('each'); });

  it('runs hooks in order', () => {
    expect(log).toEqual(['all', 'each']);
  });

  describe('inner', () => {
    beforeEach(() => { log.push('inner'); });

    it.each`
      n    | squared
      ${2} | ${4}
      ${3} | ${9}
    `('squares $n', ({ n, squared }) => {
      expect(square(n)).toBe(squared);
    });
  });
});

it.each([1, 2])('is %i times itself', n => {
  expect(square(n) / n).toBe(n);
});

test('same title', () => {});
test('same title', () => {});
",
        )
        .results(&[
            ("outer > runs hooks in order", "passed"),
            ("outer > inner > squares 2", "passed"),
            ("outer > inner > squares 3", "passed"),
            ("is 1 times itself", "passed"),
            ("is 2 times itself", "passed"),
            ("same title", "passed"),
            ("same title #2", "passed"),
        ]),
        case(
            "mocks_and_spies_work",
            "const shop = { price() { return 10; }, total(n) { return this.price() * n; } };\n",
            r"afterEach(() => jest.restoreAllMocks());

test('fn', () => {
  const fn = jest.fn(x => x + 1);
  fn.mockReturnValueOnce(7);
  expect(fn(1)).toBe(7);
  expect(fn(1)).toBe(2);
  expect(fn).toHaveBeenCalledTimes(2);
  expect(fn).toHaveBeenNthCalledWith(1, 1);
  expect(fn.mock.results[1].value).toBe(2);
});

test('spyOn', () => {
  const spy = jest.spyOn(shop, 'price').mockReturnValue(3);
  expect(shop.total(2)).toBe(6);
  expect(spy).toHaveBeenCalled();
});

test('is restored', () => {
  expect(shop.total(2)).toBe(20);
});

test('promises', async () => {
  const load = jest.fn().mockResolvedValue('yes');
  await expect(load()).resolves.toBe('yes');
  const fail = jest.fn().mockRejectedValue(new Error('no'));
  await expect(fail()).rejects.toThrow('no');
});

test('spies on the console', () => {
  const spy = jest.spyOn(console, 'log').mockImplementation(() => {});
  console.log('unheard');
  expect(spy).toHaveBeenCalledWith('unheard');
});
",
        )
        .results(&[
            ("fn", "passed"),
            ("spyOn", "passed"),
            ("is restored", "passed"),
            ("promises", "passed"),
            ("spies on the console", "passed"),
        ])
        .silent(&["spies on the console"]),
        case(
            "fake_timers_work",
            "function remind(say, ms) { const id = setInterval(() => say(Date.now()), ms); return () => clearInterval(id); }\n",
            r"beforeEach(() => { jest.useFakeTimers({ now: 0 }); });
afterEach(() => { jest.useRealTimers(); });

test('intervals', () => {
  const say = jest.fn();
  const stop = remind(say, 1000);
  jest.advanceTimersByTime(3500);
  stop();
  jest.advanceTimersByTime(5000);
  expect(say.mock.calls).toEqual([[1000], [2000], [3000]]);
});

test('all timers', () => {
  const say = jest.fn();
  setTimeout(say, 1_000_000);
  jest.runAllTimers();
  expect(say).toHaveBeenCalledTimes(1);
});

test('async', async () => {
  let done = false;
  new Promise(resolve => setTimeout(resolve, 500)).then(() => { done = true; });
  await jest.advanceTimersByTimeAsync(500);
  expect(done).toBe(true);
});
",
        )
        .results(&[("intervals", "passed"), ("all timers", "passed"), ("async", "passed")]),
        case(
            "matchers_work",
            if language == "typescript" {
                "class Money { n: number; constructor(n: number) { this.n = n; } }\n"
            } else {
                "class Money { constructor(n) { this.n = n; } }\n"
            },
            r"test('equality', () => {
  expect({ a: [1, { b: 2 }], u: undefined }).toEqual({ a: [1, { b: 2 }] });
  expect(new Money(3)).toEqual({ n: 3 });
  expect(new Money(3)).not.toStrictEqual({ n: 3 });
  expect(new Map([['a', new Set([1])]])).toEqual(new Map([['a', new Set([1])]]));
  expect([1, 2, 3]).toEqual(expect.arrayContaining([3, 1]));
  expect({ a: 1, b: 'x' }).toMatchObject({ b: expect.any(String) });
  expect(NaN).toBe(NaN);
  expect(0).not.toBe(-0);
});

test('the rest', () => {
  expect('hello world').toMatch(/wor/);
  expect([1, 2]).toContain(2);
  expect([{ a: 1 }]).toContainEqual({ a: 1 });
  expect('abc').toHaveLength(3);
  expect({ a: { b: 1 } }).toHaveProperty('a.b', 1);
  expect(5).toBeGreaterThan(4);
  expect(null).toBeNull();
  expect(undefined).toBeUndefined();
  expect(() => { throw new TypeError('bad type'); }).toThrow(new TypeError('bad type'));
  expect(new Money(1)).toBeInstanceOf(Money);
  expect([1, 2]).toBeInstanceOf(Array);
  expect(0.1 + 0.2).toBeCloseTo(0.3);
});

test('assertions are counted', () => {
  expect.assertions(1);
  expect(1).toBe(1);
});

test('too few assertions', () => {
  expect.assertions(2);
  expect(1).toBe(1);
});

test('own matchers', () => {
  expect.extend({
    toBeEven(received) {
      return { pass: received % 2 === 0, message: () => `${received} is odd` };
    },
  });
  expect(2).toBeEven();
  expect(3).toBeEven();
});

test('a difference', () => {
  expect({ a: 1, b: [1, 2] }).toEqual({ a: 1, b: [1, 3] });
});
",
        )
        .status("failed")
        .results(&[
            ("equality", "passed"),
            ("the rest", "passed"),
            ("assertions are counted", "passed"),
            ("too few assertions", "failed"),
            ("own matchers", "failed"),
            ("a difference", "failed"),
        ])
        .messages(&[("own matchers", "3 is odd")])
        .lines(&[("own matchers", 44), ("a difference", 48)])
        .output(&["expect.assertions(2)", "-     3,", "+     2,"]),
        case(
            "node_modules_can_be_required",
            "const fs = require('fs');\nconst path = require('node:path');\nconst { EventEmitter } = require('events');\n\nconst inHere = name => path.join(process.cwd(), name);\n",
            r"const crypto = require('crypto');

test('files', () => {
  fs.writeFileSync(inHere('a.txt'), 'x');
  expect(fs.readFileSync(inHere('a.txt'), 'utf8')).toBe('x');
});

test('events', () => {
  const emitter = new EventEmitter();
  const heard = jest.fn();
  emitter.on('x', heard);
  emitter.emit('x', 1);
  expect(heard).toHaveBeenCalledWith(1);
});

test('hashes', () => {
  expect(crypto.createHash('sha256').update('a').digest('hex')).toMatch(/^ca978112/);
});

test('stdin is at its end', () => {
  expect(fs.readFileSync(0, 'utf8')).toBe('');
});
",
        )
        .results(&[
            ("files", "passed"),
            ("events", "passed"),
            ("hashes", "passed"),
            ("stdin is at its end", "passed"),
        ]),
    ]
}

fn javascript() -> Vec<Case> {
    let case = |name, source, tests| Case::new(name, "javascript", source, tests);
    vec![
        case(
            "es_modules_work",
            r"import { readFileSync } from 'node:fs';
import path, { join } from 'path';
import * as os from 'os';

export const PI = 3;

export function area(r) {
  return PI * r * r;
}

export default class Circle {
  constructor(r) {
    this.r = r;
  }
  get area() {
    return area(this.r);
  }
}

const hidden = () => join('a', path.basename('/x/b')) + typeof os.EOL + typeof readFileSync;
export { hidden as shown };
",
            r"test('exports by name', () => {
  expect(area(2)).toBe(12);
  expect(PI).toBe(3);
});

test('exports by default', () => {
  expect(new Circle(1).area).toBe(3);
});

test('imports of node', () => {
  expect(hidden()).toBe('a/bstringfunction');
});
",
        )
        .results(&[
            ("exports by name", "passed"),
            ("exports by default", "passed"),
            ("imports of node", "passed"),
        ]),
        case(
            "common_js_works",
            "const { sep } = require('path');\n\nfunction add(a, b) {\n  return a + b;\n}\n\nclass Counter {\n  #n = 0;\n  next() {\n    return ++this.#n;\n  }\n}\n\nmodule.exports = { add, Counter, sep };\n",
            r"test('adds', () => {
  expect(add(1, 2)).toBe(3);
});

test('counts', () => {
  const counter = new Counter();
  counter.next();
  expect(counter.next()).toBe(2);
});

test('exports', () => {
  expect(Object.keys(module.exports)).toEqual(['add', 'Counter', 'sep']);
});
",
        )
        .results(&[("adds", "passed"), ("counts", "passed"), ("exports", "passed")]),
        case(
            "jest_globals_can_be_imported",
            "export const one = () => 1;\n",
            "import { describe, expect, jest, test } from '@jest/globals';\n\ndescribe('imported', () => {\n  test('one', () => {\n    const fn = jest.fn(one);\n    expect(fn()).toBe(1);\n    expect(fn).toHaveBeenCalled();\n  });\n});\n",
        )
        .results(&[("imported > one", "passed")]),
        case(
            "modern_javascript_works",
            "class Store {\n  static #instance;\n  static get() {\n    return (Store.#instance ??= new Store());\n  }\n  items = new Map();\n}\n\nasync function* count(n) {\n  for (let i = 0; i < n; i++) yield i;\n}\n\nconst deep = { a: { b: null } };\n",
            r"test('private members', () => {
  expect(Store.get()).toBe(Store.get());
});

test('generators', async () => {
  const seen = [];
  for await (const i of count(3)) seen.push(i);
  expect(seen).toEqual([0, 1, 2]);
});

test('operators', () => {
  expect(deep.a?.b?.c ?? 'none').toBe('none');
  expect(2n ** 64n).toBe(18446744073709551616n);
  expect([3, 1, 2].toSorted()).toEqual([1, 2, 3]);
  expect(structuredClone(deep)).toEqual(deep);
});
",
        )
        .results(&[
            ("private members", "passed"),
            ("generators", "passed"),
            ("operators", "passed"),
        ]),
        case(
            "modules_can_be_mocked",
            "const fs = require('fs');\nconst read = name => fs.readFileSync(name, 'utf8').trim();\n",
            "jest.mock('fs', () => ({ readFileSync: jest.fn(() => ' text ') }));\n\ntest('reads', () => {\n  expect(read('x')).toBe('text');\n  expect(fs.readFileSync).toHaveBeenCalledWith('x', 'utf8');\n});\n",
        )
        .results(&[("reads", "passed")]),
    ]
}

fn typescript() -> Vec<Case> {
    let case = |name, source, tests| Case::new(name, "typescript", source, tests);
    vec![
        case(
            "types_enums_namespaces_and_generics_work",
            r"export interface Named {
  readonly name: string;
}

export enum Level {
  Low,
  High = 10,
  Higher,
}

export const enum Flag {
  On = 'on',
}

namespace Geometry {
  export const origin = { x: 0, y: 0 };
  export function shift(p: { x: number; y: number }, by: number) {
    return { x: p.x + by, y: p.y + by };
  }
}

export abstract class Animal<T extends Named> {
  constructor(protected readonly tag: T, private age = 1) {}
  abstract sound(): string;
  describe(): string {
    return `${this.tag.name} (${this.age}) says ${this.sound()}`;
  }
}

class Dog extends Animal<Named> {
  override sound(): string {
    return 'woof';
  }
}

type Pair<A, B = A> = [A, B];
const swap = <A, B>([a, b]: Pair<A, B>): Pair<B, A> => [b, a];

function assertIsString(value: unknown): asserts value is string {
  if (typeof value !== 'string') throw new TypeError('no string');
}

declare const NOWHERE: number;
",
            r"test('enums', () => {
  expect(Level.Higher).toBe(11);
  expect(Level[10]).toBe('High');
  expect(Flag.On).toBe('on');
});

test('namespaces', () => {
  expect(Geometry.shift(Geometry.origin, 2)).toEqual({ x: 2, y: 2 });
});

test('classes', () => {
  expect(new Dog({ name: 'Rex' }, 3).describe()).toBe('Rex (3) says woof');
});

test('generics', () => {
  const pair = swap<number, string>([1, 'a']);
  expect(pair satisfies [string, number]).toEqual(['a', 1]);
});

test('assertions', () => {
  const value: unknown = 1;
  expect(() => assertIsString(value)).toThrow('no string');
  expect((value as number)!.toFixed(1)).toBe('1.0');
});
",
        )
        .results(&[
            ("enums", "passed"),
            ("namespaces", "passed"),
            ("classes", "passed"),
            ("generics", "passed"),
            ("assertions", "passed"),
        ]),
        case(
            "decorators_work",
            "function logged(target: any, key: string, descriptor: PropertyDescriptor) {\n  const original = descriptor.value;\n  descriptor.value = function (...args: unknown[]) {\n    calls.push(key);\n    return original.apply(this, args);\n  };\n  return descriptor;\n}\n\nconst calls: string[] = [];\n\nclass Service {\n  @logged\n  run(n: number) {\n    return n + 1;\n  }\n}\n",
            "test('runs', () => {\n  expect(new Service().run(1)).toBe(2);\n  expect(calls).toEqual(['run']);\n});\n",
        )
        .results(&[("runs", "passed")]),
        case(
            "jest_globals_and_types_can_be_imported",
            "import type { EventEmitter } from 'events';\nimport { join } from 'node:path';\n\nexport type Listener = (emitter: EventEmitter) => void;\nexport const at = (...parts: string[]): string => join(...parts);\n",
            "import { describe, expect, it, jest } from '@jest/globals';\n\ndescribe('imported', () => {\n  it('joins', () => {\n    const fn = jest.fn<typeof at>(at);\n    expect(fn('a', 'b')).toBe('a/b');\n  });\n});\n",
        )
        .results(&[("imported > joins", "passed")]),
        case(
            "lines_are_those_of_the_tests",
            "interface A {\n  a: number;\n}\n\ntype B = {\n  b: string;\n};\n\nconst make = (a: number): A => ({ a });\n",
            "interface Wanted {\n  a: number;\n}\n\ntest('makes', () => {\n  const wanted: Wanted = { a: 2 };\n\n  expect(make(1)).toEqual(wanted);\n});\n",
        )
        .status("failed")
        .results(&[("makes", "failed")])
        .lines(&[("makes", 8)]),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list of programs")]
fn java() -> Vec<Case> {
    let case = |name, source, tests| Case::new(name, "java", source, tests);
    vec![
        case(
            "parameters_work",
            "class Text {\n  static boolean isBlank(String s) { return s == null || s.isBlank(); }\n  static int length(String s) { return s.length(); }\n}\n",
            r#"import static org.junit.jupiter.api.Assertions.*;

import java.util.stream.Stream;
import org.junit.jupiter.api.*;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.*;

class TextTest {
  enum Size { SMALL, LARGE }

  @ParameterizedTest
  @ValueSource(strings = {"", "  "})
  @NullSource
  void isBlank(String text) {
    assertTrue(Text.isBlank(text));
  }

  @ParameterizedTest(name = "{0} has {1}")
  @CsvSource({"a, 1", "'b, c', 4"})
  void hasLength(String text, int length) {
    assertEquals(length, Text.length(text));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void comesFromAMethod(String text, int length) {
    assertEquals(length, Text.length(text));
  }

  static Stream<Arguments> texts() {
    return Stream.of(Arguments.of("xyz", 3), Arguments.of("", 0));
  }

  @ParameterizedTest
  @EnumSource(Size.class)
  void comesFromAnEnum(Size size) {
    assertNotNull(size);
  }
}
"#,
        )
        .results(&[
            ("TextTest#isBlank[1]", "passed"),
            ("TextTest#isBlank[2]", "passed"),
            ("TextTest#isBlank[3]", "passed"),
            ("TextTest#hasLength[1]", "passed"),
            ("TextTest#hasLength[2]", "passed"),
            ("TextTest#comesFromAMethod[1]", "passed"),
            ("TextTest#comesFromAMethod[2]", "passed"),
            ("TextTest#comesFromAnEnum[1]", "passed"),
            ("TextTest#comesFromAnEnum[2]", "passed"),
        ])
        .also(|verdict| {
            let tests = verdict["tests"].as_array().cloned().unwrap_or_default();
            let named = tests.iter().find(|test| test["id"] == "TextTest#hasLength[2]");
            match named.map(|test| test["name"].clone()) {
                Some(name) if name == "b, c has 4" => Ok(()),
                name => Err(format!("the name is {name:?}")),
            }
        }),
        case(
            "nested_repeated_and_dynamic_tests_work",
            "import java.util.*;\n\nclass Stack<T> {\n  private final Deque<T> items = new ArrayDeque<>();\n  void push(T item) { items.push(item); }\n  T pop() { return items.pop(); }\n  boolean isEmpty() { return items.isEmpty(); }\n}\n",
            r#"import static org.junit.jupiter.api.Assertions.*;

import java.util.*;
import java.util.stream.*;
import org.junit.jupiter.api.*;

@DisplayName("A stack")
class StackTest {
  Stack<String> stack;

  @BeforeEach
  void create() {
    stack = new Stack<>();
  }

  @Test
  @DisplayName("is empty at first")
  void isEmpty() {
    assertTrue(stack.isEmpty());
  }

  @Nested
  class AfterPushing {
    @BeforeEach
    void push() {
      stack.push("a");
    }

    @Test
    void isNotEmpty() {
      assertFalse(stack.isEmpty());
    }

    @Nested
    class AndPopping {
      @Test
      void givesItBack() {
        assertAll(() -> assertEquals("a", stack.pop()), () -> assertTrue(stack.isEmpty()));
      }
    }
  }

  @RepeatedTest(2)
  void again(RepetitionInfo info) {
    assertEquals(2, info.getTotalRepetitions());
  }

  @TestFactory
  Stream<DynamicTest> squares() {
    return IntStream.range(1, 3).mapToObj(n -> DynamicTest.dynamicTest("square of " + n, () -> assertEquals(n * n, n == 1 ? 1 : 4)));
  }

  @Test
  void throwsWhenEmpty() {
    NoSuchElementException thrown = assertThrows(NoSuchElementException.class, () -> stack.pop());
    assertNull(thrown.getMessage());
  }
}
"#,
        )
        .results(&[
            ("StackTest#isEmpty", "passed"),
            ("StackTest.AfterPushing#isNotEmpty", "passed"),
            ("StackTest.AfterPushing.AndPopping#givesItBack", "passed"),
            ("StackTest#again[1]", "passed"),
            ("StackTest#again[2]", "passed"),
            ("StackTest#squares[1]", "passed"),
            ("StackTest#squares[2]", "passed"),
            ("StackTest#throwsWhenEmpty", "passed"),
        ])
        .output(&["is empty at first"]),
        case(
            "mockito_works",
            "interface Repository {\n  String find(int id);\n  void save(int id, String name);\n}\n\nclass Service {\n  private final Repository repository;\n  Service(Repository repository) { this.repository = repository; }\n  String greet(int id) { return \"Hello, \" + repository.find(id); }\n  void rename(int id, String name) { repository.save(id, name.trim()); }\n}\n\nclass Clock {\n  long now() { return System.currentTimeMillis(); }\n}\n",
            r#"import static org.junit.jupiter.api.Assertions.*;
import static org.mockito.ArgumentMatchers.*;
import static org.mockito.Mockito.*;

import org.junit.jupiter.api.*;
import org.junit.jupiter.api.extension.ExtendWith;
import org.mockito.*;
import org.mockito.junit.jupiter.MockitoExtension;

@ExtendWith(MockitoExtension.class)
class ServiceTest {
  @Mock Repository repository;
  @InjectMocks Service service;
  @Captor ArgumentCaptor<String> name;

  @Test
  void greets() {
    when(repository.find(7)).thenReturn("Ann");
    assertEquals("Hello, Ann", service.greet(7));
    verify(repository).find(7);
    verifyNoMoreInteractions(repository);
  }

  @Test
  void trims() {
    service.rename(1, " Bob ");
    verify(repository, times(1)).save(eq(1), name.capture());
    assertEquals("Bob", name.getValue());
  }

  @Test
  void mocksClasses() {
    Clock clock = mock(Clock.class);
    when(clock.now()).thenReturn(42L);
    assertEquals(42, clock.now());
  }

  @Test
  void throwsOnDemand() {
    when(repository.find(anyInt())).thenThrow(new IllegalStateException("down"));
    assertThrows(IllegalStateException.class, () -> service.greet(1));
  }

  @Test
  void wantsACallThatNeverCame() {
    verify(repository).find(9);
  }
}
"#,
        )
        .status("failed")
        .results(&[
            ("ServiceTest#greets", "passed"),
            ("ServiceTest#trims", "passed"),
            ("ServiceTest#mocksClasses", "passed"),
            ("ServiceTest#throwsOnDemand", "passed"),
            ("ServiceTest#wantsACallThatNeverCame", "failed"),
        ])
        .lines(&[("ServiceTest#wantsACallThatNeverCame", 46)])
        .output(&["Wanted but not invoked"]),
        case(
            "packages_and_public_classes_work",
            "package com.example.shop;\n\nimport java.util.List;\n\npublic class Cart {\n  private final List<Item> items;\n  public Cart(List<Item> items) { this.items = items; }\n  public int total() { return items.stream().mapToInt(Item::price).sum(); }\n}\n\npublic class Item {\n  private final int price;\n  public Item(int price) { this.price = price; }\n  public int price() { return price; }\n}\n\nenum Currency { EUR, KRW }\n",
            r"package com.example.shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.example.shop.Cart;
import com.example.shop.Item;
import java.util.List;
import org.junit.jupiter.api.Test;

public class CartTest {
  @Test
  public void sums() {
    assertEquals(30, new Cart(List.of(new Item(10), new Item(20))).total());
  }

  @Test
  void isWrong() {
    assertEquals(1, Currency.values().length);
  }
}
",
        )
        .status("failed")
        .results(&[("CartTest#sums", "passed"), ("CartTest#isWrong", "failed")])
        .lines(&[("CartTest#sums", 12), ("CartTest#isWrong", 18)]),
        case(
            "java_17_works",
            r#"import java.util.*;

sealed interface Shape permits Circle, Square {}

record Circle(double radius) implements Shape {}

record Square(double side) implements Shape {
  Square {
    if (side < 0) throw new IllegalArgumentException("negative");
  }
}

class Shapes {
  static double area(Shape shape) {
    if (shape instanceof Circle c) return Math.PI * c.radius() * c.radius();
    if (shape instanceof Square s) return s.side() * s.side();
    throw new AssertionError();
  }

  static String name(int corners) {
    return switch (corners) {
      case 0 -> "circle";
      case 4 -> {
        var name = "square";
        yield name;
      }
      default -> "shape";
    };
  }

  static final String TEXT = """
      {
        "shape": "%s"
      }
      """;
}
"#,
            r#"import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.*;

class ShapesTest {
  @Test
  void recordsAndPatterns() {
    assertEquals(4.0, Shapes.area(new Square(2)));
    assertEquals(new Circle(1), new Circle(1));
    assertThrows(IllegalArgumentException.class, () -> new Square(-1));
  }

  @Test
  void switches() {
    assertEquals("square", Shapes.name(4));
  }

  @Test
  void textBlocks() {
    assertEquals("{\n  \"shape\": \"x\"\n}\n", Shapes.TEXT.formatted("x"));
  }

  @Test
  void isWrong() {
    assertEquals(
        new Circle(1),
        new Circle(2));
  }
}
"#,
        )
        .status("failed")
        .results(&[
            ("ShapesTest#recordsAndPatterns", "passed"),
            ("ShapesTest#switches", "passed"),
            ("ShapesTest#textBlocks", "passed"),
            ("ShapesTest#isWrong", "failed"),
        ])
        .messages(&[("ShapesTest#isWrong", "expected: <Circle[radius=1.0]> but was: <Circle[radius=2.0]>")]),
    ]
}
