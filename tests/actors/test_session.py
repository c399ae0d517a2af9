"""Sessions on devices of the calling process."""

from __future__ import annotations

import collections
import threading

import numpy as np
import pytest

import weft as tf
from weft import errors


def test_a_feed_and_a_fetch() -> None:
    a = tf.placeholder(tf.int16)
    b = tf.placeholder(tf.int16)
    add = tf.add(a, b)
    with tf.Session() as sess:
        assert sess.run(add, feed_dict={a: 2, b: 3}) == 5


def test_fetches_keep_their_structure() -> None:
    pair = collections.namedtuple("pair", ["left", "right"])
    x = tf.constant([1.0, 2.0])
    y = x * 2.0
    with tf.Session() as sess:
        got = sess.run({"a": [x, (y,)], "b": pair(y, y.op), "c": "mul:0"})
    np.testing.assert_array_equal(got["a"][0], [1, 2])
    np.testing.assert_array_equal(got["a"][1][0], [2, 4])
    assert isinstance(got["a"][1], tuple)
    assert isinstance(got["b"], pair)
    assert got["b"].right is None
    np.testing.assert_array_equal(got["c"], [2, 4])


def test_scalars_come_back_as_numpy_scalars() -> None:
    with tf.Session() as sess:
        value = sess.run(tf.constant(2.0) + 1.0)
    assert isinstance(value, np.float32)


def test_any_tensor_can_be_fed() -> None:
    x = tf.constant(2.0)
    y = x * 3.0
    z = y + 1.0
    with tf.Session() as sess:
        assert sess.run(z, {y: 10.0}) == 11.0
        assert sess.run(z, {"mul:0": 10.0}) == 11.0
        assert sess.run([y, z], {y: 5.0}) == [5.0, 6.0]
        assert sess.run(z) == 7.0


def test_only_what_a_fetch_needs_is_evaluated() -> None:
    x = tf.placeholder(tf.float32, name="never_fed")
    unused = x * 2.0
    y = tf.constant(1.0) + 1.0
    with tf.Session() as sess:
        assert sess.run(y) == 2.0
        with pytest.raises(errors.InvalidArgumentError, match="never_fed"):
            sess.run(unused)


def test_the_graph_may_grow_between_runs() -> None:
    x = tf.constant(3.0)
    with tf.Session() as sess:
        assert sess.run(x) == 3.0
        y = x * x
        assert sess.run(y) == 9.0
        assert y.eval() == 9.0


