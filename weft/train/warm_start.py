"""Variables that begin with the values of a checkpoint."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.default_graph import get_default_graph
from ..graph.graph_keys import GraphKeys
from ..graph.opdef import get_op
from ..partitioned_variables import PartitionedVariable
from ..variables import Variable
from .checkpoint_state import load_checkpoint

__all__ = ["VocabInfo", "init_from_checkpoint", "warm_start"]


def init_from_checkpoint(ckpt_dir_or_file: str, assignment_map: Any) -> None:
    """Has variables begin with the values that a checkpoint holds: their initializers give these.

    Args:
        ckpt_dir_or_file: prefix of a checkpoint, weft's or TensorFlow's, or a folder whose latest one is taken.
        assignment_map: from names in the checkpoint to variables, names of variables or scopes: `{"a/w": v}`,
            `{"a/w": "b/w"}`, `{"a/": "b/"}` for all under a scope, `{"/": "b/"}` for all. Or a list of such pairs.

    Raises:
        ValueError: a variable is not in the checkpoint or in the graph, or has another shape there.

    Source:
        `tf.train.init_from_checkpoint`.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    shapes = reader.get_variable_to_shape_map()
    rows = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for source, target in rows:
        for name, variables in _pairs(source, target, shapes):
            for variable in variables:
                _set_initial_value(variable, name, ckpt_dir_or_file, reader, shapes)


def _pairs(source: Any, target: Any, shapes: Mapping[str, Any]) -> list[tuple[str, list[Variable]]]:
    """Names in the checkpoint with the variables (the parts of one) that each is for."""
    if not isinstance(target, str):
        return [(_base(source), _parts(target))]
    everything = _by_name()
    if not target.endswith("/"):
        if target not in everything:
            raise ValueError(f"The graph has no variable {target!r}; it has {sorted(everything)[:20]}.")
        return [(source, everything[target])]
    scope, prefix = target.removesuffix("/"), source.removesuffix("/")
    under = {n: v for n, v in everything.items() if n.startswith(f"{scope}/") or not scope}
    if not under:
        raise ValueError(f"The graph has no variables under {target!r}.")
    found = []
    for name, variables in under.items():
        rest = name.removeprefix(f"{scope}/") if scope else name
        key = f"{prefix}/{rest}" if prefix else rest
        if key not in shapes:
            raise ValueError(
                f"The variable {name!r} would be set from {key!r}, which is not in the checkpoint."
            )
        found.append((key, variables))
    return found


def _base(name: str) -> str:
    return name.removesuffix(":0")


def _parts(target: Any) -> list[Variable]:
    if isinstance(target, (list, tuple, PartitionedVariable)):
        return list(target)
    return [target]


def _by_name() -> dict[str, list[Variable]]:
    found: dict[str, list[Variable]] = {}
    for variable in get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES):
        info = variable._get_save_slice_info()
        found.setdefault(variable.op.name if info is None else info.full_name, []).append(variable)
    return found


def _set_initial_value(
    variable: Variable, name: str, path: str, reader: Any, shapes: Mapping[str, Any]
) -> None:
    if name not in shapes:
        raise ValueError(
            f"There is no tensor {name!r} in the checkpoint {path}; it has {sorted(shapes)[:20]}."
        )
    info = variable._get_save_slice_info()
    whole = variable.shape.as_list() if info is None else list(info.full_shape)
    if whole != shapes[name]:
        raise ValueError(
            f"The variable {variable.name} has shape {whole}, but {name!r} in the checkpoint {path} has shape "
            f"{shapes[name]}."
        )
    graph = variable.graph
    prefix = reader._reader.prefix
    with (
        graph.as_default(),
        graph.control_dependencies(None),
        graph.colocate_with(variable.op, ignore_existing=True),
    ):
        (value,) = get_op("RestoreV2")(
            prefix,
            [name],
            ["" if info is None else info.spec],
            dtypes=[variable.dtype],
            name="checkpoint_initializer",
        )
        value.set_shape(variable.shape)
        _begin_with(variable, value)


def _begin_with(variable: Variable, value: Any) -> None:
    """Has the variable's initializer give another value."""
    variable._initializer = get_op("AssignVariableOp")(variable.handle, value, name="warm_start")
    variable._initial_value = value


@dataclasses.dataclass(frozen=True)
class VocabInfo:
    """Two vocabularies of a variable whose rows stand for words: `warm_start` moves the rows of words that both have.

    Attributes:
        new_vocab: file with the words of the variable, one per line.
        new_vocab_size: how many of them are used.
        num_oov_buckets: rows for unknown words behind them.
        old_vocab: file with the words of the checkpoint's tensor.
        old_vocab_size: how many of them are used; -1 for all.
        backup_initializer: gives the rows of words that are new; zeros by default.
        axis: the dimension that the words run along.
    """

    new_vocab: str
    new_vocab_size: int
    num_oov_buckets: int
    old_vocab: str
    old_vocab_size: int = -1
    backup_initializer: Callable[..., Any] | None = None
    axis: int = 0


