"""Import pytest and its plugins without what they ask for and never use here.

pygments colours output, importlib.metadata looks for installed plugins, ssl is
for asyncio's network: together they cost more than a third of all imports.
Stand-ins are there only while the framework is imported; user code that imports
one of these gets the real one.
"""

import importlib
import sys
import types


def load():
    def stand_in(name, **attributes):
        module = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(attributes)
        sys.modules[name] = module

    class Unused:
        pass

    before = set(sys.modules)
    stand_in("pygments")
    stand_in("pygments.formatters")
    stand_in("pygments.formatters.terminal", TerminalFormatter=Unused)
    stand_in("pygments.lexer", Lexer=Unused)
    stand_in("pygments.lexers")
    stand_in("pygments.lexers.diff", DiffLexer=Unused)
    stand_in("pygments.lexers.python", PythonLexer=Unused)
    if "importlib.metadata" not in before:
        stand_in("importlib.metadata", version=lambda name: "")
    if "ssl" not in before:
        sys.modules["ssl"] = None  # asyncio then knows that there is none

    import pytest  # noqa: F401
    import pytest_asyncio.plugin  # noqa: F401
    import pytest_mock  # noqa: F401

    for name in list(sys.modules):
        if name in ("ssl", "importlib.metadata") or name.partition(".")[0] == "pygments":
            if name not in before:
                del sys.modules[name]
    if isinstance(getattr(importlib, "metadata", None), types.ModuleType):
        if "importlib.metadata" not in sys.modules:
            del importlib.metadata
