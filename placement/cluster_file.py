"""Clusters as files: JSON or YAML, with units, and with messages that name file, line and field.

    devices:
      - name: /job:worker/task:{i//8}/device:GPU:{i%8}
        count: 64                     # {i} runs from 0 to 63
        node: host{i//8}
        process: gpu{i}
        memory_bytes: 80 GiB
        flops: {float32: 60 TFLOP/s, bfloat16: 900 TFLOP/s}
        bytes_per_second: 3 TB/s
        op_seconds: 5 us
    links:
      gpu_to_gpu: {latency_seconds: 5 us, bytes_per_second: 400 GB/s}
      between_nodes: {latency_seconds: 20 us, bytes_per_second: 50 GB/s, shared: "nic:{src_node}"}
      pairs:
        - {from: "/job:ps/task:0/device:CPU:0", to: "/job:ps/task:1/device:CPU:0", latency_seconds: 1 ms,
           bytes_per_second: 1 GB/s, both: true}

What is left out takes the usual value of the device's kind; see `DeviceInfo`, `Link` and `Cluster` for the fields.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..graph.errors import PlacementError
from .cluster import Cluster, DeviceInfo, Link, device_info
from .op_times import OpTimes

__all__ = [
    "cluster_from_dict",
    "cluster_to_dict",
    "load_cluster",
    "parse_cluster",
    "quantity",
    "save_cluster",
]

_LINKS = ("same_process", "same_node", "between_nodes", "gpu_to_gpu", "caller")
_TOP = ("devices", "links", "processors", "step_seconds", "stage_seconds")
_KINDS = ("CPU", "GPU", "TPU")
_MOST_DEVICES = 100_000

_SCALES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_BINARY = {f"{p}i": 1024.0 ** (i + 1) for i, p in enumerate("KMGTP")}
_UNITS: dict[str, tuple[str, ...]] = {
    "bytes": ("B", "bytes"),
    "bytes/s": ("B/s",),
    "FLOP/s": ("FLOP/s", "FLOPS", "FLOP"),
    "seconds": ("s",),
    "": (),
}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class _Item:
    """A value of a file, with where it is.

    Attributes:
        value: a scalar, a list of items, or items by name.
        path: `devices[2].flops`.
        line: in the file, from 1; 0 where there is no file.
        file: name of the file.
    """

    value: Any
    path: str
    line: int
    file: str

    def fail(self, message: str) -> PlacementError:
        place = f"{self.file}, line {self.line}: " if self.line else ""
        return PlacementError(None, f"{place}{self.path or 'the cluster'} {message}")

    def mapping(self, known: Sequence[str] | None = None, what: str = "") -> dict[str, _Item]:
        """The items by name.

        Raises:
            PlacementError: it is no mapping, or has a name that is not known.
        """
        if not isinstance(self.value, dict):
            raise self.fail(f"must be a mapping{what}, got {_shown(self.value)}")
        if known is not None:
            for name, item in self.value.items():
                if name not in known:
                    raise item.fail(f"is no field; fields{what} are {', '.join(known)}")
        return self.value

    def list(self) -> list[_Item]:
        if not isinstance(self.value, list):
            raise self.fail(f"must be a list, got {_shown(self.value)}")
        return self.value

    def text(self, allowed: Sequence[str] = ()) -> str:
        if not isinstance(self.value, str):
            raise self.fail(f"must be text, got {_shown(self.value)}")
        if allowed and self.value not in allowed:
            raise self.fail(f"must be one of {', '.join(allowed)}, got {self.value!r}")
        return self.value

    def number(self, unit: str = "", lowest: float = 0.0, positive: bool = False) -> float:
        found = quantity(self.value, unit)
        if found is None:
            units = f" with or without a unit ({', '.join(_examples(unit))})" if unit else ""
            raise self.fail(f"must be a number{units}, got {_shown(self.value)}")
        if math.isnan(found) or found < lowest or (positive and found == 0):
            bound = "above 0" if positive else f"at least {lowest:g}"
            raise self.fail(f"must be {bound}, got {_shown(self.value)}")
        return found

    def whole(self, lowest: int = 0, highest: int | None = None) -> int:
        found = self.number(lowest=lowest)
        if found != int(found) or (highest is not None and found > highest):
            bound = f" of at most {highest}" if highest is not None else ""
            raise self.fail(f"must be a whole number{bound}, got {_shown(self.value)}")
        return int(found)


def quantity(value: Any, unit: str = "") -> float | None:
    """A number with or without a unit as a float; None if it is none.

    Args:
        value: a number, or text such as "16 GiB", "2.5 GB/s", "60 TFLOP/s", "300 us".
        unit: what it counts: "bytes", "bytes/s", "FLOP/s", "seconds", or "" for a plain number.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    if not isinstance(value, str):
        return None
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf|nan)\s*(\S*)\s*", value)
    if match is None:
        return None
    factor = _factor(match[2], unit)
    return None if factor is None else float(match[1]) * factor