def warm_start(
    ckpt_to_initialize_from: str,
    vars_to_warm_start: str | Sequence[Any] | None = ".*",
    var_name_to_vocab_info: Mapping[str, VocabInfo] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Has variables begin with the values of a checkpoint, by name.

    Args:
        ckpt_to_initialize_from: prefix of a checkpoint, or a folder whose latest one is taken.
        vars_to_warm_start: regular expression for the names of trainable variables, or a list of those (or of
            variables) among all; None for those with a vocabulary only.
        var_name_to_vocab_info: from names of variables to their vocabularies.
        var_name_to_prev_var_name: from names of variables to their names in the checkpoint, where they differ.

    Raises:
        ValueError: a variable is not in the checkpoint, has another shape there, or is named and not in the graph.

    Source:
        `tf.train.warm_start`.
    """
    vocabularies, previous = dict(var_name_to_vocab_info or {}), dict(var_name_to_prev_var_name or {})
    chosen = _chosen(vars_to_warm_start)
    everything = _by_name()
    for name in vocabularies:
        if name not in everything:
            raise ValueError(f"The graph has no variable {name!r}, for which a vocabulary is given.")
        chosen.setdefault(name, everything[name])
    unknown = sorted(previous.keys() - chosen.keys())
    if unknown:
        raise ValueError(f"Earlier names are given for variables that are not warm-started: {unknown}.")
    for name, variables in chosen.items():
        source = previous.get(name, name)
        if name in vocabularies:
            _start_by_words(ckpt_to_initialize_from, source, variables, vocabularies[name])
        else:
            init_from_checkpoint(ckpt_to_initialize_from, {source: variables})


def _chosen(wanted: Any) -> dict[str, list[Variable]]:
    everything = _by_name()
    if wanted is None:
        return {}
    if isinstance(wanted, str):
        trainable = {id(v) for v in get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)}
        return {n: v for n, v in everything.items() if re.match(wanted, n) and id(v[0]) in trainable}
    found: dict[str, list[Variable]] = {}
    for item in wanted:
        if isinstance(item, str):
            found.update({n: v for n, v in everything.items() if re.match(item, n)})
        else:
            part = _parts(item)
            found.update({n: v for n, v in everything.items() if v[0] is part[0]})
    return found


def _words(path: str, count: int) -> list[str]:
    with open(path, encoding="utf-8") as file:
        words = [line.rstrip("\n") for line in file]
    return words if count < 0 else words[:count]


def _start_by_words(path: str, source: str, variables: Sequence[Variable], info: VocabInfo) -> None:
    """Sets each row to that of the same word in the checkpoint."""
    from ..initializers import zeros_initializer

    old = np.moveaxis(np.asarray(load_checkpoint(path).get_tensor(source)), info.axis, 0)
    old_rows = {w: i for i, w in enumerate(_words(info.old_vocab, info.old_vocab_size))}
    words = _words(info.new_vocab, info.new_vocab_size)
    places = [(i, old_rows[w]) for i, w in enumerate(words) if w in old_rows]
    new, kept = [i for i, _ in places], [j for _, j in places]
    for variable in variables:
        slices = variable._get_save_slice_info()
        whole = variable.shape.as_list() if slices is None else list(slices.full_shape)
        begin = 0 if slices is None else slices.var_offset[info.axis]
        size = variable.shape.as_list()[info.axis]
        if [n for i, n in enumerate(whole) if i != info.axis] != list(old.shape[1:]):
            raise ValueError(
                f"The rows of {variable.name} and of {source!r} in {path} have different shapes."
            )
        inside = [(i - begin, j) for i, j in zip(new, kept, strict=True) if begin <= i < begin + size]
        _assign_rows(variable, inside, old, info.axis, info.backup_initializer or zeros_initializer())


def _assign_rows(
    variable: Variable, rows: Sequence[tuple[int, int]], old: Any, axis: int, backup: Callable[..., Any]
) -> None:
    from ..picking import tensor_scatter_update
    from ..shaping import transpose

    graph = variable.graph
    order = [axis, *(i for i in range(variable.shape.rank or 0) if i != axis)]
    with (
        graph.as_default(),
        graph.control_dependencies(None),
        graph.colocate_with(variable.op, ignore_existing=True),
    ):
        value = backup(variable.shape.as_list(), dtype=variable.dtype)
        if rows:
            first = transpose(value, order)
            first = tensor_scatter_update(first, [[i] for i, _ in rows], old[[j for _, j in rows]])
            value = transpose(first, [int(i) for i in np.argsort(order)])
        _begin_with(variable, value)
