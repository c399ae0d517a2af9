"""Starts a program: `tf.app.run()`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import flags

__all__ = ["flags", "run"]


def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> None:
    """Reads the flags, runs `main` and ends the program.

    Args:
        main: called with the program's name and the arguments that are no flags; the `main` of the program's own
            file by default. What it returns is the exit status.
        argv: the command line; that of the process by default.

    Raises:
        SystemExit: always: the program ends here. A wrong flag is said on the terminal, with exit status 1.
    """
    try:
        rest = flags.FLAGS(list(sys.argv if argv is None else argv), known_only=True)
        if any(word in ("--help", "-help", "-h", "--helpfull", "--helpshort") for word in rest[1:]):
            print((sys.modules["__main__"].__doc__ or "").strip())
            print(flags.FLAGS.get_help())
            sys.exit(1)
    except flags.Error as error:
        print(f"FATAL Flags parsing error:\n  {error}\nPass --help to see the flags.", file=sys.stderr)
        sys.exit(1)
    main = main or sys.modules["__main__"].main
    sys.exit(main(rest))