def _factor(text: str, unit: str) -> float | None:
    if not text:
        return 1.0
    if unit == "seconds":
        return _SECONDS.get(text)
    for name in _UNITS[unit]:
        if text.endswith(name):
            prefix = text.removesuffix(name)
            found = _SCALES.get(prefix, _BINARY.get(prefix))
            if found is not None:
                return found
    return None


def _examples(unit: str) -> tuple[str, ...]:
    return {
        "bytes": ("16 GiB", "512 MB"),
        "bytes/s": ("2.5 GB/s",),
        "FLOP/s": ("60 TFLOP/s",),
        "seconds": ("300 us", "1.5 ms"),
    }.get(unit, ())


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"a mapping of {', '.join(value) or 'nothing'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return repr(value)


# --- files -> items ---------------------------------------------------------------------------------------


def load_cluster(path: str | os.PathLike[str]) -> Cluster:
    """Reads a cluster file; see `Cluster.load`."""
    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise PlacementError(None, f"cannot read cluster file {name}: {error}") from None
    return parse_cluster(text, name)


def parse_cluster(text: str, name: str) -> Cluster:
    """The cluster that a file's text describes.

    Args:
        text: JSON or YAML.
        name: name of the file, for messages; JSON where it ends in .json.

    Raises:
        PlacementError: the text is malformed.
    """
    import yaml

    if name.endswith(".json"):
        try:
            json.loads(text)
        except ValueError as error:
            raise PlacementError(None, f"{name} is no JSON: {error}") from None
        text = text.replace("\t", " ")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}" if place is not None else ""
        problem = getattr(error, "problem", None) or str(error)
        raise PlacementError(None, f"{name}{where}: this is no YAML: {problem}") from None
    if root is None:
        raise PlacementError(None, f"{name} is empty; a cluster needs at least `devices`")
    return _cluster(_item(root, "", name, yaml.SafeLoader(""), yaml))


def _item(node: Any, path: str, name: str, loader: Any, yaml: Any) -> _Item:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, _Item] = {}
        for key_node, value_node in node.value:
            key = str(loader.construct_object(key_node, deep=True))
            item = _item(value_node, f"{path}.{key}" if path else key, name, loader, yaml)
            if key in found:
                raise item.fail("is given twice")
            found[key] = _Item(item.value, item.path, key_node.start_mark.line + 1, name)
        return _Item(found, path, line, name)
    if isinstance(node, yaml.SequenceNode):
        items = [_item(n, f"{path}[{i}]", name, loader, yaml) for i, n in enumerate(node.value)]
        return _Item(items, path, line, name)
    return _Item(loader.construct_object(node), path, line, name)


def _plain(value: Any, path: str) -> _Item:
    if isinstance(value, Mapping):
        items = {str(k): _plain(v, f"{path}.{k}" if path else str(k)) for k, v in value.items()}
        return _Item(items, path, 0, "")
    if isinstance(value, (list, tuple)):
        return _Item([_plain(v, f"{path}[{i}]") for i, v in enumerate(value)], path, 0, "")
    return _Item(value, path, 0, "")


