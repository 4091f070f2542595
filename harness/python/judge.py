"""The pytest plugin that takes one job through collection and judgement.

pytest collects, sets up, calls and explains; this plugin keeps the books.  What
a test raised is seen here, in frames of this file, before any report object
exists: a report that says better than what was seen is not believed.
"""

import ast
import builtins
import io
import linecache
import os
import re
import sys
import time
import traceback
import types
import unittest
from pathlib import Path

import pytest
from _pytest._io import TerminalWriter
from _pytest.assertion import rewrite
from _pytest.outcomes import Exit, Skipped, XFailed

SOURCE, TESTS = "source.py", "test_code.py"
MODULE = "test_code"
MOST_TESTS = 5000
FRAME_TESTS, FRAME_BYTES = 2000, 100_000
LONGEST_TEXT = 10_000  # of strings that are worth a character-wise diff
# Attributes of an item that would take the place of its class's methods.
ITEM_METHODS = ("runtest", "setup", "teardown", "repr_failure", "_traceback_filter", "iter_markers")


def shorten(text, limit):
    return text if len(text) <= limit else text[: limit - 1] + "…"


def first_line(text):
    return shorten(text.strip().partition("\n")[0].strip(), 500)


class UserCode:
    """The two files of a job, and what can be said of exceptions in them."""

    def __init__(self, folder, job):
        self.paths = {
            "source": os.path.join(folder, SOURCE),
            "tests": os.path.join(folder, TESTS),
        }
        self.texts = {part: job[part].lstrip("\ufeff") for part in ("source", "tests")}
        self.folder = folder
        self.definitions = {}

    def publish(self):
        """Let tracebacks and inspect.getsource find the lines, whatever becomes of the files."""
        for part, path in self.paths.items():
            text = self.texts[part]
            # Lines as the compiler counts them: str.splitlines knows more line ends.
            linecache.cache[path] = (len(text), None, list(io.StringIO(text, newline=None)), path)
            try:
                with open(path, "w", encoding="utf-8", errors="replace", newline="") as file:
                    file.write(text)
            except OSError:
                pass

    def compile_source(self):
        return compile(self.texts["source"], self.paths["source"], "exec", dont_inherit=True)

    def compile_tests(self, config):
        """With pytest's explaining asserts."""
        text, path = self.texts["tests"], self.paths["tests"]
        tree = ast.parse(text, path)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                self.definitions[first] = node.lineno
        rewrite.rewrite_asserts(tree, text.encode("utf-8", "replace"), path, config)
        return compile(tree, path, "exec", dont_inherit=True)

    def shown(self, text):
        for part, path in self.paths.items():
            text = text.replace(path, SOURCE if part == "source" else TESTS)
        return text

    def is_user_file(self, name):
        if name.startswith("<"):
            return not name.startswith("<frozen ")
        return name.startswith(self.folder + os.sep)

    def frames(self, error):
        """(file name, line) of the user's frames, outermost first."""
        found, step = [], error.__traceback__
        while step is not None:
            name = step.tb_frame.f_code.co_filename
            if self.is_user_file(name):
                found.append((name, step.tb_lineno))
            step = step.tb_next
        return found

    def line(self, error, part="tests"):
        """The innermost line of the part that the error went through."""
        lines = [line for name, line in self.frames(error) if name == self.paths[part]]
        return lines[-1] if lines else None

    def raised_by_source(self, error):
        frames = self.frames(error)
        if not frames and is_a_skip(error.__context__):
            frames = self.frames(error.__context__)  # as unittest hands it on
        return bool(frames) and frames[-1][0] == self.paths["source"]

    def strip(self, error):
        """Take all frames but the user's out of an exception and those behind it."""
        waiting, seen = [error], set()
        while waiting:
            error = waiting.pop()
            if error is None or id(error) in seen:
                continue
            seen.add(id(error))
            steps, step = [], error.__traceback__
            while step is not None:
                if self.is_user_file(step.tb_frame.f_code.co_filename):
                    steps.append(step)
                step = step.tb_next
            kept = None
            for step in reversed(steps):
                kept = types.TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
            error.__traceback__ = kept
            waiting += [error.__cause__, error.__context__]
            waiting += getattr(error, "exceptions", None) or ()

    def prune(self, error):
        """Format like Python does, with the user's frames only."""
        try:
            return self.formatted(error)
        except BaseException:
            # The user's world is too broken even for that.
            return summary(error)

    def formatted(self, error):
        explained = traceback.TracebackException.from_exception(error)
        chain, seen = [explained], set()
        while chain:
            step = chain.pop()
            if step is None or id(step) in seen:
                continue
            seen.add(id(step))
            step.stack[:] = [f for f in step.stack if self.is_user_file(f.filename)]
            chain += [step.__cause__, step.__context__, *(getattr(step, "exceptions", None) or ())]
        return self.shown("".join(explained.format())).rstrip()


