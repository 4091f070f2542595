"""Notice when user code changes what decides a verdict.

A snapshot of everything that is defined in the test framework (functions with
their code, classes with their members, hook implementations) is taken before
user code exists, and compared after the import and at the end; its core, what
one test's outcome rests on, also after the body of each test.  Honest tests
patch plenty (open, print, time, os, their own modules) and forget to undo it:
none of that is looked at.

Everything is compared by identity, never by `==`, which user code can answer.
"""

import builtins
import sys
import types
from operator import attrgetter, is_, itemgetter

# Packages whose every function and class has a part in verdicts …
FRAMEWORK = ("pytest", "_pytest", "pluggy", "unittest", "pytest_asyncio", "pytest_mock")
# … and those among their modules that are looked at after each test.
CORE = (
    "_pytest.assertion", "_pytest.assertion.rewrite", "_pytest.assertion.util",
    "_pytest.outcomes", "_pytest.python_api", "_pytest.raises", "_pytest.recwarn",
    "_pytest.reports", "_pytest.runner", "_pytest.skipping", "_pytest.unittest",
    "builtins", "pluggy._callers", "pluggy._hooks", "pluggy._manager", "pluggy._result",
    "pytest", "unittest", "unittest.case",
)  # fmt: skip

# Builtins that asserts and the framework decide with.  Not those that honest
# tests replace: open, print, input, __import__, exit, id, hash, round, …
DECIDING = (
    "AssertionError", "BaseException", "Exception", "KeyboardInterrupt", "SystemExit",
    "all", "any", "bool", "bytes", "callable", "classmethod", "dict", "enumerate",
    "float", "frozenset", "getattr", "hasattr", "int", "isinstance", "issubclass",
    "iter", "len", "list", "locals", "next", "object", "property", "range", "repr",
    "set", "setattr", "staticmethod", "str", "super", "tuple", "type", "zip",
)  # fmt: skip

DESCRIPTORS = (types.FunctionType, types.MethodType, classmethod, staticmethod, property)


class Snapshot:
    """What some modules define.  `compare()` is None or the first difference."""

    def __init__(self):
        self.owners = []  # (namespace, itemgetter of the keys, values, name, keys)
        self.functions = []
        self.classes = []  # (class, bases, number of attributes, their names, name)
        self.seen = set()

    def add_names(self, namespace, entries, name):
        if entries:
            keys = list(entries)
            # Never one key alone: itemgetter would not answer with a tuple.
            keys += keys[:1] if len(keys) == 1 else []
            values = [entries[key] for key in keys]
            self.owners.append((namespace, itemgetter(*keys), values, name, keys))

    def add_function(self, function):
        if isinstance(function, (classmethod, staticmethod)):
            function = function.__func__
        if isinstance(function, property):
            for part in (function.fget, function.fset, function.fdel):
                self.add_function(part)
        elif isinstance(function, types.FunctionType) and id(function) not in self.seen:
            self.seen.add(id(function))
            self.functions.append(function)

    def add_class(self, cls):
        if id(cls) in self.seen:
            return
        self.seen.add(id(cls))
        namespace = vars(cls)
        parts = {k: v for k, v in namespace.items() if callable(v) or isinstance(v, DESCRIPTORS)}
        name = f"{cls.__module__}.{cls.__qualname__}"
        self.add_names(namespace, parts, name)
        self.classes.append((cls, cls.__bases__, len(namespace), frozenset(namespace), name))
        for value in parts.values():
            if not isinstance(value, type):
                self.add_function(value)
            elif value.__module__ == cls.__module__:
                self.add_class(value)

    def add_module(self, module):
        namespace = vars(module)
        parts = {k: v for k, v in namespace.items() if callable(v)}
        self.add_names(namespace, parts, module.__name__)
        for value in parts.values():
            if not isinstance(value, type):
                self.add_function(value)
            elif value.__module__ == module.__name__:
                self.add_class(value)

    def comparer(self):
        """`compare`, with all it needs in its closure."""
        parts = [attrgetter(n) for n in ("__code__", "__defaults__", "__kwdefaults__")]
        owners, classes, functions = self.owners, self.classes, self.functions
        kept = [[part(function) for function in functions] for part in parts]
        bases_of = type.__dict__["__bases__"].__get__
        every, apply, same, size, missing = all, map, is_, len, object()
        is_callable, is_a, pair = callable, isinstance, zip

        def first_replaced(namespace, values, keys):
            for key, value in pair(keys, values):
                if namespace.get(key, missing) is not value:
                    return key

        def compare():
            for namespace, getter, values, name, keys in owners:
                try:
                    intact = every(apply(same, getter(namespace), values))
                except KeyError:
                    intact = False
                if not intact:
                    return f"{name}.{first_replaced(namespace, values, keys)} was replaced"
            for part, values in pair(parts, kept):
                if not every(apply(same, apply(part, functions), values)):
                    for function, value in pair(functions, values):
                        if part(function) is not value:
                            name = f"{function.__module__}.{function.__qualname__}"
                            return f"the code of {name} was replaced"
            for cls, bases, count, known, name in classes:
                now = bases_of(cls)
                if size(now) != size(bases) or not every(apply(same, now, bases)):
                    return f"the bases of {name} were replaced"
                if size(cls.__dict__) != count:
                    for key, value in cls.__dict__.items():
                        if key not in known and (is_callable(value) or is_a(value, DESCRIPTORS)):
                            return f"{name}.{key} was added"
            return None

        return compare


def make_guard(plugins):
    """Take the snapshots; return `check(everything)`, which is None or what is wrong.

    `plugins` is pytest's plugin manager, with every plugin registered.
    """
    hooks = plugins.hook
    loaded = sys.modules
    core, rest = Snapshot(), Snapshot()
    modules = {"builtins": builtins}
    for name, module in sorted(loaded.items()):
        if name.partition(".")[0] in FRAMEWORK and isinstance(module, types.ModuleType):
            modules[name] = module
            (core if name in CORE else rest).add_module(module)
    core.add_names(vars(builtins), {n: getattr(builtins, n) for n in DECIDING}, "builtins")

    own = {key: value for key, value in vars(plugins).items() if callable(value) or key == "hook"}
    core.add_names(vars(plugins), own, "the plugin manager")
    core.add_names(vars(hooks), dict(vars(hooks)), "the hooks")
    relays, short = [], []
    for name, relay in vars(hooks).items():
        impls = relay.get_hookimpls()
        functions = [impl.function for impl in impls]
        entry = (name, relay, relay.get_hookimpls, relay._hookexec, impls, functions)
        relays.append(entry)
        if name.startswith(("pytest_runtest", "pytest_pyfunc", "pytest_fixture")):
            short.append(entry)
        for function in functions:
            rest.add_function(getattr(function, "__func__", function))
    compare_core, compare_rest = core.comparer(), rest.comparer()
    every, apply, same, size, function_of = all, map, is_, len, attrgetter("function")

    def check(everything=True):
        reason = compare_core() or (compare_rest() if everything else None)
        if reason:
            return reason
        for name, relay, implementations, run, impls, functions in relays if everything else short:
            now = implementations()
            if (
                relay._hookexec is not run
                or size(now) != size(impls)
                or not every(apply(same, now, impls))
                or not every(apply(same, apply(function_of, now), functions))
            ):
                return f"the implementations of {name} were changed"
        if everything:
            for name, module in modules.items():
                if loaded.get(name, module) is not module:
                    return f"sys.modules[{name!r}] was replaced"
        return None

    return check
