"""Import pytest and its plugins without what they ask for and never use here.

pygments colours output, importlib.metadata looks for installed plugins, ssl is
for asyncio's network, typing_extensions for annotations that nobody evaluates:
together they cost more than a third of all imports.
Stand-ins are there only while the framework is imported; user code that imports
one of these gets the real one.
"""

import sys
import types


def load():
    stand_ins = []

    def stand_in(name, **attributes):
        if name in sys.modules:
            return
        module = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(attributes)
        sys.modules[name] = module
        stand_ins.append(name)

    class Unused:
        pass

    stand_in("pygments")
    stand_in("pygments.formatters")
    stand_in("pygments.formatters.terminal", TerminalFormatter=Unused)
    stand_in("pygments.lexer", Lexer=Unused)
    stand_in("pygments.lexers")
    stand_in("pygments.lexers.diff", DiffLexer=Unused)
    stand_in("pygments.lexers.python", PythonLexer=Unused)
    stand_in("importlib.metadata", version=lambda name: "")
    if (3, 11) <= sys.version_info < (3, 13):  # before, more than annotations needs it
        stand_in("typing_extensions", TypeIs=Unused)
    if "ssl" not in sys.modules:
        sys.modules["ssl"] = None  # asyncio then knows that there is none
        stand_ins.append("ssl")

    import pytest  # noqa: F401
    import pytest_asyncio.plugin  # noqa: F401
    import pytest_mock  # noqa: F401

    for name in stand_ins:
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        if parent and parent not in stand_ins:
            vars(sys.modules[parent]).pop(child, None)
