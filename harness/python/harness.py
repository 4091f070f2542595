"""Run one job of pasted Python code and unit tests, and report test by test.

Started ahead of the job as `python3 -I -X utf8 harness.py`: everything that can
be done without the job (importing, pytest's configuration) is done before
`ready` is said, then one job is run in this very process, which then ends.
"""

import gc
import io
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIB = os.path.join(HERE, "lib")

# What pytest would bring along and nobody here needs.
UNUSED_PLUGINS = (
    "cacheprovider", "debugging", "doctest", "faulthandler", "freeze_support", "junitxml",
    "legacypath", "pastebin", "setuponly", "setupplan", "stepwise", "terminal",
    "threadexception", "unraisableexception",
)  # fmt: skip


def arguments(folder, temporary):
    """pytest's command line: no file of the user configures anything."""
    args = ["-s", "--noconftest", "-c", os.devnull, f"--rootdir={folder}"]
    args += [f"--basetemp={os.path.join(temporary, 'pytest')}", "--disable-plugin-autoload"]
    args += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    for plugin in UNUSED_PLUGINS:
        args += ["-p", f"no:{plugin}"]
    return args


def main():
    gc.disable()
    sys.dont_write_bytecode = True
    sys.path[:0] = [HERE, LIB]
    from channel import open_channel

    receive, announce, emitter = open_channel()
    import imports

    imports.load()
    import pytest
    import pytest_asyncio.plugin
    import pytest_mock
    from guard import make_guard
    from judge import make_plugin
    from _pytest._io import TerminalWriter

    plugin, arm = make_plugin(receive, emitter, make_guard)
    sys.path.remove(HERE)
    for name in ("channel", "guard", "imports", "judge"):
        del sys.modules[name]

    class Terminal:
        """Stands in for pytest's terminal reporter, which only its explanations ask for."""

        _tw = TerminalWriter(io.StringIO())

    class Ready:
        """Says `ready` once pytest has configured itself."""

        @staticmethod
        @pytest.hookimpl(trylast=True)
        def pytest_sessionstart(session):
            session.config.pluginmanager.unregister(ready)
            # Of the debugging plugin, which is not loaded but asked about.
            session.config.option.usepdb = session.config.option.trace = False
            session.config.pluginmanager.register(Terminal, "terminalreporter")
            arm(session)
            # What exists now is never looked at again by the collector: cheaper, and
            # nothing of it is in gc.get_objects().
            gc.freeze()
            gc.enable()
            version = ".".join(map(str, sys.version_info[:3]))
            announce({"type": "ready", "versions": {"python": version, "pytest": pytest.__version__}})

    ready = Ready()
    temporary = os.environ.get("TMPDIR", "/tmp")
    plugins = [pytest_asyncio.plugin, pytest_mock, plugin, ready]
    pytest.main(arguments(os.getcwd(), temporary), plugins)
    # Only when pytest ends by itself, which it should not.
    os._exit(1)


if __name__ == "__main__":
    main()