# --- items -> cluster -------------------------------------------------------------------------------------


def cluster_from_dict(data: Mapping[str, Any]) -> Cluster:
    """See `Cluster.from_dict`."""
    return _cluster(_plain(data, ""))


def _cluster(root: _Item) -> Cluster:
    top = root.mapping(_TOP, " of a cluster")
    if "devices" not in top:
        raise root.fail(f"needs `devices`; it has {', '.join(top) or 'nothing'}")
    rows = top["devices"].list()
    devices = [device for row in rows for device in _devices(row)]
    if not devices:
        raise top["devices"].fail("must list at least one device")
    known: dict[str, Any] = {}
    if "links" in top:
        links = top["links"].mapping((*_LINKS, "pairs"), " of links")
        known.update({name: _link(links[name]) for name in _LINKS if name in links})
        if "pairs" in links:
            known["pairs"] = _pairs(links["pairs"], {d.name for d in devices})
    if "processors" in top:
        counts = top["processors"].mapping()
        known["processors"] = {name: item.whole(1) for name, item in counts.items()}
    for name in ("step_seconds", "stage_seconds"):
        if name in top:
            known[name] = top[name].number("seconds")
    try:
        return Cluster(tuple(devices), **known)
    except PlacementError as error:
        raise top["devices"].fail(f"cannot be: {error.message}") from None


_DEVICE_FIELDS = (*(f.name for f in fields(DeviceInfo)), "count")

_READERS: dict[str, Callable[[_Item], Any]] = {
    "kind": lambda i: i.text(_KINDS),
    "backend": lambda i: i.text(),
    "memory_bytes": lambda i: i.number("bytes"),
    "bytes_per_second": lambda i: i.number("bytes/s", positive=True),
    "op_seconds": lambda i: i.number("seconds"),
    "streams": lambda i: i.whole(1),
}

_COUNTED = re.compile(r"\{i(?:(//|%)(\d+))?\}")


def _devices(row: _Item) -> list[DeviceInfo]:
    given = row.mapping(_DEVICE_FIELDS, " of a device")
    if "name" not in given:
        raise row.fail("needs a `name`, such as /job:worker/task:0/device:CPU:0")
    known = {name: _READERS[name](item) for name, item in given.items() if name in _READERS}
    if "flops" in given:
        known["flops"] = _rates(given["flops"])
    if "op_times" in given:
        known["op_times"] = {name: _times(item) for name, item in given["op_times"].mapping().items()}
    texts = {n: given[n].text() for n in ("name", "node", "process", "turns") if n in given}
    count = given["count"].whole(1, _MOST_DEVICES) if "count" in given else 1
    made = []
    for number in range(count):
        filled = {n: _counted(t, number, given[n]) for n, t in texts.items()}
        try:
            made.append(device_info(filled.pop("name"), **known, **filled))
        except PlacementError as error:
            raise row.fail(f"is no device: {error.message}") from None
    return made


