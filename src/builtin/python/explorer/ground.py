"""What the explorer stands on: how it reports, what a call may do, when a call is ended.

The files of this folder are one program. `order.txt` says how they are joined; names of one
file are used in the others without an import, and only this one imports. The program runs inside
the sandbox, as the code under test of a run whose only test is `explore(plan)`. It is longer than
such a text may be, so it goes there compressed.

User code runs in the same process. So everything that must work after it ran is bound here,
before it is loaded, and builtins are put back after each call.
"""

import ast
import asyncio
import builtins
import contextlib
import enum
import functools
import inspect
import io
import itertools
import json
import math
import operator
import os
import random
import re
import signal
import sys
import textwrap
import time
import types

MODULE = "test_code"  # the name that code under test has in this product
SOURCE_FILE = "source.py"
PRINTED_LIMIT = 16 * 1024  # characters that one call may print
CALL_SECONDS = 1.0  # wall time of one call; only what no counter sees gets that far
REPORT_LIMIT = 480 * 1024  # bytes of records, below what the engine reads
NAP_LIMIT = 0.05  # seconds that a test may sleep

clock = time.perf_counter
real_stdout = sys.stdout
json_text = json.dumps
known_builtins = dict(vars(builtins))


class Stop(BaseException):
    """Ends a call that went past its limits. No `except Exception` of user code holds it."""


class Refused(BaseException):
    """Ends a call that reached for something outside of the program: a file, a process, a socket."""


class OutOfTime(Exception):
    """The explorer's own budget is spent: finish with what is there."""


class Reporter:
    """Writes records, one a line, each behind the nonce that user code cannot know."""

    def __init__(self, nonce):
        self.nonce = nonce
        self.bytes = 0
        self.write = real_stdout.write
        self.flush = real_stdout.flush

    def __call__(self, kind, **fields):
        line = f"{self.nonce} {json_text({'kind': kind, **fields})}\n"
        # The summary is small and must not be lost to a large suite.
        if self.bytes + len(line) > REPORT_LIMIT and kind in ("test", "draft"):
            return False
        self.bytes += len(line)
        # User code may have left half a line behind.
        self.write("\n" + line)
        self.flush()
        return True


class Tape(io.StringIO):
    """Takes the place of a standard stream during a call."""

    def __init__(self, ends_call=True):
        super().__init__()
        self.ends_call = ends_call
        self.length = 0

    def write(self, text):
        self.length += len(text)
        if self.length > PRINTED_LIMIT:
            if self.ends_call:
                raise Stop
            return len(text)
        return super().write(text)


# Audit events of what a unit test has no business with. Reading the interpreter's own files
# (a late import) is let through.
REFUSED_EVENTS = frozenset(
    """
    builtins.input os.chmod os.chown os.exec os.fork os.forkpty os.kill os.killpg os.link os.mkdir
    os.posix_spawn os.remove os.rename os.rmdir os.scandir os.spawn os.symlink os.system os.truncate
    os.utime os.walk pty.spawn shutil.copyfile shutil.move shutil.rmtree signal.pthread_kill
    socket.bind socket.connect socket.getaddrinfo socket.gethostbyname socket.sendto
    subprocess.Popen tempfile.mkdtemp tempfile.mkstemp urllib.Request webbrowser.open
    ctypes.dlopen ctypes.dlsym
""".split()
)
INTERPRETER_PATHS = tuple({sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)})


