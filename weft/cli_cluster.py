"""`weft devices`, `weft up` and `weft down`: clusters of device actors from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from .graph.errors import OpError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Runs `devices`, `up` or `down`; the exit status."""
    command, *rest = arguments
    try:
        return {"devices": _devices, "up": _up, "down": _down}[command](rest)
    except OpError as error:
        print(f"weft {command}: {error}", file=sys.stderr)
        return 1


def _devices(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="weft devices", description="Lists devices.")
    parser.add_argument(
        "--ray", action="store_true", help="also those of clusters and sessions on the Ray cluster"
    )
    args = parser.parse_args(arguments)
    from .actors.inventory import list_local_devices

    print("this machine:")
    for device in list_local_devices():
        print(f"  {device.name}  {device.backend}  {device.memory_limit_bytes / 2**30:.1f} GiB")
    if args.ray:
        from .actors.config import ConfigProto
        from .actors.launch import attach
        from .actors.shared import list_clusters

        attach("ray", 1, ConfigProto())
        clusters = list_clusters()
        for name, devices in clusters.items():
            print(f"weft://{name}:")
            for short in devices:
                print(f"  {short}")
        if not clusters:
            print("no devices on the Ray cluster")
    return 0


def _up(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="weft up", description="Starts device actors; sessions reach them as weft://NAME."
    )
    parser.add_argument("name", help="name of the cluster")
    parser.add_argument(
        "--cluster",
        required=True,
        metavar="FILE or JOB=N,...",
        help='jobs and tasks: "ps=1,worker=2", or a JSON file with "jobs" and, if wanted, "resources", "backends", '
        '"strategy" as in ClusterSpec',
    )
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds to wait for resources")
    args = parser.parse_args(arguments)
    from .actors.config import ConfigProto
    from .actors.shared import cluster_up

    spec = _read_spec(args.cluster)
    for info in cluster_up(args.name, spec, ConfigProto(start_timeout=args.timeout)):
        print(f"{info.name}  {info.backend}")
    print(f'up: tf.Session("weft://{args.name}"); `weft down {args.name}` ends it')
    return 0


def _read_spec(text: str) -> Any:
    from .actors.cluster_spec import ClusterSpec
    from .graph.errors import InvalidArgumentError

    if "=" in text:
        try:
            return ClusterSpec({job: int(n) for job, n in (part.split("=") for part in text.split(","))})
        except ValueError:
            raise InvalidArgumentError(None, f"expected JOB=N,JOB=N, got {text!r}") from None
    try:
        with open(text, encoding="utf-8") as file:
            given = json.load(file)
        return ClusterSpec(
            given["jobs"], given.get("resources"), given.get("backends"), given.get("strategy", "pack")
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidArgumentError(
            None, f'{text} is no cluster file: a JSON object with "jobs" is needed ({error!r})'
        ) from None


def _down(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="weft down", description="Ends a cluster that `weft up` started.")
    parser.add_argument("name", help="name of the cluster")
    args = parser.parse_args(arguments)
    from .actors.shared import cluster_down

    print(f"{cluster_down(args.name)} devices are gone")
    return 0
