"""`weft inspect`: what checkpoints, SavedModels, graphs, event files and TFRecord files hold."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .graph.errors import DataLossError, NotFoundError, OpError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Prints what the files hold; the exit status is 1 where one is damaged or not there."""
    parser = argparse.ArgumentParser(
        prog="weft inspect",
        description="Says what a file holds: a checkpoint (its prefix, one of its files, or a folder with a "
        "`checkpoint` file; weft's or TensorFlow's), a SavedModel folder, a .meta file, an event file, or a TFRecord "
        "file.",
    )
    parser.add_argument("path", nargs="+", metavar="PATH")
    parser.add_argument(
        "--stats", action="store_true", help="read the tensors: least, mean, greatest, bad values"
    )
    parser.add_argument("--tensor", metavar="NAME", help="print the tensors of that name (with * and ?)")
    parser.add_argument("--verify", action="store_true", help="read everything and check the checksums")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="show N rows at most")
    args = parser.parse_args(arguments)
    status = 0
    for path in args.path:
        try:
            for line in _lines(path, args):
                print(line)
        except (OpError, OSError) as error:
            print(f"weft inspect: {getattr(error, 'message', error)}", file=sys.stderr)
            status = 1
    return status


def _lines(path: str, args: Any) -> Iterator[str]:
    from .saved_model.loader import maybe_saved_model_directory
    from .train.checkpoint_state import latest_checkpoint

    if os.path.isdir(path):
        if maybe_saved_model_directory(path):
            return _saved_model(path, args)
        latest = latest_checkpoint(path)
        if latest is not None:
            return _checkpoint(latest, args)
        inside = sorted(os.path.join(path, n) for n in os.listdir(path) if "tfevents" in n)
        if inside:
            return (line for p in inside for line in _events(p, args))
        raise NotFoundError(None, f"{path} holds no checkpoint, no SavedModel and no event file")
    prefix = _prefix(path)
    if prefix is not None:
        return _checkpoint(prefix, args)
    if not os.path.exists(path):
        raise NotFoundError(None, f"{path}: there is no such file, and no checkpoint of that prefix")
    if path.endswith(".meta"):
        return _meta_graph(path, args)
    return _events(path, args) if _is_event_file(path) else _records(path, args)


def _prefix(path: str) -> str | None:
    """The prefix of the checkpoint that a path belongs to."""
    for end in (len(path), path.rfind(".index"), path.rfind(".data-")):
        if end > 0 and os.path.isfile(f"{path[:end]}.index"):
            return path[:end]
    return None


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


def _limited(rows: Iterable[str], limit: int) -> Iterator[str]:
    hidden = 0
    for number, row in enumerate(rows):
        if limit and number >= limit:
            hidden += 1
        else:
            yield row
    if hidden:
        yield f"  ... and {hidden} more"


# --- checkpoints ---


def _checkpoint(prefix: str, args: Any) -> Iterator[str]:
    from .kernels.files.checkpoint import CheckpointReader, open_checkpoint

    reader = open_checkpoint(prefix)
    names = reader.names()
    if args.tensor:
        names = [n for n in names if fnmatch.fnmatch(n, args.tensor)]
        if not names:
            raise NotFoundError(None, f"{prefix} has no tensor {args.tensor!r}")
    kind = "weft" if isinstance(reader, CheckpointReader) else "TensorFlow V2"
    total = sum(_bytes(reader, n) for n in names)
    elements = sum(int(np.prod(reader.shape(n), dtype=np.int64)) for n in names)
    yield f"{prefix}: {kind} checkpoint, {len(names)} tensors, {elements:,} elements, {_size(total)}"
    yield from _limited((_tensor_row(reader, n, args) for n in names), args.limit)
    if args.tensor:
        for name in names:
            yield f"{name} ="
            yield str(reader.read(name))
    if args.verify:
        for name in reader.names():
            reader.read(name)
        yield f"  all {len(reader.names())} tensors were read; their checksums fit"


def _bytes(reader: Any, name: str) -> int:
    dtype = reader.dtype(name)
    size = 0 if dtype.kind == "s" else dtype.size
    return int(np.prod(reader.shape(name), dtype=np.int64)) * size


def _tensor_row(reader: Any, name: str, args: Any) -> str:
    shape = ", ".join(str(d) for d in reader.shape(name))
    row = f"  {name}  {reader.dtype(name).name}[{shape}]  {_size(_bytes(reader, name))}"
    return f"{row}  {_statistics(reader.read(name))}" if args.stats else row


def _statistics(value: Any) -> str:
    if value.dtype == object:
        longest = max((len(v) for v in value.reshape(-1)), default=0)
        return f"longest {longest} bytes"
    if not value.size:
        return "empty"
    if value.dtype == np.bool_:
        return f"{int(value.sum())} of {value.size} true"
    numbers = np.abs(value) if value.dtype.kind == "c" else value.astype(np.float64)
    good = numbers[np.isfinite(numbers)]
    bad = numbers.size - good.size
    text = f"{bad} not finite; " if bad else ""
    if not good.size:
        return text.removesuffix("; ")
    zeros = int((numbers == 0).sum())
    return f"{text}min {good.min():.4g} mean {good.mean():.4g} max {good.max():.4g} sd {good.std():.4g} zeros {zeros}"


# --- graphs ---