class Warden:
    """Watches one call at a time: refuses what reaches outside, ends what takes too long.

    An audit hook sees every way to a file or a process, however it was imported. It cannot be
    taken out again, so it does nothing unless a call is being watched.
    """

    def __init__(self, exhaust):
        self.exhaust = exhaust  # takes the steps that a call has left away from it
        self.watching = False
        self.refused = None
        self.slept = 0.0
        self.deadline = math.inf
        self.saved = {}
        sys.addaudithook(self.audit)

    def audit(self, event, arguments):
        if not self.watching:
            return
        if event == "open":
            path, mode = arguments[0], arguments[1]
            if isinstance(path, int):
                return
            reads = mode is None or not set("wax+") & set(str(mode))
            if reads and os.fspath(path).startswith(INTERPRETER_PATHS):
                return
            self.refuse("files")
        elif event in REFUSED_EVENTS:
            self.refuse(event)

    def refuse(self, what):
        self.refused = what
        raise Refused(what)

    def alarm(self, signum, frame):
        if self.watching and clock() > self.deadline:
            # Once: what swallows this is ended at its next step.
            self.deadline = math.inf
            self.exhaust()
            raise Stop

    def install(self):
        """Put stand-ins where a call would end the process or wait."""

        def leave(*_):
            self.refuse("os._exit")

        def nap(seconds):
            self.slept += seconds
            if self.slept > NAP_LIMIT:
                self.refused = "sleeping"

        async def nap_async(delay, result=None):
            nap(delay)
            return await self.saved[asyncio, "sleep"](0, result)

        replacements = [
            (os, "_exit", leave), (os, "abort", leave), (time, "sleep", nap),
            (asyncio, "sleep", nap_async), (sys, "stdin", io.StringIO()),
        ]  # fmt: skip
        for owner, name, value in replacements:
            self.saved[owner, name] = getattr(owner, name)
            setattr(owner, name, value)
        try:
            self.former = signal.signal(signal.SIGALRM, self.alarm)
            signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
        except (ValueError, OSError):
            self.former = None  # not the main thread: counters alone end calls

    def uninstall(self):
        if self.former is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.former)
        for (owner, name), value in self.saved.items():
            setattr(owner, name, value)

    def watch(self, seconds=CALL_SECONDS):
        """Start to watch; gives the tape of what is printed.

        The caller sets `watching` to false itself, in a `finally`: there no signal can come
        between, as it could on the way into a function.
        """
        tape = Tape()
        self.before = sys.stdout, sys.stderr, sys.getrecursionlimit()
        sys.stdout, sys.stderr = tape, Tape(ends_call=False)
        self.refused, self.slept = None, 0.0
        self.deadline = clock() + seconds
        self.watching = True
        return tape

    def rest(self):
        """Put back what the call may have changed, once it is no longer watched."""
        sys.stdout, sys.stderr, recursion = self.before
        if sys.getrecursionlimit() != recursion:
            sys.setrecursionlimit(recursion)
        self.put_builtins_back()

    @staticmethod
    def put_builtins_back():
        now = vars(builtins)
        # Equality of dicts looks at identity first: this costs little while nothing was changed.
        if now != known_builtins:
            now.clear()
            now.update(known_builtins)


class Elsewhen:
    """Another time, for running a case again: what depends on it differs."""

    CALENDARS = {}
    CLOCKS = ("time", "time_ns", "monotonic", "perf_counter")

    def __init__(self, number):
        self.days = 401 * number + 3
        self.number = number
        self.saved = {}

    def __enter__(self):
        seconds = self.days * 86_400 + 12_345
        for name in self.CLOCKS:
            self.saved[name] = getattr(time, name)
            setattr(
                time,
                name,
                shifted(self.saved[name], seconds * (10**9 if name.endswith("_ns") else 1)),
            )
        library = sys.modules.get("datetime")
        self.library = library
        if library is not None:
            if self.number not in self.CALENDARS:
                shift = library.timedelta(seconds=seconds)
                self.CALENDARS[self.number] = self.calendar(library, shift)
            sys.modules["datetime"] = self.CALENDARS[self.number]
        return self

    def __exit__(self, *_):
        for name, function in self.saved.items():
            setattr(time, name, function)
        if self.library is not None:
            sys.modules["datetime"] = self.library

    @staticmethod
    def calendar(library, shift):
        """The module `datetime`, as if it were another day."""

        class date(library.date):
            @classmethod
            def today(cls):
                day = library.date.today() + shift
                return cls(day.year, day.month, day.day)

        class datetime(library.datetime):
            @classmethod
            def now(cls, tz=None):
                return super().now(tz) + shift

            @classmethod
            def utcnow(cls):
                return super().utcnow() + shift

            @classmethod
            def today(cls):
                return super().now() + shift

        for kind in (date, datetime):
            kind.__module__, kind.__qualname__ = "datetime", kind.__name__
        module = types.ModuleType("datetime")
        vars(module).update(vars(library), date=date, datetime=datetime)
        return module


def shifted(function, amount):
    return lambda: function() + amount


class Meter:
    """Counts the steps of a call and what it reached. The functions are probes in user code."""

    def __init__(self):
        left = 0
        counts, ways, operands, distances = {}, {}, {}, {}
        numbers, comparable = (int, float), (int, float, str)

        def tick():
            nonlocal left
            left -= 1
            if left < 0:
                raise Stop
            return True

        def hit(number):
            nonlocal left
            left -= 1
            if left < 0:
                raise Stop
            counts[number] = counts.get(number, 0) + 1

        def branch(number, value):
            value = True if value else False
            way = (number, value)
            ways[way] = ways.get(way, 0) + 1
            return value

        def compare(number, apply, left_side, right_side):
            kind, other = type(left_side), type(right_side)
            if kind in comparable and other in comparable:
                seen = operands.setdefault(number, [])
                if len(seen) < 4:
                    seen.append((left_side, right_side))
                if kind in numbers and other in numbers:
                    gap = abs(left_side - right_side)
                    if gap < distances.get(number, math.inf):
                        distances[number] = gap
            return apply(left_side, right_side)

        def begin(limit):
            nonlocal left
            left = limit
            counts.clear()
            ways.clear()
            operands.clear()
            distances.clear()

        def remaining():
            return left

        def exhaust():
            nonlocal left
            left = -1

        self.tick, self.hit, self.branch, self.compare = tick, hit, branch, compare
        self.begin, self.remaining, self.exhaust = begin, remaining, exhaust
        self.counts, self.ways, self.operands = counts, ways, operands
        self.distances = distances
