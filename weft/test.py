"""Tests of programs: `tf.test`."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import numpy as np

from . import errors
from .actors.session import Session
from .gradient_checker import compute_gradient, compute_gradient_error
from .graph.default_graph import get_default_graph
from .graph.elements import Operation, Tensor
from .graph.graph import Graph
from .graph.session_stack import default_session

__all__ = [
    "TestCase",
    "assert_equal_graph_def",
    "compute_gradient",
    "compute_gradient_error",
    "get_temp_dir",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_built_with_xla",
    "is_gpu_available",
    "main",
    "mock",
    "test_src_dir_path",
]

# pytest would take what a test module imports from here for tests of its own.
__test__ = False

Array = np.ndarray[Any, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the tests of the program's own file and ends the program.

    Args:
        argv: the command line; that of the process by default. Flags of `tf.flags` are read from it.
    """
    from . import flags

    words = flags.FLAGS(list(sys.argv if argv is None else argv), known_only=True)
    unittest.main(module="__main__", argv=words)


_TEMPORARY: list[str] = []


def get_temp_dir() -> str:
    """A folder for the files of tests; one per process, removed at its end, or what TEST_TMPDIR names."""
    if not _TEMPORARY:
        given = os.environ.get("TEST_TMPDIR")
        if given:
            os.makedirs(given, exist_ok=True)
        else:
            given = tempfile.mkdtemp(prefix="weft-test-")
            atexit.register(shutil.rmtree, given, ignore_errors=True)
        _TEMPORARY.append(given)
    return _TEMPORARY[0]


def test_src_dir_path(relative_path: str) -> str:
    """A path relative to the folder that the program was started in, made complete.

    Args:
        relative_path: the relative path.
    """
    return os.path.abspath(relative_path)


