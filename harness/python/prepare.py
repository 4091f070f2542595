"""Run once after installation: `python3 -I prepare.py`, with the interpreter of the harness.

Byte-compiles the harness and its libraries next to their sources.  The files
are marked as "unchecked": at run time Python neither looks at the sources nor
tries to write anything, so the folder can be mounted read-only.
"""

import compileall
import os
import py_compile
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    done = compileall.compile_dir(HERE, quiet=1, force=True, invalidation_mode=mode)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
