from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.kernels.numpy.inplace import updater
from weft.kernels.numpy.row_updates import change_rows
from weft.kernels.registry import bind, prepare

from ..ops.running import Case

SHAPE = (256, 256)
ROWS = np.array([3, 200, 3, 7])

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.5),
    "momentum": lambda: tf.train.MomentumOptimizer(0.5, 0.9),
    "nesterov": lambda: tf.train.MomentumOptimizer(0.5, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
}


def start() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def session() -> Any:
    sess = tf.Session(config=tf.ConfigProto(backends={"CPU": "numpy"}))
    sess.run(tf.global_variables_initializer())
    return sess


def memory(sess: Any, name: str) -> int:
    """Address of a variable's elements on the session's only device."""
    (device,) = sess._target.devices.values()
    (value,) = (v for k, v in device.variables.items() if k[2] == name)
    return int(value.__array_interface__["data"][0])


def gradient(sparse: bool) -> Any:
    if not sparse:
        return tf.constant(start() + 1)
    return tf.IndexedSlices(tf.constant(start()[: len(ROWS)]), tf.constant(ROWS), tf.constant(SHAPE))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_in_place_are_the_updates_of_copies(name: str, sparse: bool) -> None:
    w = tf.get_variable("w", initializer=start())
    train = OPTIMIZERS[name]().apply_gradients([(gradient(sparse), w)])
    results = []
    for hold in (False, True):
        with session() as sess:
            (device,) = sess._target.devices.values()
            before, held = memory(sess, "w"), []
            for _ in range(3):
                held += [device.variables.copy()] if hold else []
                sess.run(train)
            results.append(sess.run(w))
            assert (memory(sess, "w") == before) is not hold
            for table in held[:1]:
                (old,) = (v for k, v in table.items() if k[2] == "w")
                np.testing.assert_array_equal(old, start())
    np.testing.assert_array_equal(*results)
    assert not np.array_equal(results[0], start())


def test_a_fetched_variable_is_the_value_from_before_the_step() -> None:
    w = tf.get_variable("w", initializer=start())
    seen = tf.identity(w)
    turned = tf.reshape(tf.identity(w), [-1])
    add = tf.assign_add(w, tf.ones(SHAPE))
    with session() as sess:
        first, flat, _ = sess.run([seen, turned, add.op])
        second = sess.run(w)
        sess.run(add.op)
        third = sess.run(w)
    np.testing.assert_array_equal(first, start())
    np.testing.assert_array_equal(flat, start().reshape(-1))
    np.testing.assert_array_equal(second, start() + 1)
    np.testing.assert_array_equal(third, start() + 1 + 1)


def test_fetches_keep_their_values_in_later_steps() -> None:
    w = tf.get_variable("w", initializer=start())
    add = tf.assign_add(w, tf.ones(SHAPE))
    with session() as sess:
        kept = [sess.run(w), sess.run(add), sess.run(tf.transpose(w))]
        copies = [k.copy() for k in kept]
        for _ in range(3):
            sess.run(add.op)
        for value, copy in zip(kept, copies, strict=True):
            np.testing.assert_array_equal(value, copy)
        kept[0][...] = 7
        kept[1][...] = 8
        np.testing.assert_array_equal(sess.run(w), start() + 1 + 1 + 1 + 1)


def test_feeds_are_not_changed() -> None:
    x = tf.placeholder(tf.float32, SHAPE)
    w = tf.get_variable("w", initializer=start())
    put, add = tf.assign(w, x), tf.assign_add(w, x)
    fed = np.ones(SHAPE, np.float32)
    with session() as sess:
        sess.run(put.op, {x: fed})
        sess.run(add.op, {x: fed})
        np.testing.assert_array_equal(sess.run(w), np.full(SHAPE, 2, np.float32))
        fed[...] = 5
        np.testing.assert_array_equal(sess.run(w), np.full(SHAPE, 2, np.float32))


def test_variables_that_were_assigned_one_another_stay_apart() -> None:
    a = tf.get_variable("a", initializer=start())
    b = tf.get_variable("b", initializer=np.zeros(SHAPE, np.float32))
    with session() as sess:
        sess.run(tf.assign(b, a).op)
        for _ in range(2):
            sess.run(tf.assign_add(b, tf.ones(SHAPE)).op)
        np.testing.assert_array_equal(sess.run(a), start())
        np.testing.assert_array_equal(sess.run(b), start() + 1 + 1)


