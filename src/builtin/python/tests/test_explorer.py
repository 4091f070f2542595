"""Tests of the explorer: `python3 -m unittest discover src/builtin/python/tests`.

Whole runs go through a process of their own, as in the sandbox: user code may do anything to it.
The suites that come out are run with a stand-in for the little of pytest that they use.
"""

import ast
import json
import os
import subprocess
import sys
import textwrap
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
EXPLORER = os.path.join(HERE, "..", "explorer")
NONCE = "00ff"


def program():
    """The explorer as one text, in the order that `order.txt` says."""
    with open(os.path.join(EXPLORER, "order.txt"), encoding="utf-8") as order:
        names = order.read().split()
    texts = []
    for name in names:
        with open(os.path.join(EXPLORER, name), encoding="utf-8") as file:
            texts.append(file.read())
    return "\n".join(texts)


PROGRAM = program()
EXPLORER_NAMES = {"__name__": "explorer"}
exec(compile(PROGRAM, "explorer", "exec"), EXPLORER_NAMES)

STAND_IN = """
import contextlib, io, math, re, sys, types
class Param:
    def __init__(self, values, id):
        self.values, self.id = values, id
class Approx:
    def __init__(self, value, nan_ok=False):
        self.value = value
    def __eq__(self, other):
        if isinstance(self.value, (list, tuple)):
            return len(other) == len(self.value) and all(Approx(a) == b for a, b in zip(self.value, other))
        return math.isclose(self.value, other, rel_tol=1e-6, abs_tol=1e-12) or self.value != self.value and other != other
@contextlib.contextmanager
def raises(kinds, match=None):
    try:
        yield
    except kinds as error:
        assert match is None or re.search(match, str(error)), str(error)
    else:
        raise AssertionError("did not raise")
def parametrize(names, rows):
    def mark(function):
        function.rows = rows
        return function
    return mark
pytest = types.ModuleType("pytest")
pytest.param = lambda *values, id: Param(values, id)
pytest.approx, pytest.raises = Approx, raises
pytest.mark = types.SimpleNamespace(parametrize=parametrize)
pytest.fixture = lambda autouse: lambda function: setattr(function, "fixture", True) or function
sys.modules["pytest"] = pytest
class Patch:
    def __init__(self):
        self.undo = []
    def setattr(self, owner, name, value):
        self.undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)
class Captured:
    def __init__(self, tape):
        self.tape = tape
    def readouterr(self):
        return types.SimpleNamespace(out=self.tape.getvalue())
def run(source, tests):
    module = types.ModuleType("test_code")
    sys.modules["test_code"] = module
    names = module.__dict__
    exec(compile(source, "source.py", "exec"), names)
    known = set(names)
    exec(compile(tests, "tests.py", "exec"), names)
    found = {n: v for n, v in names.items() if n not in known and callable(v)}
    fixtures = [v for v in found.values() if getattr(v, "fixture", False)]
    outcomes = {}
    for name, test in found.items():
        if not name.startswith("test_"):
            continue
        for row in getattr(test, "rows", [Param((), None)]):
            patch, tape = Patch(), io.StringIO()
            wanted = test.__code__.co_varnames[: test.__code__.co_argcount]
            extra = [Captured(tape)] if "capsys" in wanted else []
            try:
                for fixture in fixtures:
                    fixture(patch)
                with contextlib.redirect_stdout(tape):
                    test(*row.values, *extra)
                outcome = "passed"
            except BaseException as error:
                outcome = f"{type(error).__name__}: {error}"
            for owner, attribute, value in reversed(patch.undo):
                setattr(owner, attribute, value)
            outcomes[name if row.id is None else f"{name}[{row.id}]"] = outcome
    return outcomes
"""