def _counted(text: str, number: int, item: _Item) -> str:
    """Text with `{i}`, `{i//8}`, `{i%8}` filled in."""

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return str(number)
        by = int(match[2])
        if by == 0:
            raise item.fail(f"divides by 0 in {match[0]}")
        return str(number // by if match[1] == "//" else number % by)

    return _COUNTED.sub(value, text)


def _rates(item: _Item) -> dict[str, float]:
    if not isinstance(item.value, dict):
        return {"float32": item.number("FLOP/s", positive=True)}
    rates = {name: rate.number("FLOP/s", positive=True) for name, rate in item.value.items()}
    if not rates:
        raise item.fail("must give the rate of at least one element type")
    return rates


def _times(item: _Item) -> OpTimes:
    names = tuple(f.name for f in fields(OpTimes))
    given = item.mapping(names, " of op times")
    if "fixed" not in given:
        raise item.fail("needs `fixed`: the seconds that every run takes")
    known: dict[str, Any] = {
        name: part.number(_TIME_UNITS.get(name, "")) for name, part in given.items() if name != "points"
    }
    if "points" in given:
        known["points"] = tuple(_point(row) for row in given["points"].list())
    return OpTimes(**known)


def _point(item: _Item) -> tuple[float, float, float]:
    row = [part.number() for part in item.list()]
    if len(row) != 3:
        raise item.fail(f"must be FLOPs, bytes and a factor, got {len(row)} numbers")
    return row[0], row[1], row[2]


_TIME_UNITS = {"fixed": "seconds", "near_bytes": "bytes"}

_LINK_FIELDS = ("latency_seconds", "bytes_per_second", "shared")


def _link(item: _Item, more: Sequence[str] = ()) -> Link:
    given = item.mapping((*more, *_LINK_FIELDS), " of a link")
    for name in _LINK_FIELDS[:2]:
        if name not in given:
            raise item.fail(f"needs `{name}`")
    return Link(
        given["latency_seconds"].number("seconds"),
        given["bytes_per_second"].number("bytes/s", positive=True),
        given["shared"].text() if "shared" in given else "",
    )


def _pairs(item: _Item, names: set[str]) -> dict[tuple[str, str], Link]:
    from .cluster import full_name, listed

    found: dict[tuple[str, str], Link] = {}
    for row in item.list():
        link = _link(row, ("from", "to", "both"))
        ends = []
        for end in ("from", "to"):
            if end not in row.value:
                raise row.fail(f"needs `{end}`: the name of a device")
            try:
                name = full_name(row.value[end].text())
            except PlacementError as error:
                raise row.value[end].fail(f"is no device: {error.message}") from None
            if name not in names:
                raise row.value[end].fail(
                    f"names device {name!r}, which is not there; the cluster has {listed(sorted(names))}"
                )
            ends.append(name)
        found[ends[0], ends[1]] = link
        if "both" in row.value and row.value["both"].value:
            found[ends[1], ends[0]] = link
    return found


# --- cluster -> data --------------------------------------------------------------------------------------


def cluster_to_dict(cluster: Cluster) -> dict[str, Any]:
    """See `Cluster.to_dict`."""
    links: dict[str, Any] = {}
    for name in _LINKS:
        link = getattr(cluster, name)
        if link is not None:
            links[name] = _link_dict(link)
    if cluster.pairs:
        links["pairs"] = [{"from": a, "to": b, **_link_dict(k)} for (a, b), k in cluster.pairs.items()]
    made: dict[str, Any] = {"devices": [_device_dict(d) for d in cluster.devices], "links": links}
    if cluster.processors:
        made["processors"] = dict(cluster.processors)
    for name in ("step_seconds", "stage_seconds"):
        if getattr(cluster, name):
            made[name] = getattr(cluster, name)
    return made


def _link_dict(link: Link) -> dict[str, Any]:
    made: dict[str, Any] = {
        "latency_seconds": link.latency_seconds,
        "bytes_per_second": link.bytes_per_second,
    }
    if link.shared:
        made["shared"] = link.shared
    return made


def _device_dict(device: DeviceInfo) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in fields(DeviceInfo):
        value = getattr(device, field.name)
        if field.name == "op_times":
            value = {name: times.to_dict() for name, times in value.items()}
        elif field.name == "flops":
            value = dict(value)
        elif field.name == "memory_bytes" and math.isinf(value):
            value = "inf"
        if value not in ("", {}):
            made[field.name] = value
    return made


def save_cluster(cluster: Cluster, path: str | os.PathLike[str]) -> None:
    """See `Cluster.save`."""
    data = cluster_to_dict(cluster)
    with open(path, "w", encoding="utf-8") as file:
        if os.fspath(path).endswith((".yaml", ".yml")):
            import yaml

            yaml.safe_dump(data, file, sort_keys=False, allow_unicode=True)
        else:
            json.dump(data, file, indent=1)
            file.write("\n")