def is_a_skip(error):
    return isinstance(error, (Skipped, unittest.SkipTest))


def summary(error):
    """`Type: first line of the message`, for errors whose text may be hostile."""
    try:
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
        return first_line(text.splitlines()[-1] if isinstance(error, SyntaxError) else text)
    except BaseException:
        return type(error).__name__


class Broken(Exception):
    """The job cannot be run; carries the event that says so."""

    def __init__(self, phase, part, message, detail=None, line=None):
        super().__init__(message)
        self.event = {
            "kind": "broken",
            "phase": phase,
            "part": part,
            "line": line,
            "message": first_line(message),
            "detail": shorten(detail or message, 16_384),
        }


class TestModule(pytest.Module):
    """Source and tests in one namespace, made by this plugin, not found as a file."""

    namespace = None

    def _getobj(self):
        return self.namespace


def make_plugin(receive, emitter, make_guard):
    """The plugin.  Its state is in this closure: user code can get at the plugin
    through the plugin manager, but finds only stateless hook functions on it."""
    clock, leave = time.perf_counter, os._exit
    get_limit, set_limit = sys.getrecursionlimit, sys.setrecursionlimit
    lowest_limit = get_limit()
    folder = os.getcwd()
    the_import, the_assertion_error = builtins.__import__, AssertionError
    call_info, fail_types = pytest.CallInfo.from_call, (Skipped, unittest.SkipTest)
    is_a = isinstance
    emit = check = user = None
    found_broken, items, names_of_source = [], [], {}
    suspicion = current = None

    def suspect(reason):
        """Report the first reason not to believe this run."""
        nonlocal suspicion
        if suspicion is None and reason is not None:
            suspicion = reason
            emit({"kind": "tampered", "reason": shorten(reason, 500)})

    def restore_limit():
        """Code that made recursion shallower must not take pytest down with it."""
        if get_limit() < lowest_limit:
            set_limit(lowest_limit)

    # -- collection ----------------------------------------------------------

    def load(config):
        """Compile and execute both parts; return their module."""
        user.publish()
        codes = {}
        for part in ("source", "tests"):
            try:
                codes[part] = (
                    user.compile_source() if part == "source" else user.compile_tests(config)
                )
            except Exception as error:
                line = error.lineno if isinstance(error, SyntaxError) else None
                raise Broken("compile", part, summary(error), user.prune(error), line) from None
        module = types.ModuleType(MODULE)
        module.__file__ = user.paths["tests"]
        # Under the second name for tests that import what they test.
        sys.modules[MODULE] = sys.modules["source"] = module
        for part, code in codes.items():
            try:
                exec(code, module.__dict__)
            except BaseException as error:
                if is_a(error, fail_types):
                    raise Broken(
                        "collect", part, f"the module skips itself: {error}",
                        user.prune(error), user.line(error, part),
                    ) from None  # fmt: skip
                raise Broken(
                    "import", part, summary(error), user.prune(error), user.line(error, part)
                ) from None
            restore_limit()
            if part == "source":
                if builtins.__import__ is not the_import:
                    suspect("the code under test replaced __import__")
                names_of_source.update(module.__dict__)
            suspect(check())
        watch_namespace(module)
        return module

    def watch_namespace(module):
        names = module.__dict__
        if names.get("AssertionError", the_assertion_error) is not the_assertion_error:
            suspect("AssertionError was redefined")
        for name, right in (("@pytest_ar", rewrite), ("@py_builtins", builtins)):
            if names.get(name, right) is not right:
                suspect("the helpers of assert were replaced")
        # A mark on the code under test is no mark on the tests.
        if "pytestmark" in names_of_source:
            if names.get("pytestmark") is names_of_source["pytestmark"]:
                del names["pytestmark"]

    def definition_line(item):
        path, line, _ = item.location
        if line is not None and os.path.basename(path) == TESTS:
            return user.definitions.get(line + 1, line + 1)
        try:
            return user.definitions.get(item.parent.obj.__firstlineno__)
        except BaseException:
            return None

    def announce_collected():
        """Name every test, in as few frames as the limit allows."""
        batch, size, sent = [], 0, False
        for record in items:
            entry = {"id": record.id, "name": record.id, "line": record.line}
            weight = 2 * len(record.id.encode("utf-8", "replace")) + 60
            if len(batch) >= FRAME_TESTS or (batch and size + weight > FRAME_BYTES):
                emit({"kind": "collected", "tests": batch})
                batch, size, sent = [], 0, True
            batch.append(entry)
            size += weight
        if batch or not sent:
            emit({"kind": "collected", "tests": batch})

    class Record:
        """One collected test, with the function that was collected."""

        __slots__ = ("item", "id", "line", "function", "code")

        def __init__(self, item, taken):
            self.item = item
            name = item.nodeid.partition("::")[2] or item.nodeid
            self.id, again = shorten(name, 500), 1
            while self.id in taken:
                again += 1
                self.id = shorten(name, 490) + f" #{again}"
            taken.add(self.id)
            self.line = definition_line(item)
            self.function = underlying(item)
            self.code = getattr(self.function, "__code__", None)

    def underlying(item):
        obj = item.obj
        return getattr(obj, "__func__", obj)

    def collect(session):
        nonlocal emit, user
        job = receive()
        if job is None:
            leave(0)
        emit = emitter(job["token"])
        user = UserCode(folder, job)
        module = load(session.config)
        node = TestModule.from_parent(session, path=Path(user.paths["tests"]))
        node.namespace = module
        found = []
        for item in session.genitems(node):
            found.append(item)
            if len(found) > MOST_TESTS:
                raise Broken("collect", "tests", f"more than {MOST_TESTS} tests")
        session.items = found
        session.testscollected = len(found)
        session.config.hook.pytest_collection_modifyitems(
            session=session, config=session.config, items=found
        )
        suspect(check())
        if found_broken:
            raise found_broken[0]
        taken = set()
        items.extend(Record(item, taken) for item in found)
        session.config.hook.pytest_collection_finish(session=session)

    # -- judgement -----------------------------------------------------------

    class Outcome:
        """What is known of one test so far."""

        __slots__ = ("status", "message", "details", "line", "ended", "seconds")

        def __init__(self):
            self.status, self.message, self.details, self.line = "passed", None, [], None
            self.ended = False  # the whole session, by pytest.exit()
            self.seconds = 0.0  # in user code and fixtures, not in explaining

        def add(self, status, message, detail=None, line=None):
            """The first bad news is the one that counts; later texts are kept."""
            if self.status == "passed" or (self.status == "skipped" and status != "skipped"):
                self.status, self.message, self.line = status, message, line
            if detail:
                self.details.append(detail)

    def explain(item, call, error):
        """(report or None, the framework's text, the short message, the exception)."""
        # Reporting imports a thing or two, while a test's fake may still be in place.
        their_import, builtins.__import__ = builtins.__import__, the_import
        try:
            report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        except BaseException as trouble:
            # The user's world is too broken for pytest's text (os.getcwd raises, …).
            error = error or trouble
            return None, user.prune(error), summary(error), error
        finally:
            builtins.__import__ = their_import
        # Of a TestCase only the report knows; of others what was seen counts.
        error = call.excinfo.value if call.excinfo else error
        text, message = "", ""
        if report.failed:
            page = TerminalWriter(io.StringIO())
            page.fullwidth = 80
            report.toterminal(page)
            text = user.shown(page._file.getvalue()).strip("\n").rstrip()
            crash = getattr(report.longrepr, "reprcrash", None)
            told = re.search(r"^E +(\S.*)", text, re.M)
            message = crash.message if crash else told.group(1) if told else text
        return report, text, first_line(user.shown(message)), error

    def judge(item, when, outcome, **more):
        """Run one phase; tell whether the test may go on."""
        seen = []
        hook = getattr(item.ihook, "pytest_runtest_" + when)

        def run():
            start = clock()
            try:
                hook(item=item, **more)
            except BaseException as error:
                seen.append(error)
                raise
            finally:
                outcome.seconds += clock() - start

        call = call_info(run, when)
        restore_limit()
        if when == "call" or seen:
            suspect(check(everything=False))
        report, text, message, error = explain(item, call, seen[0] if seen else None)
        bad = "failed" if when == "call" else "error"
        verdict = report.outcome if report is not None else bad
        line = user.line(error) if error else None
        if is_a(error, Exit) or (seen and is_a(seen[0], Exit)):
            outcome.ended = True
            outcome.add(bad, first_line(f"Exit: {error}"), user.prune(error), line)
            return False
        if verdict == "passed":
            if error is not None and not hasattr(report, "wasxfail"):
                suspect("a test that raised was reported as passed")
                outcome.add(bad, summary(error), user.prune(error), line)
                return False
            return True
        if verdict == "skipped":
            expected = getattr(report, "wasxfail", None)
            if expected is None and not is_a(error, fail_types):
                suspect("a test that raised was reported as skipped")
                outcome.add(bad, summary(error), user.prune(error), line)
            elif is_a(error, (*fail_types, XFailed)) and user.raised_by_source(error):
                reason = first_line(f"skipped by the code under test: {error}")
                outcome.add(bad, reason, user.prune(error), line)
            elif expected is not None:
                reason = expected[8:] if expected.startswith("reason: ") else expected
                outcome.add("skipped", first_line(f"xfail: {reason}".rstrip(": ")))
            else:
                reason = report.longrepr[2] if is_a(report.longrepr, tuple) else str(error)
                reason = reason[9:] if reason.startswith("Skipped: ") else reason
                outcome.add("skipped", first_line(reason))
            return False
        outcome.add(bad, message, text, line)
        return False

    def untouched(record):
        """The function about to run is the one that was collected."""
        item = record.item
        function = underlying(item)
        return (
            function is record.function
            and getattr(function, "__code__", None) is record.code
            and not any(name in vars(item) for name in ITEM_METHODS)
        )

    def run_one(record, following):
        """Set up, call and tear down; True unless the session was told to end."""
        item, outcome = record.item, Outcome()
        emit({"kind": "started", "id": record.id})
        if hasattr(item, "_request") and not item._request:
            item._initrequest()
        if judge(item, "setup", outcome):
            if not untouched(record):
                suspect(f"the function of {record.id} was replaced after collection")
            judge(item, "call", outcome)
        judge(item, "teardown", outcome, nextitem=None if outcome.ended else following)
        item._request = False
        item.funcargs = None
        bad = outcome.status in ("failed", "error")
        detail = "\n\n".join(outcome.details)
        emit({
            "kind": "finished",
            "id": record.id,
            "status": outcome.status,
            "duration_ms": round(outcome.seconds * 1000, 3),
            "message": outcome.message,
            "detail": shorten(detail, 16_384) if detail else None,
            "line": (outcome.line or record.line) if bad else None,
        })  # fmt: skip
        return not outcome.ended

    # -- hooks ---------------------------------------------------------------

    class Plugin:
        @staticmethod
        @pytest.hookimpl(tryfirst=True)
        def pytest_collection(session):
            try:
                collect(session)
            except Broken as broken:
                emit(broken.event)
                items.clear()
                finish()
            except BaseException as error:
                give_up(error)
            announce_collected()
            return True

        @staticmethod
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(session):
            nonlocal current
            run = session.config.hook.pytest_runtest_protocol
            followers = [record.item for record in items[1:]] + [None]
            try:
                for current, following in zip(items, followers):
                    run(item=current.item, nextitem=following)
            except BaseException as error:
                give_up(error)
            finish()

        @staticmethod
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            if not run_one(current, nextitem):
                finish()
            return True

        @staticmethod
        def pytest_runtest_makereport(item, call):
            """Leave only the user's frames to be shown."""
            if call.excinfo is not None and user.frames(call.excinfo.value):
                user.strip(call.excinfo.value)
                call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)

        @staticmethod
        @pytest.hookimpl(tryfirst=True)
        def pytest_pycollect_makeitem(collector, name, obj):
            """What the code under test defines is not a test, whatever it is called."""
            if is_a(collector, TestModule) and names_of_source.get(name) is obj is not None:
                return []

        @pytest.fixture
        def record_property(self, request):
            """Of the junitxml plugin, which is not loaded; nobody reads it."""
            return lambda name, value: request.node.user_properties.append((name, value))

        @staticmethod
        def pytest_exception_interact(node, call, report):
            if call.when == "collect" and not found_broken:
                error = call.excinfo.value
                text = user.shown(report.longreprtext).strip()
                line = user.line(error)
                if line is None:
                    named = re.search(r"\bIn (\w+):|\b(test\w+)", text)
                    line = named and line_of(named.group(1) or named.group(2))
                message = text if is_a(error, node.CollectError) else summary(error)
                if is_a(error, node.CollectError):
                    message = (re.sub(r"^E +", "", text.splitlines()[-1]) if text else "").strip()
                found_broken.append(Broken("collect", "tests", message, text, line))

        @staticmethod
        @pytest.hookimpl(tryfirst=True)
        def pytest_assertrepr_compare(config, op, left, right):
            """No character-wise diff of texts so long that it would take minutes."""
            if op == "==" and is_a(left, str) and is_a(right, str):
                if len(left) + len(right) > LONGEST_TEXT:
                    return [
                        f"texts of {len(left)} and {len(right)} characters are not equal",
                        *differing(left, right),
                    ]

    def line_of(name):
        for line, text in enumerate(user.texts["tests"].splitlines(), 1):
            if re.match(rf"\s*(async\s+)?def\s+{name}\b", text):
                return line
        return None

    def differing(left, right):
        at = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), None)
        if at is None:
            at = min(len(left), len(right))
        low = max(0, at - 20)
        return [
            f"first difference at character {at}:",
            f"- {right[low : at + 40]!r}",
            f"+ {left[low : at + 40]!r}",
        ]

    def give_up(error):
        """The run cannot go on for a reason of the harness or pytest itself."""
        emit(Broken("collect", "tests", f"internal error: {summary(error)}", user.prune(error)).event)
        finish()

    def finish():
        suspect(check())
        emit({"kind": "done"})
        leave(0)

    def arm(session):
        nonlocal check
        check = make_guard(session.config.pluginmanager)

    return Plugin(), arm