def test_a_gradient_that_is_the_variable_itself() -> None:
    w = tf.get_variable("w", initializer=start())
    train = tf.train.MomentumOptimizer(0.5, 0.5).apply_gradients([(tf.identity(w), w)])
    with session() as sess:
        sess.run(train)
        np.testing.assert_array_equal(sess.run(w), start() - start() * np.float32(0.5))


def test_a_step_that_fails_changes_nothing() -> None:
    """An index out of range in the second variable's update is found before the first one's is made."""
    rows = tf.placeholder(tf.int64, [None])
    a = tf.get_variable("a", initializer=start())
    b = tf.get_variable("b", initializer=start())
    step = tf.group(
        tf.assign_add(a, tf.ones(SHAPE)).op,
        tf.train.MomentumOptimizer(0.5, 0.9).apply_gradients(
            [(tf.IndexedSlices(tf.gather(tf.ones(SHAPE), [0, 1]), rows, tf.constant(SHAPE)), b)]
        ),
    )
    with session() as sess:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"256"):
            sess.run(step, {rows: [3, 256]})
        np.testing.assert_array_equal(sess.run(a), start())
        np.testing.assert_array_equal(sess.run(b), start())
        sess.run(step, {rows: [3, 255]})
        np.testing.assert_array_equal(sess.run(a), start() + 1)


def test_an_assertion_that_fails_comes_before_updates_in_place() -> None:
    x = tf.placeholder(tf.float32, [])
    w = tf.get_variable("w", initializer=start())
    delta = tf.check_numerics(x, "odd") * tf.ones(SHAPE)
    with session() as sess:
        add = tf.assign_add(w, delta)
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(add.op, {x: np.nan})
        np.testing.assert_array_equal(sess.run(w), start())


def test_readers_in_other_threads_see_whole_steps() -> None:
    w = tf.get_variable("w", initializer=np.zeros((512, 512), np.float32))
    add = tf.assign_add(w, tf.ones((512, 512)))
    read = tf.identity(w) + 0.0
    torn: list[Any] = []
    with session() as sess:
        sess.run(read)
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                value = sess.run(read)
                if value.min() != value.max():
                    torn.append(value)

        thread = threading.Thread(target=look)
        thread.start()
        for _ in range(200):
            sess.run(add.op)
        done.set()
        thread.join()
        assert sess.run(w)[0, 0] == 200
    assert not torn


def test_rows_that_come_several_times() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 50, 500):
        index = rng.integers(0, 20, count)
        updates = rng.normal(size=(count, 8)).astype(np.float32)
        expected = rng.normal(size=(20, 8)).astype(np.float32)
        target = expected.copy()
        np.subtract.at(expected, index, updates)
        change_rows(target, index, updates, np.subtract)
        np.testing.assert_array_equal(target, expected)


def _rows() -> list[Any]:
    from weft.graph.opdef import all_ops

    return [
        pytest.param(decl, row, id=f"{name}-{i}")
        for name, decl in sorted(all_ops().items())
        if updater(name) is not None
        for i, row in enumerate(decl.samples())
    ]


@pytest.mark.parametrize(("decl", "row"), _rows())
def test_each_op_in_place_gives_what_its_kernel_gives(decl: Any, row: Any) -> None:
    case = Case(decl, row)
    values = [np.array(v.value if hasattr(v, "value") else v) for v in case.values]
    call = bind(case.node, "numpy", np, case.in_types())
    expected = call(*(v.copy() for v in values))

    context = prepare(case.node, "numpy", np, case.in_types())[1]
    make = updater(decl.name)
    assert make is not None and context is not None
    made = make(context)
    made.check(*values)
    results = made.update(*values)
    results, expected = ((r if isinstance(r, tuple) else (r,)) for r in (results, expected))
    for result, wanted in zip(results, expected, strict=True):
        assert any(result is v for v in values)
        np.testing.assert_array_equal(np.asarray(result), np.asarray(wanted))