def _saved_model(folder: str, args: Any) -> Iterator[str]:
    from .saved_model.loader import parse_saved_model

    model = parse_saved_model(folder)
    yield f"{folder}: SavedModel, {len(model.meta_graphs)} graphs"
    for meta in model.meta_graphs:
        yield f"tags {sorted(meta.meta_info_def.tags)}:"
        yield from _graph_lines(meta, args)
    prefix = os.path.join(folder, "variables", "variables")
    if os.path.isfile(f"{prefix}.index"):
        yield from _checkpoint(prefix, args)


def _meta_graph(path: str, args: Any) -> Iterator[str]:
    from .graph.meta_graph import read_meta_graph_file

    yield f"{path}: MetaGraphDef"
    yield from _graph_lines(read_meta_graph_file(path), args)


def _graph_lines(meta: Any, args: Any) -> Iterator[str]:
    counts = Counter(node.op for node in meta.graph_def.node)
    devices = sorted({node.device or "(any device)" for node in meta.graph_def.node})
    yield f"  graph: {sum(counts.values())} nodes on {', '.join(devices)}"
    rows = (f"    {op}: {count}" for op, count in counts.most_common())
    yield from _limited(rows, args.limit or 12)
    for name, signature in sorted(meta.signature_def.items()):
        yield f"  signature {name!r} ({signature.method_name}):"
        for title, infos in (("input", signature.inputs), ("output", signature.outputs)):
            for key, info in sorted(infos.items()):
                yield f"    {title} {key}: {_tensor_info(info)}"
    for key in sorted(meta.collection_def):
        members = meta.collection_def[key]
        kind = members.WhichOneof("kind")
        count = len(getattr(members, kind).value) if kind else 0
        yield f"  collection {key!r}: {count}"


def _tensor_info(info: Any) -> str:
    from .graph.dtypes import as_dtype
    from .graph.tensor_proto import shape_from_proto

    where = info.name or info.coo_sparse.values_tensor_name
    return f"{where} {as_dtype(info.dtype).name} {shape_from_proto(info.tensor_shape)}"


# --- records ---


def _is_event_file(path: str) -> bool:
    if "tfevents" in os.path.basename(path):
        return True
    with open(path, "rb") as file:
        return b"brain.Event:" in file.read(64)


def _events(path: str, args: Any) -> Iterator[str]:
    from .summary.writer import summary_iterator

    tags: dict[str, list[Any]] = {}
    kinds: Counter[str] = Counter()
    damage: OpError | None = None
    try:
        for event in summary_iterator(path):
            kinds[event.WhichOneof("what") or "empty"] += 1
            for value in event.summary.value:
                tags.setdefault(value.tag, []).append((event.step, value))
    except DataLossError as error:
        damage = error
    counted = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    yield f"{path}: event file, {_size(os.path.getsize(path))}: {counted}"
    yield from _limited((_tag_row(tag, rows) for tag, rows in sorted(tags.items())), args.limit)
    if damage is not None:
        raise damage


def _tag_row(tag: str, rows: list[Any]) -> str:
    steps = [s for s, _ in rows]
    kind = rows[-1][1].WhichOneof("value")
    text = f"  {tag}  {kind}  {len(rows)} values, steps {min(steps)} to {max(steps)}"
    if kind == "simple_value":
        numbers = [v.simple_value for _, v in rows]
        text += (
            f", first {numbers[0]:.4g} last {numbers[-1]:.4g} min {min(numbers):.4g} max {max(numbers):.4g}"
        )
    return text


def _records(path: str, args: Any) -> Iterator[str]:
    from .kernels.files.records import RecordFile

    compression = _compression(path)
    sizes: list[int] = []
    features: dict[str, Counter[str]] = {}
    damage: OpError | None = None
    with RecordFile(path, compression) as file:
        try:
            for record in file:
                sizes.append(len(record))
                if len(sizes) <= 1000:
                    _count_features(record, features)
        except DataLossError as error:
            if not sizes:
                raise
            damage = error
    kind = f" ({compression})" if compression else ""
    mean = sum(sizes) / len(sizes) if sizes else 0
    yield (
        f"{path}: TFRecord file{kind}, {_size(os.path.getsize(path))}, {len(sizes)} records, {_size(sum(sizes))}; "
        f"each {min(sizes, default=0)} to {max(sizes, default=0)} bytes, mean {mean:.0f}"
    )
    rows = (
        f"  {name}: {', '.join(f'{k} in {n} records' for k, n in sorted(kinds.items()))}"
        for name, kinds in sorted(features.items())
    )
    yield from _limited(rows, args.limit)
    if damage is not None:
        raise damage


def _compression(path: str) -> str:
    with open(path, "rb") as file:
        head = file.read(2)
    if head == b"\x1f\x8b":
        return "GZIP"
    # A TFRecord file begins with the length of its first record, whose upper bytes are zero.
    with open(path, "rb") as file:
        length = file.read(8)
    return "ZLIB" if head[:1] == b"\x78" and length[4:] != b"\x00" * 4 else ""


def _count_features(record: bytes, features: dict[str, Counter[str]]) -> None:
    """Adds the features of a record, where it is an `Example`."""
    from google.protobuf.message import DecodeError

    from .train.example_protos import message_class

    try:
        example = message_class("Example").FromString(record)
    except DecodeError:
        return
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind") or "empty"
        count = len(getattr(feature, kind).value) if kind != "empty" else 0
        features.setdefault(name, Counter())[f"{kind}[{count}]"] += 1
