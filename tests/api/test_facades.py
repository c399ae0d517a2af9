"""The small modules around the ops: templates, messages, `tf.test`, `tf.print`, `compat`, switches."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import weft as tf


def test_every_public_name_is_there() -> None:
    missing = []
    for name in tf.__all__:
        try:
            getattr(tf, name)
        except Exception as error:
            missing.append(f"{name}: {error!r}")
    assert not missing


def test_compat_v1_is_weft() -> None:
    assert importlib.import_module("weft.compat.v1") is tf
    assert tf.compat.v1 is tf


def test_text_and_bytes() -> None:
    assert tf.compat.as_bytes("ü") == "ü".encode()
    assert tf.compat.as_str(b"abc") == tf.compat.as_text("abc") == "abc"
    assert tf.compat.as_str_any(3) == "3"
    with pytest.raises(TypeError, match="3"):
        tf.compat.as_bytes(3)


def test_a_template_shares_its_variables() -> None:
    line = tf.make_template(
        "line", lambda x, by: x * tf.get_variable("w", [], initializer=tf.initializers.ones()) + by, by=2.0
    )
    one, two = line(tf.constant(1.0)), line(tf.constant(3.0))
    other = tf.make_template("line", lambda x: x * tf.get_variable("w", []))
    other(tf.constant(1.0))
    assert [v.op.name for v in tf.global_variables()] == ["line/w", "line_1/w"]
    assert [v.op.name for v in line.trainable_variables] == ["line/w"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run([one, two]) == [3.0, 5.0]
    with tf.Graph().as_default():
        line(tf.constant(1.0))
        assert [v.op.name for v in tf.global_variables()] == ["line/w"]


def test_a_template_refuses_new_variables_later() -> None:
    bad = tf.make_template("bad", lambda: tf.Variable(1.0))
    bad()
    with pytest.raises(ValueError, match=r"bad.*get_variable"):
        bad()
    with pytest.raises(ValueError, match="needs a name"):
        tf.make_template("", lambda: 0)


def test_messages() -> None:
    tf.constant(1.0, name="one")
    definition = tf.GraphDef()
    definition.ParseFromString(tf.get_default_graph().as_graph_def().SerializeToString())
    assert [n.name for n in definition.node] == ["one"]
    assert tf.Summary(value=[tf.Summary.Value(tag="t", simple_value=2)]).value[0].simple_value == 2
    np.testing.assert_array_equal(tf.make_ndarray(tf.make_tensor_proto([1, 2])), [1, 2])


def test_print_shows_tensors(capfd: pytest.CaptureFixture[str]) -> None:
    x = tf.placeholder(tf.int32, [None])
    shown = tf.print("x is", x, {"a": [x]}, output_stream="stdout")
    braces = tf.print("{} stays", tf.constant("text"), output_stream="stdout", end=".\n")
    with tf.Session() as session:
        session.run(shown, {x: [1, 2]})
        session.run(braces)
        session.run(tf.print(tf.constant("alone"), output_stream="stdout"))
    assert capfd.readouterr().out == "x is [1 2] {'a': [[1 2]]}\n{} stays \"text\".\nalone\n"


def test_hessians() -> None:
    x = tf.constant([1.0, 2.0])
    (found,) = tf.hessians(tf.reduce_sum(x**3) + x[0] * x[1], x)
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(found), [[6, 1], [1, 12]])
    with pytest.raises(ValueError, match="must be known"):
        y = tf.placeholder(tf.float32, [None])
        tf.hessians(tf.reduce_sum(y * y), y)


def test_ensure_shape() -> None:
    x = tf.placeholder(tf.float32, [2, None])
    y = tf.ensure_shape(x, [None, 3])
    assert y.shape.as_list() == [2, 3]
    with pytest.raises(ValueError, match="EnsureShape"):
        tf.ensure_shape(x, [3, None])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"got \[2, 2\]"):
        session.run(y, {x: np.ones((2, 2))})


def test_switches_of_the_second_version() -> None:
    tf.disable_v2_behavior()
    tf.disable_eager_execution()
    tf.enable_resource_variables()
    assert not tf.executing_eagerly()
    with pytest.raises(RuntimeError, match="sessions"):
        tf.enable_eager_execution()


def test_error_codes() -> None:
    assert tf.errors.exception_type_from_error_code(tf.errors.NOT_FOUND) is tf.errors.NotFoundError
    assert tf.errors.error_code_from_exception_type(tf.errors.OutOfRangeError) == tf.errors.OUT_OF_RANGE
    with pytest.raises(KeyError):
        tf.errors.exception_type_from_error_code(0)


def test_init_scope_leaves_scopes() -> None:
    with tf.name_scope("a"), tf.control_dependencies([tf.no_op()]), tf.init_scope():
        made = tf.constant(1.0, name="c")
    assert made.op.name == "c" and not made.op.control_inputs


class Case(tf.test.TestCase):
    """Run by the tests below, not collected itself."""

    __test__ = False

    def runTest(self) -> None:
        """Nothing."""


@pytest.fixture
def case() -> Any:
    made = Case()
    made.setUp()
    yield made
    made.tearDown()


def test_arrays_are_compared(case: Any) -> None:
    with case.test_session():
        case.assertAllClose(tf.constant([1.0, 2.0]), [1.0, 2.0 + 1e-7])
        case.assertAllEqual(tf.constant(["a", "b"]), [b"a", "b"])
        case.assertAllClose({"a": ([1.0], 2.0)}, {"a": ([1.0], tf.constant(2.0))})
        case.assertShapeEqual(np.ones((2, 3)), tf.ones([2, 3]))
        case.assertAllCloseAccordingToType(np.float16(1), np.float16(1.0005))
        for wrong in (
            lambda: case.assertAllClose([1.0], [1.1]),
            lambda: case.assertAllClose([1.0], [[1.0]]),
            lambda: case.assertAllClose({"a": 1}, {"b": 1}),
            lambda: case.assertAllEqual([1, 2], [1, 3]),
            lambda: case.assertNotAllClose([1.0], [1.0]),
            lambda: case.assertAllInRange([0.5, 1.0], 0, 1, open_upper_bound=True),
        ):
            with pytest.raises(AssertionError):
                wrong()


def test_errors_of_ops_are_expected(case: Any) -> None:
    x = tf.placeholder(tf.float32, name="x")
    with case.session() as session, case.assertRaisesOpError("placeholder tensor 'x'"):
        session.run(tf.identity(x))
    with pytest.raises(AssertionError, match="was not raised"), case.assertRaisesOpError(""):
        pass


def test_gradients_are_checked(case: Any) -> None:
    x = tf.constant([0.5, 1.5], tf.float64)
    with case.session():
        assert tf.test.compute_gradient_error(x, [2], tf.sin(x), [2]) < 1e-6
        symbolic, numeric = tf.test.compute_gradient(x, [2], x * x, [2], x_init_value=np.array([1.0, 3.0]))
        np.testing.assert_allclose(symbolic, np.diag([2.0, 6.0]))
        np.testing.assert_allclose(numeric, symbolic, atol=1e-6)

        @tf.custom_gradient
        def wrong(t: Any) -> Any:
            return t * t, lambda grad: grad

        assert tf.test.compute_gradient_error(x, [2], wrong(x), [2]) > 0.1


def test_a_folder_per_test(case: Any) -> None:
    import os

    folder = case.get_temp_dir()
    case.create_tempfile("a/b", "text")
    assert os.listdir(folder) == ["a"]
    case.tearDown()
    assert not os.path.exists(folder)
