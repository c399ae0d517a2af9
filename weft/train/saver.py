"""Saving variables to checkpoints and restoring them."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ..framework import placeholder_with_default
from ..graph.convert import constant, convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Operation, Tensor
from ..graph.errors import NotFoundError
from ..graph.graph_keys import GraphKeys
from ..graph.meta_graph import export_meta_graph, prepend_name_scope, register_saver, strip_name_scope
from ..graph.opdef import get_op
from ..kernels.files.checkpoint import remove_checkpoint_files
from ..partitioned_variables import PartitionedVariable
from ..variables import Variable
from .checkpoint_state import checkpoint_exists, remove_checkpoint, update_checkpoint_state
from .optimizer import group_ops

__all__ = ["Saver"]

Rows = list[tuple[str, str, Variable]]
"""Name in the checkpoint, part of the tensor of that name ("" for all of it), variable."""


class Saver:
    """Saves variables to checkpoints and restores them.

    The variables of each device are written and read by that device; a checkpoint is complete or not there.

    Args:
        var_list: variables, or from names in the checkpoint to variables; all saveable ones by default.
        reshape: allows a variable to be restored from a tensor of another shape with as many elements.
        sharded: has each device write a file of its own, even where no device is named.
        max_to_keep: how many checkpoints are kept; older ones are removed. 0 or None for all.
        keep_checkpoint_every_n_hours: keeps one of these for good besides.
        name: name scope of the ops.
        restore_sequentially: accepted for TensorFlow's sake.
        saver_def: a `SaverDef` message: uses the ops that it names instead of making some.
        builder: accepted for TensorFlow's sake.
        defer_build: makes the ops only when `build()` is called.
        allow_empty: allows a saver of no variables.
        write_version: accepted for TensorFlow's sake.
        pad_step_number: writes the step with eight digits.
        save_relative_paths: writes paths in the `checkpoint` file relative to the folder.
        filename: default of the path.

    Raises:
        ValueError: there are no variables, or two of one name.
        TypeError: what should be a variable is none.

    Source:
        TensorFlow `SaveV2`, `RestoreV2`, `MergeV2Checkpoints`.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        del restore_sequentially, builder
        if defer_build and (var_list or saver_def):
            raise ValueError("A saver that is built later takes var_list and saver_def from the graph then.")
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep or 0
        self._keep_every = keep_checkpoint_every_n_hours
        self._name = name
        self._allow_empty = allow_empty
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._last_checkpoints: list[tuple[str, float]] = []
        self._next_to_keep = time.time() + self._keep_every * 3600
        self._is_built = False
        self._is_empty = False
        self._filename_tensor: Tensor | None = None
        self._save_tensor: Tensor | None = None
        self._restore_op: Operation | None = None
        if saver_def is not None:
            self._from_def(saver_def, "")
        elif not defer_build:
            self.build()

    def build(self) -> None:
        """Makes the ops, if they are not there yet."""
        if self._is_built:
            return
        self._is_built = True
        rows = _rows(_saveable_variables() if self._var_list is None else self._var_list)
        if not rows:
            if not self._allow_empty:
                raise ValueError("There are no variables to save.")
            self._is_empty = True
            return
        graph = get_default_graph()
        with graph.name_scope(self._name or "save"), graph.control_dependencies(None):
            default = constant(self._filename or "model", "string", name="filename/input")
            filename = placeholder_with_default(default, [], name="Const")
            groups = _by_device(rows)
            self._filename_tensor = filename
            self._save_tensor = self._build_save(filename, groups)
            self._restore_op = self._build_restore(filename, groups)

    def _build_save(self, filename: Tensor, groups: Sequence[Rows]) -> Tensor:
        graph = get_default_graph()
        shards = len(groups) > 1 or self._sharded
        prefixes, writes = [], []
        for number, rows in enumerate(groups):
            with graph.colocate_with(rows[0][2].op, ignore_existing=True):
                prefix = filename
                if shards:
                    prefix = get_op("ShardedFilename")(filename, number, len(groups))
                names, specs = (convert_to_tensor([r[i] for r in rows], "string") for i in (0, 1))
                values = [v._snapshot for _, _, v in rows]
                writes.append(get_op("SaveV2")(prefix, names, specs, values, name="SaveV2"))
                prefixes.append(prefix)
        if shards:
            with graph.control_dependencies(writes), graph.colocate_with(writes[0], ignore_existing=True):
                writes = [get_op("MergeV2Checkpoints")(prefixes, filename)]
        with graph.control_dependencies(writes):
            return get_op("Identity")(filename, name="control_dependency")  # type: ignore[no-any-return]

    def _build_restore(self, filename: Tensor, groups: Sequence[Rows]) -> Operation:
        graph = get_default_graph()
        assignments: list[Operation] = []
        for rows in groups:
            with graph.colocate_with(rows[0][2].op, ignore_existing=True):
                restored = get_op("RestoreV2")(
                    filename,
                    convert_to_tensor([name for name, _, _ in rows], "string"),
                    convert_to_tensor([spec for _, spec, _ in rows], "string"),
                    dtypes=[v.dtype for _, _, v in rows],
                    name="RestoreV2",
                    **_expectations(rows, self._reshape),
                )
            for value, (_, _, variable) in zip(restored, rows, strict=True):
                with graph.colocate_with(variable.op, ignore_existing=True):
                    assignments.append(
                        get_op("AssignVariableOp")(variable.handle, value, name="AssignVariableOp")
                    )
        return group_ops(assignments, "restore_all")

    def _from_def(self, saver_def: Any, import_scope: str) -> None:
        graph = get_default_graph()

        def find(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._filename_tensor = find(saver_def.filename_tensor_name)
        self._save_tensor = find(saver_def.save_tensor_name)
        self._restore_op = find(saver_def.restore_op_name)
        self._max_to_keep = saver_def.max_to_keep
        self._sharded = saver_def.sharded
        self._keep_every = saver_def.keep_checkpoint_every_n_hours
        self._next_to_keep = time.time() + self._keep_every * 3600
        self._is_built = True

    def save(
        self,
        sess: Any,
        save_path: str | os.PathLike[str],
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Saves the variables.

        Args:
            sess: the session whose variables they are.
            save_path: prefix of the checkpoint; the folder is made where it is not there.
            global_step: the step count, put behind the prefix: a number, tensor or variable.
            latest_filename: name of the `checkpoint` file that lists the folder's checkpoints.
            meta_graph_suffix: ending of the file with the graph.
            write_meta_graph: whether the graph is written.
            write_state: whether the `checkpoint` file is updated.
            strip_default_attrs: leaves out attributes of the graph that have their defaults.
            save_debug_info: accepted for TensorFlow's sake.

        Returns:
            The prefix of the checkpoint, for `restore`; None for a saver of no variables.

        Raises:
            RuntimeError: the ops are not built yet.
            FailedPreconditionError: a variable is not initialized.
            PermissionDeniedError, ResourceExhaustedError: the files cannot be written; nothing is left behind.
        """
        del save_debug_info
        if not self._is_built:
            raise RuntimeError("The saver has no ops yet: call build() first.")
        prefix = self._prefix(sess, os.fspath(save_path), global_step)
        latest = latest_filename or "checkpoint"
        if os.path.basename(latest) != latest:
            raise ValueError(f"latest_filename must be the name of a file without folder, got {latest!r}.")
        if self._is_empty:
            return None
        try:
            sess.run(self._save_tensor, {self._filename_tensor: prefix})
        except Exception:
            _remove_shards(prefix)
            raise
        if write_state:
            self._note(prefix, meta_graph_suffix)
            update_checkpoint_state(
                os.path.dirname(prefix),
                prefix,
                self.last_checkpoints,
                latest,
                [t for _, t in self._last_checkpoints],
                save_relative_paths=self._save_relative_paths,
            )
        if write_meta_graph:
            with sess.graph.as_default():
                self.export_meta_graph(
                    f"{prefix}.{meta_graph_suffix}", strip_default_attrs=strip_default_attrs
                )
        return prefix

    def _prefix(self, sess: Any, save_path: str, global_step: Any) -> str:
        if global_step is None:
            return save_path
        if not isinstance(global_step, int):
            named = isinstance(global_step, (Tensor, Variable))
            global_step = int(sess.run(global_step)) if named else int(global_step)
        return f"{save_path}-{global_step:08d}" if self._pad_step_number else f"{save_path}-{global_step}"

    def _note(self, prefix: str, meta_graph_suffix: str) -> None:
        """Adds a checkpoint to the list, and removes what is too much."""
        self._last_checkpoints = [c for c in self._last_checkpoints if c[0] != prefix]
        self._last_checkpoints.append((prefix, time.time()))
        while self._max_to_keep and len(self._last_checkpoints) > self._max_to_keep:
            old, written = self._last_checkpoints.pop(0)
            if written > self._next_to_keep:
                self._next_to_keep += self._keep_every * 3600
                continue
            remove_checkpoint(old, meta_graph_suffix=meta_graph_suffix)

    @property
    def last_checkpoints(self) -> list[str]:
        """Prefixes of the checkpoints that are kept, oldest first."""
        return [p for p, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Sets the list of checkpoints that are kept."""
        self._last_checkpoints = [(p, float("nan")) for p in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Iterable[tuple[str, float]]) -> None:
        """Sets the list of checkpoints that are kept, with the times at which they were written."""
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Takes up the checkpoints of an earlier run, of those given the ones that are there."""
        there = [p for p in checkpoint_paths if checkpoint_exists(p)]
        self._last_checkpoints = [(p, os.path.getmtime(f"{p}.index")) for p in there]

    def restore(self, sess: Any, save_path: str | os.PathLike[str] | None) -> None:
        """Sets the variables from a checkpoint; they need no initialization then.

        Args:
            sess: the session whose variables they are.
            save_path: prefix of a checkpoint, weft's or TensorFlow's.

        Raises:
            ValueError: there is no such checkpoint.
            NotFoundError: a variable is not in it.
            InvalidArgumentError: a variable has another shape or type there.
            DataLossError: the checkpoint is damaged.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError(
                "The path to restore from is None; latest_checkpoint() gives None for an empty folder."
            )
        prefix = os.fspath(save_path)
        if not checkpoint_exists(prefix):
            raise ValueError(f"There is no checkpoint {prefix}: {prefix}.index does not exist.")
        try:
            sess.run(self._restore_op, {self._filename_tensor: prefix})
        except NotFoundError as error:
            text = f"{error.message}. The graph has variables that were not saved; give var_list to restore others."
            raise NotFoundError(error.node, text, error.device, error.source) from error

    def as_saver_def(self) -> Any:
        """The saver as a `SaverDef` message."""
        from ..graph.protos import protos

        assert self._filename_tensor is not None
        assert self._save_tensor is not None and self._restore_op is not None
        return protos().SaverDef(
            filename_tensor_name=self._filename_tensor.name,
            save_tensor_name=self._save_tensor.name,
            restore_op_name=self._restore_op.name,
            max_to_keep=self._max_to_keep,
            sharded=self._sharded,
            keep_checkpoint_every_n_hours=self._keep_every,
            version=2,
        )

    @property
    def saver_def(self) -> Any:
        return self.as_saver_def()

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The saver as a `SaverDef` message; None where its ops are outside of `export_scope`."""
        found = self.as_saver_def()
        if not export_scope:
            return found
        if not found.filename_tensor_name.startswith(f"{export_scope.rstrip('/')}/"):
            return None
        for key in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(found, key, strip_name_scope(getattr(found, key), export_scope))
        return found

    @classmethod
    def from_proto(cls, saver_def: Any, import_scope: str | None = None) -> Saver:
        """The saver whose ops in the default graph a `SaverDef` message names."""
        made = cls(defer_build=True)
        made._from_def(saver_def, import_scope or "")
        return made

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Iterable[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """The graph with its collections and this saver as a MetaGraphDef; see `train.export_meta_graph`."""
        del save_debug_info
        return export_meta_graph(
            filename,
            saver_def=None if self._is_empty else self.to_proto(export_scope),
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
        )


def _saveable_variables() -> list[Any]:
    graph = get_default_graph()
    keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.SAVEABLE_OBJECTS)
    return [v for key in keys for v in graph.get_collection(key)]


def _rows(var_list: Any) -> Rows:
    """The variables of a saver, by name and part."""
    named = var_list.items() if isinstance(var_list, dict) else ((None, v) for v in var_list)
    rows: Rows = []
    seen: dict[tuple[str, str], Variable] = {}
    for name, item in named:
        for variable in item if isinstance(item, (PartitionedVariable, list, tuple)) else [item]:
            if not isinstance(variable, Variable):
                raise TypeError(f"A saver saves variables, got {variable!r}.")
            info = variable._get_save_slice_info()
            spec = info.spec if info is not None else ""
            key = name or (info.full_name if info is not None else variable._shared_name)
            other = seen.get((key, spec))
            if other is None:
                seen[key, spec] = variable
                rows.append((key, spec, variable))
            elif other is not variable:
                raise ValueError(
                    f"Two variables would be saved as {key!r}: {other.name} and {variable.name}."
                )
    return sorted(rows, key=lambda row: row[:2])


def _by_device(rows: Rows) -> list[Rows]:
    """The rows of each device, by name of the device."""
    groups: dict[str, Rows] = {}
    for row in rows:
        groups.setdefault(row[2].device, []).append(row)
    return [groups[device] for device in sorted(groups)]


def _expectations(rows: Rows, reshape: bool) -> dict[str, Any]:
    """What the restoring op checks: the shapes of the variables, where all are known."""
    shapes = [v.shape for _, _, v in rows]
    if not all(s.is_fully_defined() for s in shapes):
        return {}
    texts = tuple(",".join(str(int(d)) for d in s) for s in shapes)
    return {"_expected_shapes": texts, **({"_reshape": True} if reshape else {})}


def _remove_shards(prefix: str) -> None:
    """Removes the parts of a checkpoint that was not finished."""
    for index in glob.glob(f"{glob.escape(prefix)}-?????-of-?????.index"):
        remove_checkpoint_files(index.removesuffix(".index"))


def _from_message(saver_def: Any, import_scope: str) -> Saver:
    return Saver.from_proto(saver_def, import_scope)


register_saver(_from_message)