def test_variables_keep_their_values_between_steps() -> None:
    v = tf.Variable(1.0)
    more = v.assign_add(2.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(more) == 3.0
        assert sess.run(more) == 5.0
        assert sess.run(v) == 5.0
    with tf.Session() as other, pytest.raises(errors.FailedPreconditionError, match="Variable"):
        other.run(v)


def test_a_read_sees_the_value_from_before_the_step_unless_it_depends_on_the_write() -> None:
    v = tf.Variable(1.0)
    before = tf.identity(v.read_value())
    bump = v.assign_add(10.0)
    with tf.control_dependencies([bump]):
        after = tf.identity(v.read_value())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for start in (1.0, 11.0, 21.0):
            assert sess.run([after, before, bump.op])[:2] == [start + 10.0, start]


def test_unordered_writes_go_by_order_of_creation() -> None:
    v = tf.Variable(0.0)
    first = v.assign(5.0)
    second = v.assign_add(1.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run([second.op, first.op])
        assert sess.run(v) == 6.0


def test_a_failed_step_changes_nothing() -> None:
    v = tf.Variable(1.0)
    bump = v.assign_add(1.0)
    x = tf.placeholder(tf.float32, [2])
    bad = tf.check_numerics(x, "x must be finite")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(errors.InvalidArgumentError, match="x must be finite"):
            sess.run([bump, bad], {x: [1.0, np.nan]})
        assert sess.run(v) == 1.0
        sess.run([bump, bad], {x: [1.0, 2.0]})
        assert sess.run(v) == 2.0


def test_a_fetched_array_is_the_callers_own() -> None:
    v = tf.Variable(np.zeros(40000, np.float32))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        got = sess.run(v)
        got += 1.0
        assert not sess.run(v).any()
        big = sess.run(tf.constant(np.zeros(40000, np.float32)) + 0.0)
        big += 1.0


def test_a_fed_array_is_not_held_by_a_variable() -> None:
    v = tf.Variable(np.zeros(3, np.float32))
    x = tf.placeholder(tf.float32, [3])
    set_ = v.assign(x)
    with tf.Session() as sess:
        mine = np.ones(3, np.float32)
        sess.run(set_, {x: mine})
        mine[:] = 7.0
        np.testing.assert_array_equal(sess.run(v), [1, 1, 1])


def test_threads_that_update_one_variable_lose_nothing() -> None:
    v = tf.Variable(0)
    bump = v.assign_add(1)
    seen: list[int] = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())

        def work() -> None:
            seen.extend(int(sess.run(bump)) for _ in range(50))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sess.run(v) == 200
    assert sorted(seen) == list(range(1, 201))


def test_many_shapes_of_a_feed() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    total = tf.reduce_sum(x, axis=0)
    with tf.Session() as sess:
        for rows in (1, 5, 2, 9, 0, 3, 7, 1):
            np.testing.assert_array_equal(sess.run(total, {x: np.ones((rows, 2))}), [rows, rows])


def test_make_callable_takes_values_in_order() -> None:
    a = tf.placeholder(tf.float32)
    b = tf.placeholder(tf.float32)
    with tf.Session() as sess:
        minus = sess.make_callable(a - b, [a, b])
        assert minus(5.0, 2.0) == 3.0
        with pytest.raises(ValueError, match="2 values"):
            minus(1.0)


def test_interactive_session_is_the_default() -> None:
    sess = tf.InteractiveSession()
    try:
        assert (tf.constant(1.0) + 1.0).eval() == 2.0
    finally:
        sess.close()
    with pytest.raises(ValueError, match="no default session"):
        tf.constant(1.0).eval()


def test_a_closed_session_says_so() -> None:
    sess = tf.Session()
    x = tf.constant(1.0)
    sess.close()
    sess.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        sess.run(x)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ([[1.0, 2.0]], errors.InvalidArgumentError, r"shape \(1, 2\).*'x:0'.*\(\?, 3\)"),
        ([1.0, 2.0, 3.0], errors.InvalidArgumentError, r"Cannot feed value of shape \(3,\)"),
        ([["a", "b", "c"]], TypeError, "x:0"),
        (None, TypeError, "x:0"),
    ],
)
def test_bad_feeds_name_the_tensor(value: object, error: type[Exception], text: str) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.Session() as sess:
        with pytest.raises(error, match=text):
            sess.run(x + 1.0, {x: value})
        assert sess.run(x + 1.0, {x: [[1, 2, 3]]}).shape == (1, 3)


def test_a_tensor_is_no_feed_value() -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.Session() as sess:
        for _ in range(2):
            with pytest.raises(TypeError, match="cannot be a Tensor"):
                sess.run(x + 1.0, {x: tf.constant(1.0)})
        y = x + 1.0
        sess.run(y, {x: 1.0})
        with pytest.raises(TypeError, match="cannot be a Tensor"):
            sess.run(y, {x: tf.constant(1.0)})


def test_what_is_not_in_the_graph_cannot_be_fetched_or_fed() -> None:
    with tf.Graph().as_default():
        foreign = tf.constant(1.0)
    x = tf.constant(1.0)
    with tf.Session() as sess:
        with pytest.raises(ValueError, match="not an element of this graph"):
            sess.run(foreign)
        with pytest.raises(ValueError, match="nowhere"):
            sess.run("nowhere:0")
        with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
            sess.run(x, {foreign: 1.0})
        with pytest.raises(TypeError, match="None"):
            sess.run(None)
        with pytest.raises(TypeError, match="int"):
            sess.run(3)


def test_variable_handles_are_not_fed() -> None:
    v = tf.Variable(1.0)
    with tf.Session() as sess, pytest.raises(errors.InvalidArgumentError, match="may not be fed"):
        sess.run(v, {v.handle: 1.0})


def test_a_target_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="'ray' for a Ray cluster"):
        tf.Session("gopher://somewhere")
    with pytest.raises(TypeError, match="string"):
        tf.Session(3)


def test_the_default_target_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_TARGET", "local")
    with tf.Session() as sess:
        assert sess.run(tf.constant(1.0)) == 1.0
    monkeypatch.setenv("WEFT_TARGET", "nonsense")
    with pytest.raises(errors.InvalidArgumentError, match="nonsense"):
        tf.Session()


def test_run_metadata_has_what_ran_and_where() -> None:
    x = tf.placeholder(tf.float32, [4, 4], name="x")
    y = tf.matmul(x, x, name="product")
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        sess.run(y, {x: np.eye(4)}, options=options, run_metadata=metadata)
    (stats,) = metadata.step_stats.dev_stats
    assert stats.device.endswith("/device:CPU:0")
    assert "product" in [n.node_name for n in stats.node_stats]
    assert all(n.all_end_rel_micros >= 0 for n in stats.node_stats)
    assert "product" in [n.name for n in metadata.partition_graphs[0].node]
