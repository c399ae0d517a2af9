"""Writing SavedModels, which weft and TensorFlow read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..graph.constant_value import constant_value
from ..graph.default_graph import get_default_graph
from ..graph.errors import AlreadyExistsError
from ..graph.graph_keys import GraphKeys
from ..graph.protos import protos
from ..kernels.files.tensor_bundle_writer import convert_checkpoint
from . import constants
from . import signature_constants as signatures
from .signature_def_utils import predict_signature_def
from .tag_constants import SERVING

__all__ = ["SavedModelBuilder", "simple_save"]


class SavedModelBuilder:
    """Writes a SavedModel: graphs with their signatures, and the variables that they share.

    The variables are written in TensorFlow's checkpoint format, so that its loaders read the model too.

    Args:
        export_dir: folder of the model.

    Raises:
        AlreadyExistsError: the folder is there and not empty.

    Source:
        `tf.saved_model.builder.SavedModelBuilder`.
    """

    def __init__(self, export_dir: str | os.PathLike[str]) -> None:
        self._folder = os.fspath(export_dir)
        if os.path.isdir(self._folder) and os.listdir(self._folder):
            raise AlreadyExistsError(
                None, f"{self._folder} is not empty: a SavedModel is written to a folder of its own"
            )
        self._model = protos().SavedModel(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
        self._has_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Iterable[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
        **others: Any,
    ) -> None:
        """Adds the default graph, and the variables of a session.

        Args:
            sess: the session.
            tags: names by which a loader asks for this graph.
            signature_def_map: from names to `SignatureDef` messages.
            assets_collection: string tensors whose constants name files that the model needs.
            legacy_init_op, main_op: operation that a loader runs once the variables are there.
            clear_devices: forgets the devices of the nodes.
            strip_default_attrs: leaves out attributes that have their defaults.
            saver: what saves the variables; one for all of them by default.
            **others: accepted for TensorFlow's sake.

        Raises:
            AssertionError: variables were added before; the other graphs share them.
            FailedPreconditionError: a variable is not initialized; nothing is written.
        """
        del others
        if self._has_variables:
            raise AssertionError(
                "Graphs and variables have been added; use add_meta_graph() for further graphs."
            )
        saver = self._saver(saver)
        self._save_variables(sess, saver)
        self._add(sess.graph, saver, tags, signature_def_map, assets_collection, main_op or legacy_init_op,
                  clear_devices, strip_default_attrs)  # fmt: skip
        self._has_variables = True

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Iterable[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph, which uses the variables that are there; arguments as above.

        Raises:
            AssertionError: there are no variables yet.
        """
        if not self._has_variables:
            raise AssertionError("Add a graph with its variables first: add_meta_graph_and_variables().")
        self._add(get_default_graph(), self._saver(saver), tags, signature_def_map, assets_collection,
                  main_op or legacy_init_op, clear_devices, strip_default_attrs)  # fmt: skip

    @staticmethod
    def _saver(saver: Any) -> Any:
        if saver is not None:
            return saver
        from ..train import Saver

        return Saver(sharded=False, write_version=2, allow_empty=True)

    def _save_variables(self, sess: Any, saver: Any) -> None:
        folder = os.path.join(self._folder, constants.VARIABLES_DIRECTORY)
        os.makedirs(self._folder, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=".variables-", dir=self._folder)
        try:
            own = saver.save(sess, os.path.join(scratch, "m"), write_meta_graph=False, write_state=False)
            if own is not None:
                os.makedirs(folder, exist_ok=True)
                convert_checkpoint(own, os.path.join(folder, constants.VARIABLES_FILENAME))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _add(
        self,
        graph: Any,
        saver: Any,
        tags: Iterable[str],
        signature_map: Mapping[str, Any] | None,
        assets: Iterable[Any] | None,
        init_op: Any,
        clear_devices: bool,
        strip: bool,
    ) -> None:
        with graph.as_default():
            meta = saver.export_meta_graph(
                clear_devices=clear_devices, clear_extraneous_savers=True, strip_default_attrs=strip
            )
        meta.meta_info_def.tags.extend(tags)
        for name, signature in (signature_map or {}).items():
            meta.signature_def[name].CopyFrom(signature)
        if init_op is not None:
            meta.collection_def[constants.MAIN_OP_KEY].node_list.value.append(init_op.name)
            meta.collection_def[constants.LEGACY_INIT_OP_KEY].node_list.value.append(init_op.name)
        listed = graph.get_collection(GraphKeys.ASSET_FILEPATHS) if assets is None else list(assets)
        for tensor in listed:
            self._add_asset(meta, tensor)
        self._model.meta_graphs.add().CopyFrom(meta)

    def _add_asset(self, meta: Any, tensor: Any) -> None:
        value = constant_value(tensor)
        if value is None or value.size != 1:
            raise ValueError(f"The asset {tensor.name} must be a constant that names one file.")
        path = value.reshape(-1)[0].decode()
        name = os.path.basename(path)
        folder = os.path.join(self._folder, constants.ASSETS_DIRECTORY)
        os.makedirs(folder, exist_ok=True)
        shutil.copyfile(path, os.path.join(folder, name))
        from google.protobuf.any_pb2 import Any as AnyMessage
        from tensorboard.compat.proto.meta_graph_pb2 import AssetFileDef

        row = AssetFileDef(filename=name)
        row.tensor_info.name = tensor.name
        packed = AnyMessage(
            type_url="type.googleapis.com/tensorflow.AssetFileDef", value=row.SerializeToString()
        )
        meta.collection_def[constants.ASSETS_KEY].any_list.value.add().CopyFrom(packed)
        meta.asset_file_def.add().CopyFrom(row)

    def save(self, as_text: bool = False) -> bytes:
        """Writes the graphs; before this the folder holds no model.

        Args:
            as_text: writes the text form.

        Returns:
            Path of the file, as bytes.
        """
        from ..graph.graph_def import write_message

        os.makedirs(self._folder, exist_ok=True)
        name = constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        path = os.path.join(self._folder, name)
        write_message(self._model, path, as_text)
        return path.encode()


def simple_save(
    session: Any,
    export_dir: str | os.PathLike[str],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Writes a session's graph and variables as a SavedModel with one signature.

    Args:
        session: the session.
        export_dir: folder of the model, which must not be there or be empty.
        inputs, outputs: from names to tensors.
        legacy_init_op: operation that a loader runs once the variables are there.

    Raises:
        AlreadyExistsError: the folder is not empty.

    Source:
        `tf.saved_model.simple_save`.
    """
    made: dict[str, Callable[..., Any] | Any] = {
        signatures.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)
    }
    builder = SavedModelBuilder(export_dir)
    with session.graph.as_default():
        builder.add_meta_graph_and_variables(
            session,
            [SERVING],
            made,
            session.graph.get_collection(GraphKeys.ASSET_FILEPATHS),
            main_op=legacy_init_op,
            clear_devices=True,
        )
    builder.save()
