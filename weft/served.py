"""weft under the name `tensorflow`, so that programs written for TensorFlow 1 run unchanged.

`serve()` makes `import tensorflow`, `tensorflow.compat.v1`, `tensorflow.contrib...`, the modules of `tensorflow.python`
that programs use, and the MNIST tutorial's readers give weft's. It lasts until the process ends, or until `stop()`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

__all__ = ["VERSION", "serve", "stop"]

VERSION = "1.15.0"
"""The version that programs are told: the last one of TensorFlow 1."""

_PYTHON = {
    "client.device_lib": ("actors.inventory",),
    "client.session": ("actors.session",),
    "client.timeline": ("timeline",),
    "data.ops.dataset_ops": ("data",),
    "estimator": (),
    "framework.constant_op": (),
    "framework.dtypes": ("dtypes",),
    "framework.errors": ("errors",),
    "framework.errors_impl": ("errors",),
    "framework.function": ("functions",),
    "framework.graph_util": ("graph_util",),
    "framework.importer": (),
    "framework.op_def_registry": (),
    "framework.ops": ("graph.default_graph", "graph.graph_keys"),
    "framework.random_seed": ("random",),
    "framework.sparse_tensor": (),
    "framework.tensor_shape": (),
    "framework.tensor_util": ("graph.tensor_proto", "graph.constant_value"),
    "framework.test_util": ("test",),
    "layers.base": ("layers",),
    "layers.convolutional": ("layers",),
    "layers.core": ("layers",),
    "layers.layers": ("layers",),
    "layers.normalization": ("layers",),
    "layers.pooling": ("layers",),
    "lib.io.file_io": ("gfile",),
    "lib.io.python_io": ("python_io",),
    "lib.io.tf_record": ("python_io",),
    "ops.array_ops": ("array", "picking", "arranging"),
    "ops.candidate_sampling_ops": ("nn",),
    "ops.check_ops": ("checks",),
    "ops.clip_ops": ("clip",),
    "ops.control_flow_ops": ("control_flow", "branches", "loops"),
    "ops.ctc_ops": ("nn",),
    "ops.data_flow_ops": ("data_flow",),
    "ops.embedding_ops": ("nn",),
    "ops.functional_ops": ("functional",),
    "ops.gen_array_ops": ("array",),
    "ops.gen_math_ops": ("math",),
    "ops.gen_nn_ops": ("nn",),
    "ops.gradient_checker": ("gradient_checker",),
    "ops.gradients": (),
    "ops.gradients_impl": (),
    "ops.image_ops": ("image",),
    "ops.init_ops": ("initializers",),
    "ops.io_ops": ("readers",),
    "ops.linalg_ops": ("linear_algebra", "linalg"),
    "ops.logging_ops": ("old_names", "control_flow"),
    "ops.lookup_ops": ("lookup",),
    "ops.losses.losses": ("losses",),
    "ops.math_ops": ("math",),
    "ops.metrics": ("metrics",),
    "ops.nn": ("nn",),
    "ops.nn_impl": ("nn",),
    "ops.nn_ops": ("nn",),
    "ops.parsing_ops": ("parsing",),
    "ops.partitioned_variables": ("partitioned_variables",),
    "ops.random_ops": ("random",),
    "ops.resource_variable_ops": ("variables",),
    "ops.rnn": ("nn",),
    "ops.rnn_cell": ("nn.rnn_cell", "nn"),
    "ops.rnn_cell_impl": ("nn.rnn_cell", "nn"),
    "ops.script_ops": ("script_ops",),
    "ops.sparse_ops": ("sparse_ops", "sparse"),
    "ops.state_ops": ("variable_functions",),
    "ops.string_ops": ("string_ops", "strings"),
    "ops.summary_ops": ("summary",),
    "ops.template": ("template",),
    "ops.tensor_array_ops": ("tensor_array",),
    "ops.variable_scope": ("variable_scope",),
    "ops.variables": ("variables", "variable_functions"),
    "platform.app": ("app",),
    "platform.flags": ("flags",),
    "platform.gfile": ("gfile",),
    "platform.googletest": ("test",),
    "platform.resource_loader": ("resource_loader",),
    "platform.sysconfig": (),
    "platform.test": ("test",),
    "platform.tf_logging": ("logging",),
    "saved_model.builder": ("saved_model",),
    "saved_model.constants": ("saved_model.constants",),
    "saved_model.loader": ("saved_model.loader",),
    "saved_model.signature_constants": ("saved_model.signature_constants",),
    "saved_model.signature_def_utils": ("saved_model.signature_def_utils",),
    "saved_model.simple_save": ("saved_model",),
    "saved_model.tag_constants": ("saved_model.tag_constants",),
    "saved_model.utils": ("saved_model.utils",),
    "summary.summary": ("summary",),
    "summary.writer.writer": ("summary",),
    "tools.freeze_graph": (),
    "training": ("train",),
    "util.compat": ("compat",),
    "util.nest": ("nest",),
}
"""Modules of `tensorflow.python` → the modules of weft that have their names; weft's own names come last."""