def _devices(kind: str) -> list[str]:
    from .actors.inventory import list_local_devices

    return [d.name for d in list_local_devices() if d.device_type == kind]


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether this process has a GPU device.

    Args:
        cuda_only, min_cuda_compute_capability: accepted for TensorFlow's sake.
    """
    del cuda_only, min_cuda_compute_capability
    return bool(_devices("GPU"))


def gpu_device_name() -> str:
    """Name of the first GPU device; empty where there is none."""
    return next(iter(_devices("GPU")), "")


def is_built_with_cuda() -> bool:
    """Whether the library for NVIDIA GPUs is installed."""
    from .kernels.backend import available_backends

    return available_backends().get("cupy", "") is None


is_built_with_gpu_support = is_built_with_cuda


def is_built_with_rocm() -> bool:
    """Whether AMD GPUs can be used: no."""
    return False


def is_built_with_xla() -> bool:
    """Whether XLA can be used."""
    from .kernels.backend import available_backends

    return available_backends().get("jax", "") is None


def assert_equal_graph_def(actual: Any, expected: Any, checkpoint_v2: bool = False, **others: Any) -> None:
    """Fails where two GraphDefs differ in their nodes, whatever the order of these.

    Args:
        actual, expected: GraphDef messages.
        checkpoint_v2, **others: accepted for TensorFlow's sake.

    Raises:
        AssertionError: they differ.
    """
    del checkpoint_v2, others
    mine, theirs = ({n.name: n for n in g.node} for g in (actual, expected))
    only = sorted(mine.keys() ^ theirs.keys())
    if only:
        raise AssertionError(f"GraphDefs differ: nodes {only} are in one of them only.")
    for name, node in mine.items():
        if node != theirs[name]:
            raise AssertionError(f"GraphDefs differ in node {name!r}:\n{node}\nexpected:\n{theirs[name]}")


class TestCase(unittest.TestCase):
    """A test case that knows arrays, sessions and the errors of ops.

    Before each test the default graph is new and the random seeds are set.

    Args:
        methodName: name of the test's method.

    Source:
        `tf.test.TestCase`.
    """

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._cached: Session | None = None
        self._folder: str | None = None

    def setUp(self) -> None:
        import random

        from .graph.default_graph import reset_default_graph
        from .random import set_random_seed

        self._close_cached()
        random.seed(87654321)
        np.random.seed(87654321)
        reset_default_graph()
        set_random_seed(87654321)

    def tearDown(self) -> None:
        self._close_cached()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _close_cached(self) -> None:
        if self._cached is not None:
            self._cached.close()
            self._cached = None

    # --- sessions ---

    @contextlib.contextmanager
    def session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A session that is the default inside, with the graph.

        Args:
            graph: the graph; the default graph by default.
            config: settings of the session.
            use_gpu, force_gpu: accepted for TensorFlow's sake.
        """
        del use_gpu, force_gpu
        with Session(graph=graph, config=config) as sess:
            yield sess

    @contextlib.contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """The test's one session, which lives until the test ends; arguments as for `session`."""
        del use_gpu, force_gpu
        if self._cached is None:
            self._cached = Session(graph=graph, config=config)
        with self._cached.graph.as_default(), self._cached.as_default():
            yield self._cached

    def test_session(self, *args: Any, **kwargs: Any) -> Any:
        """`cached_session` under its old name, or `session` where a graph is given."""
        if (args and args[0] is not None) or kwargs.get("graph") is not None:
            return self.session(*args, **kwargs)
        return self.cached_session(*args, **kwargs)

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors, in the default session or the test's own."""
        sess = default_session() or self._cached
        if sess is None:
            with self.cached_session() as own:
                return own.run(tensors)
        return sess.run(tensors)

    def get_temp_dir(self) -> str:
        """A folder of this test's own, empty at its beginning."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(dir=get_temp_dir(), prefix=f"{self._testMethodName}-")
        return self._folder

    def create_tempfile(self, file_path: str | None = None, content: Any = None, mode: str = "w") -> str:
        """A file in the test's folder.

        Args:
            file_path: its name.
            content: what it holds.
            mode: how it is written, "w" or "wb".

        Returns:
            Its path.
        """
        path = os.path.join(self.get_temp_dir(), file_path or "file")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode) as file:
            if content is not None:
                file.write(content)
        return path

    # --- arrays ---

    def _array(self, value: Any) -> Any:
        if isinstance(value, (Tensor, Operation)) or hasattr(value, "_as_graph_element"):
            value = self.evaluate(value)
        return value if isinstance(value, np.ndarray) else np.asarray(value)

    def assertNear(self, f1: Any, f2: Any, err: float, msg: str | None = None) -> None:
        """Fails where two numbers differ by more than `err`."""
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, f"{f1} != {f2} +/- {err}{f': {msg}' if msg else ''}")

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Fails where elements of two arrays differ by more than `err`."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for a, b in zip(farray1, farray2, strict=True):
            self.assertNear(float(a), float(b), err, msg=msg)

    def assertNDArrayNear(self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None) -> None:
        """Fails where two arrays are further than `err` apart, as vectors."""
        self.assertLess(float(np.linalg.norm(self._array(ndarray1) - self._array(ndarray2))), err, msg)

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Fails where two structures of arrays differ by more than `atol + rtol * |b|` somewhere.

        Args:
            a, b: tensors, arrays, numbers, or lists, tuples and dicts of these.
            rtol, atol: relative and absolute difference that is allowed.
            msg: added to the message.
        """
        self._all_close(a, b, rtol, atol, msg, "")

    def _all_close(self, a: Any, b: Any, rtol: float, atol: float, msg: str | None, path: str) -> None:
        if isinstance(a, dict) or isinstance(b, dict):
            self.assertEqual(sorted(a), sorted(b), msg)
            for key in a:
                self._all_close(a[key], b[key], rtol, atol, msg, f"{path}[{key!r}]")
            return
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and not _is_plain(a, b):
            self.assertEqual(len(a), len(b), msg)
            for i, (x, y) in enumerate(zip(a, b, strict=True)):
                self._all_close(x, y, rtol, atol, msg, f"{path}[{i}]")
            return
        x, y = self._array(a), self._array(b)
        self.assertEqual(
            x.shape, y.shape, f"Shapes differ{path and f' at {path}'}: {x.shape}, {y.shape}. {msg or ''}"
        )
        if x.dtype.kind in "OSU" or y.dtype.kind in "OSU":
            self.assertAllEqual(x, y, msg)
            return
        np.testing.assert_allclose(
            _wide(x), _wide(y), rtol=rtol, atol=atol, err_msg=f"{path} {msg or ''}", equal_nan=True
        )

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: str | None = None,
    ) -> None:
        """`assertAllClose` with larger differences allowed for smaller types.

        Args:
            a, b, rtol, atol, msg: as for `assertAllClose`.
            float_rtol, float_atol: for float32 and complex64.
            half_rtol, half_atol: for float16.
            bfloat16_rtol, bfloat16_atol: for bfloat16.
        """
        x, y = self._array(a), self._array(b)
        names = {x.dtype.name, y.dtype.name}
        for kinds, r, t in (
            ({"float32", "complex64"}, float_rtol, float_atol),
            ({"float16"}, half_rtol, half_atol),
            ({"bfloat16"}, bfloat16_rtol, bfloat16_atol),
        ):
            if names & kinds:
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(x, y, rtol, atol, msg)

    def assertNotAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: Any = None
    ) -> None:
        """Fails where `assertAllClose` does not; arguments as there."""
        try:
            self.assertAllClose(a, b, rtol, atol)
        except AssertionError:
            return
        raise AssertionError(f"The two values are close at all elements. {msg or ''}")

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails where two arrays differ in shape or in an element; text and bytes are compared as bytes."""
        x, y = self._array(a), self._array(b)
        self.assertEqual(x.shape, y.shape, f"Shapes differ: {x.shape}, {y.shape}. {msg or ''}")
        if x.dtype.kind in "OSU" or y.dtype.kind in "OSU":
            self.assertEqual(_texts(x), _texts(y), msg)
        else:
            np.testing.assert_array_equal(x, y, err_msg=msg or "")

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails where `assertAllEqual` does not."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """Fails where an element is not greater than a number."""
        self.assertGreater(self._array(a).min(), comparison_target)

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """Fails where an element is not less than a number."""
        self.assertLess(self._array(a).max(), comparison_target)

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """Fails where an element is less than a number."""
        self.assertGreaterEqual(self._array(a).min(), comparison_target)

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """Fails where an element is greater than a number."""
        self.assertLessEqual(self._array(a).max(), comparison_target)

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Fails where an element is not among some."""
        found = set(self._array(target).reshape(-1).tolist())
        self.assertLessEqual(found, set(expected_set))

    def assertAllInRange(
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Fails where an element is outside of two bounds.

        Args:
            target: the array.
            lower_bound, upper_bound: the bounds.
            open_lower_bound, open_upper_bound: whether a bound itself is outside.
        """
        values = self._array(target)
        low = values <= lower_bound if open_lower_bound else values < lower_bound
        high = values >= upper_bound if open_upper_bound else values > upper_bound
        outside = values[low | high]
        self.assertEqual(outside.size, 0, f"{outside} lies outside of {lower_bound} to {upper_bound}.")

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: str | None = None) -> None:
        """Fails where an array and a tensor have different shapes."""
        self.assertAllEqual(np.shape(np_array), tf_tensor.shape.as_list(), msg)

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """Fails where two device strings name different devices."""
        from .graph.device_spec import DeviceSpec

        one, two = (DeviceSpec.from_string(str(d or "")).to_string() for d in (device1, device2))
        self.assertEqual(one, two, msg)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        """Fails where a text does not begin with another."""
        self.assertTrue(
            actual.startswith(expected_start), f"{actual!r} does not start with {expected_start!r}. {msg}"
        )

    def assertEmpty(self, container: Any, msg: str | None = None) -> None:
        """Fails where something holds anything."""
        self.assertEqual(len(container), 0, msg)

    def assertLen(self, container: Any, expected_len: int, msg: str | None = None) -> None:
        """Fails where something holds another number of things."""
        self.assertEqual(len(container), expected_len, msg)

    def assertProtoEquals(
        self, expected_message_maybe_ascii: Any, message: Any, msg: str | None = None
    ) -> None:
        """Fails where two messages differ; the expected one may be in text form."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            from google.protobuf import text_format

            expected = text_format.Parse(expected, type(message)())
        self.assertEqual(str(expected), str(message), msg)

    # --- errors ---

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: Any, expected_err_re_or_predicate: str | Callable[[Any], bool]
    ) -> Iterator[None]:
        """Fails where the block raises no such error.

        Args:
            exception_type: class of the error.
            expected_err_re_or_predicate: regular expression to be found in its message, or a function of it.
        """
        import re

        try:
            yield
        except exception_type as error:
            if callable(expected_err_re_or_predicate):
                fits = expected_err_re_or_predicate(error)
            else:
                fits = re.search(expected_err_re_or_predicate, str(error)) is not None
            if not fits:
                raise AssertionError(
                    f"Exception of type {type(error).__name__} does not fit: {error}"
                ) from error
            return
        raise AssertionError(f"{getattr(exception_type, '__name__', exception_type)} was not raised.")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """Fails where the block raises no error of an op; argument as above."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    @property
    def graph(self) -> Graph:
        """The default graph."""
        return get_default_graph()


# `test_session` is an API name of TestCase; unittest must not take it for a test.
TestCase.test_session.__test__ = False  # type: ignore[attr-defined]


def _is_plain(a: Any, b: Any) -> bool:
    """Whether both are lists of numbers, which one array can hold."""
    try:
        return np.asarray(a).dtype.kind in "fiubc" and np.asarray(b).dtype.kind in "fiubc"
    except (ValueError, TypeError):
        return False


def _wide(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.name in ("float16", "bfloat16") else array


def _texts(array: Array) -> list[Any]:
    return [v.encode() if isinstance(v, str) else v for v in array.reshape(-1).tolist()]
