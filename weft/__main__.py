"""The command line: `python -m weft COMMAND` or `weft COMMAND`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS = {
    "ops": ("cli_ops", "which ops there are: gradient, backends, cost"),
    "devices": ("cli_cluster", "the devices of this machine and those on the Ray cluster"),
    "up": ("cli_cluster", "start a cluster of device actors that outlives this command"),
    "down": ("cli_cluster", "end such a cluster"),
    "run": ("cli_run", "run a TensorFlow-1 program with weft in the place of TensorFlow"),
    "inspect": ("cli_inspect", "what a checkpoint, SavedModel, event file or TFRecord file holds"),
    "plan": ("cli_plan", "where a graph's ops go on a cluster, and how fast a step is then"),
    "calibrate": ("cli_calibrate", "measure this machine's devices and links, for plans"),
    "doctor": ("cli_doctor", "what of weft works on this machine, and what is missing"),
}
"""Command → the module whose `main(arguments)` it calls, and what it does; `cli_cluster` is given the command too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status.

    Args:
        arguments: the command and its arguments; those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print("usage: weft COMMAND [ARGUMENTS]\n")
        for name, (_, text) in _COMMANDS.items():
            print(f"  {name:9} {text}")
        print("\n`weft COMMAND --help` shows a command's arguments.")
        return 0
    if given[0] not in _COMMANDS:
        print(f"weft: there is no command {given[0]!r}; there are {', '.join(_COMMANDS)}", file=sys.stderr)
        return 2
    module_name = _COMMANDS[given[0]][0]
    module = importlib.import_module(f".{module_name}", __package__)
    rest = given if module_name == "cli_cluster" else given[1:]
    try:
        return int(module.main(rest) or 0)
    except KeyboardInterrupt:
        print("weft: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
