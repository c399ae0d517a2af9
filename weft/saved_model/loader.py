"""Reading SavedModels, weft's and TensorFlow's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ..graph.errors import DataLossError, InvalidArgumentError, NotFoundError
from ..graph.meta_graph import import_scoped_meta_graph
from ..graph.protos import from_text, parse
from . import constants

__all__ = [
    "contains_saved_model",
    "load",
    "maybe_saved_model_directory",
    "parse_saved_model",
    "read_meta_graph",
]


def maybe_saved_model_directory(export_dir: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a SavedModel.

    Args:
        export_dir: the folder.
    """
    names = (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT)
    return any(os.path.isfile(os.path.join(os.fspath(export_dir), n)) for n in names)


contains_saved_model = maybe_saved_model_directory


def parse_saved_model(export_dir: str | os.PathLike[str]) -> Any:
    """The `SavedModel` message of a folder.

    Args:
        export_dir: the folder.

    Raises:
        OSError: it holds none (`NotFoundError` is one too).
        DataLossError: the file is damaged.
    """
    folder = os.fspath(export_dir)
    binary = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)
    text = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PBTXT)
    try:
        if os.path.isfile(binary):
            with open(binary, "rb") as file:
                return parse("SavedModel", file.read())
        if os.path.isfile(text):
            with open(text, encoding="utf-8") as words:
                return from_text("SavedModel", words.read())
    except (InvalidArgumentError, UnicodeDecodeError) as error:
        raise DataLossError(None, f"{folder}: the SavedModel is damaged: {error}") from None
    raise NoSavedModelError(
        None, f"SavedModel file does not exist at: {folder}/{{{constants.SAVED_MODEL_FILENAME_PBTXT}|"
        f"{constants.SAVED_MODEL_FILENAME_PB}}}"
    )  # fmt: skip


class NoSavedModelError(NotFoundError, OSError):
    """A folder without a SavedModel; as in TensorFlow, an OSError."""


def read_meta_graph(export_dir: str | os.PathLike[str], tags: Iterable[str]) -> Any:
    """The `MetaGraphDef` of a SavedModel that has exactly the tags.

    Args:
        export_dir: folder of the model.
        tags: the graph's tags.

    Raises:
        RuntimeError: there is none.
    """
    model = parse_saved_model(export_dir)
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for meta in model.meta_graphs:
        if set(meta.meta_info_def.tags) == wanted:
            return meta
    there = [sorted(m.meta_info_def.tags) for m in model.meta_graphs]
    raise RuntimeError(
        f"There is no MetaGraphDef with the tags {sorted(wanted)} in {os.fspath(export_dir)}; there are {there}."
    )


def load(
    sess: Any,
    tags: Iterable[str],
    export_dir: str | os.PathLike[str],
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Adds a graph of a SavedModel to a session's graph, and sets the variables.

    Args:
        sess: the session.
        tags: the graph's tags, all of them.
        export_dir: folder of the model.
        import_scope: name scope to put in front of all names.
        **saver_kwargs: accepted for TensorFlow's sake: `clear_devices`, as for `train.import_meta_graph`.

    Returns:
        The `MetaGraphDef`, with its signatures.

    Raises:
        OSError: the folder holds no model.
        RuntimeError: there is no graph with these tags.
        DataLossError: the model is damaged.

    Source:
        `tf.saved_model.loader.load`.
    """
    folder = os.fspath(export_dir)
    meta = read_meta_graph(folder, tags)
    with sess.graph.as_default():
        imported = import_scoped_meta_graph(
            meta, saver_kwargs.get("clear_devices", False), import_scope=import_scope
        )
        saver = imported.saver()
        prefix = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
        if saver is not None and os.path.exists(f"{prefix}.index"):
            saver.restore(sess, prefix)
        feeds = _assets(sess.graph, meta, folder, imported.scope)
        operation = _init_op(sess.graph, meta, imported.scope)
        if operation is not None:
            sess.run(operation, feeds)
    return meta


def _scoped(name: str, scope: str) -> str:
    return f"{scope.rstrip('/')}/{name}" if scope else name


def _assets(graph: Any, meta: Any, folder: str, scope: str) -> dict[Any, str]:
    """From the tensors that name the model's files to where these are now."""
    return {
        graph.as_graph_element(_scoped(row.tensor_info.name, scope)): os.path.join(
            folder, constants.ASSETS_DIRECTORY, row.filename
        )
        for row in meta.asset_file_def
    }


def _init_op(graph: Any, meta: Any, scope: str) -> Any:
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in meta.collection_def:
            names = meta.collection_def[key].node_list.value
            if names and names[0]:
                return graph.as_graph_element(_scoped(names[0], scope))
    if "__saved_model_init_op" in meta.signature_def:
        outputs = meta.signature_def["__saved_model_init_op"].outputs
        for info in outputs.values():
            return graph.as_graph_element(_scoped(info.name, scope))
    return None