class Explored:
    """The records of one run of the explorer."""

    def __init__(self, source, **plan):
        self.source = textwrap.dedent(source)
        plan = {
            "nonce": NONCE,
            "source": self.source,
            "seed": 1,
            "budget_ms": 8000,
            "skip": [],
            "max_rows": 40,
            **plan,
        }
        script = f"{PROGRAM}\nexplore({json.dumps(plan)!r})\n"
        done = subprocess.run(
            [sys.executable, "-I", "-"], input=script, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        self.printed, self.trouble = done.stdout, done.stderr
        self.records = [
            json.loads(line[len(NONCE) :])
            for line in done.stdout.splitlines()
            if line.startswith(NONCE + " ")
        ]

    def of(self, kind):
        return [record for record in self.records if record["kind"] == kind]

    @property
    def blocks(self):
        return [record["test"] for record in self.of("test")]

    @property
    def summary(self):
        return self.of("summary")[0]

    @property
    def suite(self):
        rows = [
            b["before"] + "".join(r["text"] for r in b["rows"]) + b["after"] for b in self.blocks
        ]
        return self.of("header")[-1]["text"] + "".join(rows)

    def ids(self):
        return [
            i for b in self.blocks for i in ([r["test_id"] for r in b["rows"]] or [b["test_id"]])
        ]

    def outcomes(self, source=None):
        """What each test of the suite says of a source."""
        script = f"{STAND_IN}\nimport json\nprint(json.dumps(run({(source or self.source)!r}, {self.suite!r})))\n"
        done = subprocess.run(
            [sys.executable, "-"], input=script, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(done.stderr + self.suite)
        return json.loads(done.stdout.splitlines()[-1])


class SuiteCase(unittest.TestCase):
    def explore(self, source, **plan):
        """Explore, and see that the suite passes on the source with exactly the ids it names."""
        explored = Explored(source, **plan)
        self.assertTrue(explored.of("summary"), explored.trouble or explored.printed)
        if explored.blocks:
            outcomes = explored.outcomes()
            self.assertEqual(
                {i: o for i, o in outcomes.items() if o != "passed"}, {}, explored.suite
            )
            self.assertEqual(sorted(outcomes), sorted(explored.ids()))
        return explored

    def assert_caught(self, explored, old, new):
        """A version of the source with a mistake in it fails the suite."""
        self.assertIn(old, explored.source)
        outcomes = explored.outcomes(explored.source.replace(old, new))
        self.assertTrue(any(o != "passed" for o in outcomes.values()), explored.suite)


class FunctionsTest(SuiteCase):
    def test_mistakes_in_a_function_without_annotations_are_caught(self):
        explored = self.explore("""
            def clamp(values, low, high):
                return [min(max(v, low), high) for v in values if v != low]
        """)
        self.assert_caught(explored, "min(max(v, low), high)", "max(min(v, low), high)")
        self.assert_caught(explored, "if v != low", "if v != high")

    def test_a_documented_exception_is_asserted_with_its_message(self):
        explored = self.explore("""
            def root(n: int) -> float:
                if n < 0:
                    raise ValueError("n must not be negative (really)")
                return n ** 0.5
        """)
        errors = [b for b in explored.blocks if b["section"] == "error"]
        self.assertEqual(len(errors), 1)
        self.assert_caught(explored, "not be negative", "be positive")

    def test_an_exception_that_just_happens_has_a_section_of_its_own_at_the_end(self):
        explored = self.explore("""
            def first(items: list) -> int:
                return items[0] + 1
        """)
        self.assertEqual(explored.blocks[-1]["section"], "unexpected")
        self.assertIn("is that meant?", explored.blocks[-1]["after"])

    def test_calls_shown_in_the_description_come_first(self):
        explored = self.explore('''
            def twice(word):
                """Say it twice.

                >>> twice("ho")
                'hoho'
                """
                return word * 2
        ''')
        self.assertEqual(explored.blocks[0]["section"], "example")
        self.assertIn('"hoho"', explored.blocks[0]["rows"][0]["text"])

    def test_arguments_that_a_call_changes_are_asserted(self):
        explored = self.explore("""
            def take_smallest(numbers: list[int]) -> int:
                numbers.sort()
                return numbers.pop(0)
        """)
        self.assertIn("numbers_after", explored.suite)
        self.assert_caught(explored, "numbers.pop(0)", "numbers[0]")

    def test_arguments_that_no_call_changes_are_watched(self):
        explored = self.explore("""
            def ordered(items: list):
                items = list(items)
                items.sort()
                return items
        """)
        self.assert_caught(explored, "items = list(items)", "pass")

    def test_what_is_printed_is_asserted(self):
        explored = self.explore("""
            def greet(name: str) -> None:
                print(f"Hello, {name}!")
        """)
        self.assert_caught(explored, "Hello", "Hallo")

    def test_generators_are_drained_also_endless_ones(self):
        explored = self.explore("""
            def count(start: int):
                while True:
                    yield start
                    start += 2
        """)
        self.assert_caught(explored, "start += 2", "start += 3")

    def test_coroutines_are_awaited(self):
        explored = self.explore("""
            import asyncio

            async def double(n: int) -> int:
                await asyncio.sleep(0)
                return n * 2
        """)
        self.assert_caught(explored, "n * 2", "n + 2")

    def test_keyword_only_and_starred_parameters_are_given(self):
        explored = self.explore("""
            def total(*numbers: int, start: int = 0) -> int:
                return start + sum(numbers)
        """)
        self.assert_caught(explored, "start + sum", "sum")

    def test_texts_are_made_to_match_what_the_code_looks_for(self):
        explored = self.explore("""
            import re

            def version(text: str):
                found = re.fullmatch(r"v(\\d+)\\.(\\d+)", text)
                return (int(found.group(1)), int(found.group(2))) if found else None
        """)
        self.assert_caught(explored, "int(found.group(2))", "int(found.group(1))")

    def test_names_of_the_user_are_not_hidden_by_imports_of_the_tests(self):
        self.explore("""
            from datetime import datetime

            def copy(text):
                return datetime.strptime(text, "%Y-%m-%d")

            def pytest(items: list):
                return sorted(items)
        """)

    def test_changed_globals_are_put_back_between_tests(self):
        explored = self.explore("""
            counter = 0

            def next_id():
                global counter
                counter += 1
                return f"id-{counter}"
        """)
        self.assertIn("fresh_module_state", explored.suite)

    def test_the_suite_is_the_same_for_the_same_seed(self):
        source = """
            def words(text):
                return sorted(set(text.lower().split()), key=len)
        """
        self.assertEqual(self.explore(source).suite, self.explore(source).suite)


class UnsteadyTest(SuiteCase):
    def test_results_that_depend_on_chance_or_time_or_hashes_are_left_out(self):
        explored = self.explore("""
            import random
            import time

            def roll():
                return random.randint(1, 6)

            def now():
                return time.time()

            def letters(text: str):
                return list(set(text))
        """)
        for row in explored.ids():
            self.assertNotIn("test_roll", row)
            self.assertNotIn("test_now", row)
        several = [r for b in explored.blocks for r in b["rows"] if "abc" in r["text"]]
        self.assertEqual(several, [])

    def test_results_that_only_pass_by_a_set_stay(self):
        explored = self.explore("""
            def kinds(text: str):
                return sorted(set(text))
        """)
        self.assertGreater(explored.summary["rows"], 10)


class ClassesTest(SuiteCase):
    def test_calls_of_one_object_build_on_each_other(self):
        explored = self.explore("""
            class Stack:
                def __init__(self, capacity=2):
                    if capacity < 1:
                        raise ValueError("too small")
                    self._items = []
                    self.capacity = capacity

                def push(self, item):
                    if len(self._items) == self.capacity:
                        raise OverflowError("full")
                    self._items.append(item)
                    return self

                def pop(self):
                    return self._items.pop()

                def __len__(self):
                    return len(self._items)
        """)
        self.assertIn(" is stack", explored.suite)
        self.assert_caught(explored, "self._items.pop()", "self._items.pop(0)")
        self.assert_caught(explored, "== self.capacity", "> self.capacity")
        self.assert_caught(explored, '"full"', '"empty"')

    def test_dataclasses_and_enums_are_written_as_what_makes_them(self):
        explored = self.explore("""
            from dataclasses import dataclass
            from enum import Enum
            from typing import List, Optional

            class Colour(Enum):
                RED = 1
                BLUE = 2

            @dataclass
            class Car:
                colour: Colour
                price: float

            def dearest(cars: List[Car], colour: Colour) -> Optional[Car]:
                of_colour = [c for c in cars if c.colour is colour]
                return max(of_colour, key=lambda c: c.price, default=None)
        """)
        self.assertIn("Car(colour=Colour.RED", explored.suite)
        self.assert_caught(explored, "max(", "min(")

    def test_nodes_are_linked_whatever_their_constructor_takes(self):
        explored = self.explore("""
            class Node:
                def __init__(self, value):
                    self.value = value
                    self.next = None

            def reverse(head):
                before = None
                while head:
                    head.next, before, head = before, head, head.next
                return before
        """)
        self.assertIn("linked(", explored.suite)
        self.assert_caught(explored, "while head:", "while head and head.next:")

    def test_methods_of_objects_without_state_are_tested_like_functions(self):
        explored = self.explore("""
            class Solution:
                def twoSum(self, nums, target):
                    seen = {}
                    for i, n in enumerate(nums):
                        if target - n in seen:
                            return [seen[target - n], i]
                        seen[n] = i
                    return []
        """)
        self.assertIn("Solution().twoSum(", explored.suite)
        self.assert_caught(explored, "[seen[target - n], i]", "[i, seen[target - n]]")


class HostileTest(SuiteCase):
    def test_what_does_not_end_is_ended_and_the_rest_is_tested(self):
        explored = self.explore("""
            import builtins, os, sys, time

            def loop(n):
                while True:
                    try:
                        n += 1
                    except:
                        pass

            def leave(n):
                os._exit(3)

            def nap(n):
                time.sleep(60)

            def remove(path):
                os.remove(path)

            def patch(n):
                builtins.len = lambda _: 7
                builtins.isinstance = None
                return n

            def spam(n):
                while True:
                    print("x" * 99)

            def fine(n: int) -> int:
                return n + 1 if n > 3 else n
        """)
        self.assert_caught(explored, "n > 3", "n >= 3")
        told = " ".join(explored.summary["skipped"])
        for name in ("loop", "leave", "nap", "remove", "spam"):
            self.assertIn(name, told)

    def test_a_module_that_cannot_be_loaded_is_said_to_be_broken(self):
        for source in (
            "1 / 0",
            "import nothing_of_the_kind",
            "while True: pass",
            "import os; os._exit(0)",
            "def f(:",
        ):
            with self.subTest(source):
                self.assertEqual(len(Explored(source).of("broken")), 1)

    def test_targets_to_skip_are_left_alone(self):
        explored = self.explore(
            "def f(n):\n    return n\n\ndef g(n):\n    return n + 1\n", skip=["f"]
        )
        self.assertEqual({b["target"] for b in explored.blocks}, {"g"})

    def test_user_prints_are_no_records(self):
        explored = self.explore(f"""
            print('{NONCE} {{"kind": "broken"}}')

            def f(n):
                return n
        """)
        self.assertEqual(explored.of("broken"), [])


class PartsTest(unittest.TestCase):
    """What can be asked of the parts without running user code."""

    def name(self, name):
        return EXPLORER_NAMES[name]

    def kinds(self, source):
        reading = self.name("Reading")(textwrap.dedent(source))
        guesser = self.name("Guesser")(reading)
        routine = next(iter(reading.functions.values()))
        return [guesser.guesses(routine, p)[0] for p in routine.parameters]

    def test_kinds_come_from_what_is_done_with_a_parameter(self):
        self.assertEqual(self.kinds("def f(a): return a.upper()"), [("str",)])
        self.assertEqual(self.kinds("def f(a): return [x * 2 for x in a if x > 0]")[0][0], "list")
        self.assertEqual(self.kinds("def f(a, b): return b % 3")[1], ("int",))
        self.assertEqual(self.kinds("def f(a): return a['x'] + 1")[0][0], "record")
        self.assertEqual(self.kinds("def f(a): return a(1, 2)"), [("callable", 2)])

    def test_annotations_are_read_also_as_text_and_as_unions(self):
        reading = self.name("Reading")("def f(a: 'dict[str, int] | None'): pass")
        annotation = reading.functions["f"].parameters[0].annotation
        kind = self.name("kind_of_annotation")(annotation, reading)
        self.assertEqual(kind, ("union", ("dict", ("str",), ("int",)), ("none",)))

    def test_values_are_spelled_so_that_they_can_be_read_back(self):
        speller = self.name("Speller")({})
        for value in (
            0,
            -1.5,
            'it\'s "x"\n',
            [1, (2,)],
            {"a": {1, 2}},
            set(),
            b"\x00",
            None,
            frozenset(),
        ):
            self.assertEqual(eval(speller.spell(value)), value)

    def test_texts_of_a_pattern_match_it(self):
        import random
        import re

        generator = random.Random(1)
        for pattern in (r"[a-z]+@\w{2,3}\.(com|org)", r"(\d{4})-\d\d", r"^[^,]+$", r"(ab|c)\1?"):
            for _ in range(20):
                self.assertRegex(
                    self.name("text_matching")(pattern, generator), re.compile(pattern)
                )

    def test_a_mutant_is_taken_out_again(self):
        reading = self.name("Reading")("def f(a):\n    return a + 1 if a > 2 else [x for x in a]\n")
        compiled = self.name("Program")(reading, self.name("Meter")(), {})
        before = ast.dump(compiled.plain_tree)
        mutants = self.name("breed")(compiled, {2}, 500)
        for mutant in mutants:
            mutant.code(compiled)
        self.assertGreater(len(mutants), 10)
        self.assertEqual(ast.dump(compiled.plain_tree), before)


if __name__ == "__main__":
    unittest.main()