_PLACES = {
    "compat.v1": "",
    "contrib.data": "data",
    "contrib.framework.python.ops": "contrib.framework",
    "contrib.framework.python.ops.variables": "contrib.framework",
    "contrib.layers.python.layers": "contrib.layers",
    "contrib.layers.python.layers.layers": "contrib.layers",
    "contrib.layers.python.layers.initializers": "contrib.layers",
    "contrib.layers.python.layers.regularizers": "contrib.layers",
    "contrib.learn.python.learn.datasets": "contrib.learn.datasets",
    "contrib.learn.python.learn.datasets.base": "contrib.learn.datasets.base",
    "contrib.learn.python.learn.datasets.mnist": "contrib.learn.datasets.mnist",
    "contrib.slim.python.slim": "contrib.slim",
    "core.example.example_pb2": "train",
    "core.example.feature_pb2": "train",
    "core.framework.graph_pb2": "",
    "core.framework.node_def_pb2": "",
    "core.framework.summary_pb2": "summary",
    "core.protobuf.config_pb2": "",
    "core.protobuf.meta_graph_pb2": "",
    "core.protobuf.saver_pb2": "train",
    "core.util.event_pb2": "summary",
    "examples.tutorials.mnist.input_data": "contrib.learn.datasets.mnist",
    "examples.tutorials.mnist.mnist": "contrib.learn.datasets.mnist",
}
"""Other modules of TensorFlow whose path is another one in weft."""


class _Served(ModuleType):
    """A module of TensorFlow's whose names are looked up in modules of weft's."""

    def __init__(self, name: str, sources: Sequence[str]) -> None:
        super().__init__(name, f"{name}, served by weft")
        self.__path__: list[str] = []
        self.__dict__["_sources"] = tuple(sources)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if _is_listed(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        for source in self.__dict__["_sources"]:
            found = getattr(_weft(source), name, _MISSING)
            if found is not _MISSING:
                return found
        try:
            return importlib.import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            raise AttributeError(f"weft has no {self.__name__}.{name}") from None

    def __dir__(self) -> list[str]:
        return sorted({n for s in self.__dict__["_sources"] for n in dir(_weft(s))})


_MISSING = object()


def _weft(path: str) -> Any:
    """A module or another attribute of weft by its path; weft itself for "".

    Raises:
        ModuleNotFoundError: there is none.
    """
    try:
        return importlib.import_module(f"weft.{path}" if path else "weft")
    except ModuleNotFoundError as error:
        found: Any = importlib.import_module("weft")
        for part in path.split("."):
            found = getattr(found, part, _MISSING)
            if found is _MISSING:
                raise ModuleNotFoundError(f"weft has no {path}", name=path) from error
        return found


def _is_listed(name: str) -> bool:
    """Whether a name is that of a module of `tensorflow.python`, which goes before weft's function of that name."""
    inner = name.removeprefix("tensorflow.python.")
    return inner != name and (inner in _PYTHON or any(k.startswith(f"{inner}.") for k in _PYTHON))


def _sources(name: str) -> tuple[str, ...] | None:
    """The modules of weft that a module of TensorFlow stands for; None where weft has nothing like it."""
    _, _, path = name.partition(".")
    path = path.removeprefix("compat.v1.").removeprefix("_api.v1.")
    if path == "":
        return ("",)
    if path in _PLACES:
        return (_PLACES[path],)
    if path == "python" or path.startswith("python."):
        inner = path.removeprefix("python").removeprefix(".")
        if inner in _PYTHON:
            return (*_PYTHON[inner], "")
        if inner.startswith("training."):
            return ("train", "")
        return ("",) if any(k.startswith(f"{inner}.") for k in _PYTHON) or not inner else None
    if any(k.startswith(f"{path}.") for k in _PLACES) and not path.startswith("contrib"):
        return ("",) if path == "compat" or path.startswith("core") else ()
    try:
        found = _weft(path)
    except ModuleNotFoundError:
        below = any(k.startswith(f"{path}.") for k in _PLACES)
        return () if below else None
    return (path,) if isinstance(found, ModuleType) else None


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `tensorflow` and what is under it."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        del path, target
        if fullname.partition(".")[0] != "tensorflow":
            return None
        if _sources(fullname) is None:
            raise ModuleNotFoundError(
                f"{fullname} is not among what weft serves as TensorFlow 1; see weft.served for the list",
                name=fullname,
            )
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        name = spec.name
        made = _Served(name, _sources(name) or ())
        if name in ("tensorflow", "tensorflow.compat.v1"):
            made.__dict__.update(__version__=VERSION, VERSION=VERSION)
        if name.startswith("tensorflow.python") and name.endswith("device_lib"):
            from .actors.inventory import list_local_devices

            made.__dict__["list_local_devices"] = list_local_devices
        if name == "tensorflow.examples.tutorials.mnist":
            made.__path__ = []
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: names are looked up when they are asked for."""


_FINDER = _Finder()


def serve() -> None:
    """Gives weft under the name `tensorflow` from here on.

    Raises:
        RuntimeError: TensorFlow itself is imported already.
    """
    there = sys.modules.get("tensorflow")
    if there is not None and not isinstance(there, _Served):
        raise RuntimeError("TensorFlow itself is imported already in this process.")
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def stop() -> None:
    """Gives the name `tensorflow` back."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    for name in [n for n, m in sys.modules.items() if isinstance(m, _Served)]:
        del sys.modules[name]
