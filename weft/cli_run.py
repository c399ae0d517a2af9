"""`weft run`: runs a TensorFlow-1 program with weft in the place of TensorFlow, on any target."""

from __future__ import annotations

import argparse
import json
import os
import runpy
import sys
from collections.abc import Sequence

from .graph.errors import OpError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Runs the program; its exit status."""
    parser = argparse.ArgumentParser(
        prog="weft run",
        description="Runs a Python program written for TensorFlow 1; `import tensorflow` gives weft in it.",
        epilog="What follows SCRIPT goes to the program.",
    )
    parser.add_argument("script", metavar="SCRIPT", help="the program; -m MODULE for a module")
    parser.add_argument("--target", help="what sessions run on where the program does not say: local, ray, "
                        "ray://host:port, weft://NAME")  # fmt: skip
    parser.add_argument("--cluster", metavar="FILE or JOB=N,...", help="jobs and tasks, as for `weft up`")
    parser.add_argument("--time", action="store_true", help="say on standard error how long the program took")
    own, rest = _divided(list(arguments))
    args = parser.parse_args(own)
    try:
        environment = _environment(args.target, args.cluster)
    except OpError as error:
        print(f"weft run: {error}", file=sys.stderr)
        return 2
    if not os.path.isfile(args.script):
        print(f"weft run: there is no file {args.script}", file=sys.stderr)
        return 2
    return _run(args.script, rest, environment, args.time)


def _divided(words: list[str]) -> tuple[list[str], list[str]]:
    """The words up to the program's path, with options that follow it up to a "--"; and the program's own."""
    script = None
    i = 0
    while i < len(words):
        word = words[i]
        if word == "--":
            return words[:i], words[i + 1 :]
        if word in ("--target", "--cluster"):
            i += 1
        elif not word.startswith("-"):
            if script is not None:
                return words[:i], words[i:]
            script = word
        elif script is not None and not word.startswith(("--target=", "--cluster=")) and word != "--time":
            return words[:i], words[i:]
        i += 1
    return words, []


def _environment(target: str | None, cluster: str | None) -> dict[str, str]:
    """What tells sessions without a target and cluster of their own where to run."""
    made = {}
    if target:
        made["WEFT_TARGET"] = target
    if cluster:
        from .cli_cluster import _read_spec

        spec = _read_spec(cluster)
        made["WEFT_CLUSTER"] = json.dumps(
            {
                "jobs": spec.as_dict(),
                "resources": {job: dict(needs) for job, needs in spec.resources.items()},
                "backends": dict(spec.backends),
                "strategy": spec.strategy,
            }
        )
    return made


def _run(script: str, rest: list[str], environment: dict[str, str], timed: bool) -> int:
    import time

    from . import served

    before = {name: os.environ.get(name) for name in environment}
    argv, path = sys.argv, list(sys.path)
    os.environ.update(environment)
    served.serve()
    sys.argv = [script, *rest]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    started = time.perf_counter()
    try:
        runpy.run_path(script, run_name="__main__")
        return 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    finally:
        if timed:
            print(f"weft run: {time.perf_counter() - started:.1f} s", file=sys.stderr)
        served.stop()
        sys.argv, sys.path[:] = argv, path
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
