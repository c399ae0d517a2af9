"""JAX functions as ops: values, gradients, shapes, in process and on Ray, and what a graph may not bring along."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.errors import InvalidArgumentError

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 4)).astype(np.float32)
W = RNG.normal(size=(4, 3)).astype(np.float32)
B = RNG.normal(size=3).astype(np.float32)
BACKENDS = ("numpy", "jax")


def layer(x: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    y = jnp.tanh(x @ parameters["w"] + parameters["b"])
    return {"y": y, "count": jnp.int32(2) + jnp.zeros((), jnp.int32)}


def _session(backend: str) -> tf.Session:
    return tf.Session(config=tf.ConfigProto(backends={"CPU": backend}))


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_and_gradients(backend: str) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    w, b = tf.Variable(W), tf.Variable(B)
    made = tf.jax_function(layer)(x, {"w": w, "b": b})
    assert made["y"].shape.as_list() == [None, 3] and made["count"].dtype is tf.int32
    plain = tf.tanh(tf.matmul(x, w) + b)
    grads = [tf.gradients(y * y, [x, w, b]) for y in (made["y"], plain)]
    assert grads[0][1].shape.as_list() == [4, 3]
    with _session(backend) as session:
        session.run(tf.global_variables_initializer())
        for rows in (5, 2):
            feed = {x: X[:rows]}
            got, expected = session.run([[made["y"], *grads[0]], [plain, *grads[1]]], feed)
            for ours, theirs in zip(got, expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        assert session.run(made["count"], {x: X}) == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_derivative(backend: str) -> None:
    x = tf.constant(X[0])
    first = tf.gradients(tf.jax_function(lambda v: v**3)(x), x)[0]
    second = tf.gradients(first, x)[0]
    with _session(backend) as session:
        np.testing.assert_allclose(session.run(second), 6 * X[0], rtol=1e-5)
    with pytest.raises(LookupError, match=r"XlaCallModule .* has no gradient.*order"):
        tf.gradients(second, x)


def test_types_stay_as_they_are() -> None:
    """Numbers have 32 bits unless an argument has 64; whole numbers get no gradient; complex ones as elsewhere."""
    wide = tf.jax_function(lambda x: x + jnp.arange(4))(tf.constant(X[0].astype(np.float64)))
    narrow = tf.jax_function(lambda x: (x + jnp.ones(4), jnp.arange(2)))(tf.constant(X[0]))
    assert wide.dtype is tf.float64
    assert [t.dtype for t in narrow] == [tf.float32, tf.int32]
    i, z = tf.constant([1, 2]), tf.constant(np.array([1 + 2j, 3 - 1j], np.complex64))
    made = tf.jax_function(lambda i, z: i * z * z)(i, z)
    got, expected = (tf.gradients(y, [z])[0] for y in (made, tf.cast(i, tf.complex64) * z * z))
    assert tf.gradients(made, [i]) == [None]
    with tf.Session() as session:
        np.testing.assert_allclose(*session.run([got, expected]), rtol=1e-5)


def test_costs_follow_from_the_computation() -> None:
    from weft.graph.infer import CostContext

    op = tf.jax_function(lambda x, w: x @ w)(tf.constant(X), tf.constant(W)).op
    shapes = [tuple(t.shape.as_list()) for t in op.inputs], [(5, 3)]
    cost = op.decl.cost(CostContext(op.attrs, *shapes, [tf.float32] * 2, [tf.float32]))
    assert 2 * 5 * 4 * 3 * 0.9 <= cost.flops <= 2 * 5 * 4 * 3 * 1.5


def test_a_graph_def_holds_no_python() -> None:
    """The graph runs, and is differentiated, where the function is not."""
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    tf.jax_function(lambda v: jnp.sin(v) * 3, name="wave")(x)
    message = tf.get_default_graph().as_graph_def().SerializeToString()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
        y = graph.get_tensor_by_name("wave:0")
        grad = tf.gradients(y, graph.get_tensor_by_name("x:0"))[0]
        with tf.Session() as session:
            got = session.run([y, grad], {"x:0": X})
    np.testing.assert_allclose(got[0], 3 * np.sin(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got[1], 3 * np.cos(X), rtol=1e-5, atol=1e-6)


def _changed(**attrs: Any) -> Any:
    x = tf.placeholder(tf.float32, [2], name="x")
    tf.jax_function(lambda v: v + 1, name="f")(x)
    message = tf.get_default_graph().as_graph_def()
    (node,) = (n for n in message.node if n.name == "f")
    for name, value in attrs.items():
        if value is None:
            del node.attr[name]
        else:
            node.attr[name].s = value
    return message


def _foreign_call() -> dict[str, bytes]:
    """A module that calls native code which JAX does not vouch for."""
    op = tf.jax_function(jnp.linalg.cholesky, platforms=["cpu"], order=0)(tf.constant(np.eye(2))).op
    module = op.attrs["module"]
    assert b"lapack_dpotrf_ffi" in module
    return {
        "module": module.replace(b"lapack_dpotrf_ffi", b"lapack_dpotrf_bad"),
        "_exported": op.attrs["_exported"],
    }


@pytest.mark.parametrize("case", ["noise", "empty", "no_record", "foreign"])
def test_hostile_modules_are_refused(case: str) -> None:
    attrs: dict[str, Any] = {
        "noise": lambda: {"module": b"\x00noise"},
        "empty": lambda: {"module": b"", "_exported": b""},
        "no_record": lambda: {"_exported": None},
        "foreign": _foreign_call,
    }[case]()
    message = _changed(**attrs)
    with tf.Graph().as_default():
        tf.import_graph_def(message, name="")
        with tf.Session() as session, pytest.raises(InvalidArgumentError, match=r"'f'.*module"):
            session.run("f:0", {"x:0": [1, 2]})


def test_what_cannot_be_traced() -> None:
    with pytest.raises(ValueError, match="known rank"):
        tf.jax_function(jnp.sin)(tf.placeholder(tf.float32))
    with pytest.raises(TypeError):
        tf.jax_function(lambda x, y: x @ y)(tf.constant(X), tf.constant(X))


@pytest.mark.ray
def test_on_device_actors(ray_cluster: Any) -> None:
    """The function goes to the devices as data, on either backend; so do the functions of `py_func`."""
    offset = 4.0
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4])
        with tf.device("/job:ps/task:0"):
            w = tf.get_variable("w", initializer=W)
        with tf.device("/job:worker/task:0"):
            y = tf.jax_function(lambda a, b: jnp.tanh(a @ b) + offset)(x, w)
            shifted = tf.py_func(lambda a: a * 2 + np.float32(offset), [y], tf.float32)
        grad = tf.gradients(y, w)[0]
        for backend in BACKENDS:
            session = tf.Session(
                "ray",
                graph=graph,
                cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1}),
                config=tf.ConfigProto(backends={"CPU": backend}),
            )
            with session:
                session.run(w.initializer)
                got = session.run([y, shifted, grad], {x: X})
            expected = np.tanh(X @ W)
            np.testing.assert_allclose(got[0], expected + 4, rtol=1e-5)
            np.testing.assert_allclose(got[1], 2 * expected + 12, rtol=1e-5)
            np.testing.assert_allclose(got[2], X.T @ (1 - expected**2), rtol=1e-4, atol=1e-5)


@pytest.mark.ray
def test_an_unknown_python_function_on_a_device_actor(ray_cluster: Any) -> None:
    """A token that was read from a file names no function there, whatever the sender's registry holds."""
    with tf.Graph().as_default():
        tf.py_func(lambda: np.float32(1), [], tf.float32, name="call")
        message = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
        with (
            tf.Session("ray", graph=graph) as session,
            pytest.raises(tf.errors.FailedPreconditionError, match="no Python function"),
        ):
            session.run("call:0")


@pytest.mark.tensorflow
def test_tensorflow_runs_it(tf1: Any) -> None:
    for dims in ([5, 4], [None, 4]):
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, dims, name="x")
            tf.jax_function(lambda v: jnp.tanh(v) * 2, name="y")(x)
            data = graph.as_graph_def().SerializeToString()
        with tf1.Graph().as_default():
            tf1.import_graph_def(tf1.GraphDef.FromString(data), name="")
            with tf1.Session() as session:
                got = session.run("y:0", {"x:0": X})
        np.testing.assert_allclose(got, 2 * np.tanh(X), rtol=1e-5, atol=1e-6)
