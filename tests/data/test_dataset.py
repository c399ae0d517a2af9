"""Datasets and iterators: kinds of iterators, order, threads, devices, wrong input."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf

Dataset = tf.data.Dataset


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [t.name for t in threading.enumerate() if t not in before and t.name.startswith("weft-")]
    assert not left, f"threads left: {left}"


def elements(dataset: Any, sess: Any = None) -> list[Any]:
    """All elements of a dataset."""
    iterator = dataset.make_initializable_iterator()
    following = iterator.get_next()
    found = []
    with tf.Session() as own:
        run = (sess or own).run
        run(iterator.initializer)
        try:
            while True:
                found.append(run(following))
        except tf.errors.OutOfRangeError:
            return found


def numbers(dataset: Any) -> list[int]:
    return [int(n) for n in elements(dataset)]


def test_a_reinitializable_iterator_goes_through_other_datasets() -> None:
    iterator = tf.data.Iterator.from_structure(tf.int64, [])
    following = iterator.get_next()
    small, large = Dataset.range(2), Dataset.range(10, 13)
    begin = [iterator.make_initializer(d) for d in (small, large)]
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="not been initialized"):
            sess.run(following)
        for number, expected in ((0, [0, 1]), (1, [10, 11, 12]), (0, [0, 1])):
            sess.run(begin[number])
            assert [int(sess.run(following)) for _ in expected] == expected
        with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
            sess.run(following)
    with pytest.raises(TypeError, match="Expected elements"):
        iterator.make_initializer(Dataset.from_tensors(1.0))
    with pytest.raises(TypeError, match="form of the iterator"):
        iterator.make_initializer(Dataset.zip((small, large)))


def test_a_feedable_iterator_is_chosen_by_its_name() -> None:
    first, second = (Dataset.range(n, n + 3).make_one_shot_iterator() for n in (0, 50))
    handle = tf.placeholder(tf.string, [])
    following = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    with tf.Session() as sess:
        a, b = sess.run([first.string_handle(), second.string_handle()])
        got = [int(sess.run(following, {handle: h})) for h in (a, b, a, b, b)]
        assert got == [0, 50, 1, 51, 52]
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(following, {handle: b})
        with pytest.raises(tf.errors.InvalidArgumentError, match="IteratorToStringHandle"):
            sess.run(following, {handle: "nonsense"})
        gone = a.replace(b"OneShot", b"NoShot") if isinstance(a, bytes) else a.replace("OneShot", "NoShot")
        with pytest.raises(tf.errors.NotFoundError, match="lives on"):
            sess.run(following, {handle: gone})


def test_placeholders_and_variables_in_a_pipeline() -> None:
    limit, scale = tf.placeholder(tf.int64, []), tf.Variable(10, dtype=tf.int64)
    dataset = Dataset.range(limit).map(lambda x: x * scale)
    iterator = dataset.make_initializable_iterator()
    following = iterator.get_next()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(iterator.initializer, {limit: 3})
        assert int(sess.run(following)) == 0 and int(sess.run(following)) == 10
        sess.run(scale.assign(100))
        assert int(sess.run(following)) == 200
    with pytest.raises(ValueError, match="make_initializable_iterator"):
        dataset.make_one_shot_iterator()
    with pytest.raises(ValueError, match="cannot change variables"):
        Dataset.range(3).map(lambda x: scale.assign_add(x))


def test_shuffling() -> None:
    assert sorted(numbers(Dataset.range(50).shuffle(8, seed=1))) == list(range(50))
    one, same, other = (numbers(Dataset.range(50).shuffle(50, seed=s)) for s in (1, 1, 2))
    assert one == same and one != other
    near = numbers(Dataset.range(50).shuffle(5, seed=3))
    assert all(value <= place + 4 for place, value in enumerate(near)) and near != list(range(50))
    twice = numbers(Dataset.range(20).shuffle(20, seed=1).repeat(2))
    assert sorted(twice[:20]) == sorted(twice[20:]) == list(range(20)) and twice[:20] != twice[20:]
    again = numbers(Dataset.range(20).shuffle(20, seed=1, reshuffle_each_iteration=False).repeat(2))
    assert again[:20] == again[20:]
    first, second = (numbers(Dataset.range(100).shuffle(100)) for _ in range(2))
    assert first != second
    with pytest.raises(tf.errors.InvalidArgumentError, match="buffer_size"):
        numbers(Dataset.range(3).shuffle(0))


def test_random_numbers_do_not_depend_on_how_many_are_made_at_a_time() -> None:
    def drawn(calls: int | None) -> list[float]:
        with tf.Graph().as_default():
            tf.set_random_seed(4)
            dataset = Dataset.range(20).map(lambda _: tf.random_uniform([]), num_parallel_calls=calls)
            return [float(v) for v in elements(dataset.repeat(2))]

    alone = drawn(None)
    assert len(set(alone)) == 40
    assert drawn(1) == alone and drawn(4) == alone


def test_a_generator_starts_anew_in_every_epoch_and_is_closed() -> None:
    state = {"open": 0, "closed": 0}

    def count(n: Any) -> Iterator[int]:
        state["open"] += 1
        try:
            yield from range(int(n))
        finally:
            state["closed"] += 1

    dataset = Dataset.from_generator(count, tf.int32, [], args=(tf.constant(3),))
    assert numbers(dataset.repeat(2)) == [0, 1, 2, 0, 1, 2]
    assert state == {"open": 2, "closed": 2}
    assert numbers(dataset.take(1)) == [0]
    assert state == {"open": 3, "closed": 3}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: iter(["word"]), "could not be converted"),
        (lambda: iter([[1, 2]]), "where an element of shape"),
        (lambda: (_ for _ in [1 / 0]), "ZeroDivisionError"),
    ],
)
def test_a_generator_that_gives_something_else(make: Any, message: str) -> None:
    with pytest.raises(tf.errors.OpError, match=message):
        elements(Dataset.from_generator(make, tf.int32, []))


def test_an_element_that_fails_is_passed_over_when_the_next_one_is_asked_for() -> None:
    dataset = Dataset.range(4).map(lambda x: tf.check_numerics(1.0 / tf.cast(x - 1, tf.float32), "bad"))
    for made in (dataset, dataset.prefetch(2)):
        iterator = made.make_one_shot_iterator()
        following = iterator.get_next()
        with tf.Session() as sess:
            assert sess.run(following) == -1.0
            with pytest.raises(tf.errors.InvalidArgumentError, match="bad"):
                sess.run(following)
            assert sess.run(following) == 1.0


def test_batches_of_other_shapes() -> None:
    ragged = Dataset.range(1, 4).map(lambda n: tf.fill([n], n))
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes in component 0"):
        elements(ragged.batch(2))
    with pytest.raises(tf.errors.DataLossError, match="smaller size"):
        elements(ragged.padded_batch(2, [1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        elements(ragged.batch(tf.constant(0, tf.int64)))
    with pytest.raises(ValueError, match="ranks"):
        Dataset.from_generator(list, tf.int32).padded_batch(2)


def test_files_that_are_missing_or_damaged(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    with tf.python_io.TFRecordWriter(str(good)) as writer:
        for i in range(3):
            writer.write(b"record %d" % i)
    bad.write_bytes(good.read_bytes()[:-5])
    missing = str(tmp_path / "missing")
    for make in (tf.data.TFRecordDataset, tf.data.TextLineDataset):
        with pytest.raises(tf.errors.NotFoundError, match="missing"):
            elements(make([missing]))
    with pytest.raises(tf.errors.NotFoundError, match="missing"):
        elements(tf.data.FixedLengthRecordDataset(missing, 4))
    with pytest.raises(tf.errors.DataLossError, match="bad"):
        elements(tf.data.TFRecordDataset(str(bad)))
    kept = tf.data.TFRecordDataset([str(bad), str(good)]).apply(tf.data.experimental.ignore_errors())
    assert len(elements(kept)) == 5
    (tmp_path / "odd").write_bytes(b"12345")
    with pytest.raises(tf.errors.DataLossError, match="records of 4 bytes"):
        elements(tf.data.FixedLengthRecordDataset(str(tmp_path / "odd"), 4))
    with pytest.raises(tf.errors.InvalidArgumentError, match="No files matched"):
        elements(Dataset.list_files(str(tmp_path / "*.nothing")))
    with pytest.raises(tf.errors.InvalidArgumentError, match="compression"):
        elements(tf.data.TFRecordDataset(str(good), compression_type="RAR"))


def test_files_are_found_and_read_in_parallel(tmp_path: Path) -> None:
    for name in "abc":
        with tf.python_io.TFRecordWriter(str(tmp_path / name)) as writer:
            for i in range(4):
                writer.write(f"{name}{i}".encode())
    names = Dataset.list_files(str(tmp_path / "*"), seed=1)
    assert sorted(Path(n.decode()).name for n in elements(names)) == ["a", "b", "c"]
    every = elements(tf.data.TFRecordDataset(names, num_parallel_reads=2))
    assert sorted(every) == sorted(f"{n}{i}".encode() for n in "abc" for i in range(4))


def test_a_cache_in_a_file_outlives_its_session(tmp_path: Path) -> None:
    calls: list[int] = []

    def counted(x: Any) -> Any:
        calls.append(int(x))
        return np.int64(x * x)

    def make() -> Any:
        path = str(tmp_path / "cache")
        made = Dataset.range(4).map(lambda x: (tf.py_func(counted, [x], tf.int64), tf.as_string(x)))
        return made.cache(path)

    first, second = elements(make()), elements(make())
    assert first == second == [(i * i, str(i).encode()) for i in range(4)]
    assert sorted(calls) == [0, 1, 2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["cache"]


def test_closing_a_session_ends_threads_inside_a_pipeline() -> None:
    dataset = Dataset.range(10**9).map(lambda x: x + 1, num_parallel_calls=3).prefetch(5)
    dataset = dataset.interleave(
        lambda x: Dataset.from_tensors(x).repeat(3).prefetch(1), cycle_length=2, num_parallel_calls=2
    )
    following = dataset.make_one_shot_iterator().get_next()
    with tf.Session() as sess:
        assert [int(sess.run(following)) for _ in range(4)] == [1, 2, 1, 2]
        assert any(t.name.startswith("weft-") for t in threading.enumerate())


def test_several_clients_take_each_element_once() -> None:
    following = Dataset.range(200).make_one_shot_iterator().get_next()
    found: list[int] = []
    with tf.Session() as sess:

        def take() -> None:
            try:
                while True:
                    found.append(int(sess.run(following)))
            except tf.errors.OutOfRangeError:
                pass

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == list(range(200))


def sums_of_workers(target: str) -> list[list[int]]:
    """Every worker goes through its own part of a dataset; the sums meet on the parameter server."""
    with tf.Graph().as_default():
        cluster = tf.train.ClusterSpec({"ps": 1, "worker": 2})
        parts = []
        for task in range(2):
            with tf.device(f"/job:worker/task:{task}"):
                part = Dataset.range(12).shard(2, task).map(lambda x: x * 10).batch(2)
                parts.append(tf.reduce_sum(part.make_one_shot_iterator().get_next()))
        with tf.device("/job:ps/task:0"):
            both = tf.stack([*parts, tf.add_n(parts)])
        with tf.Session(target, cluster=cluster) as sess:
            found = [[int(v) for v in sess.run(both)] for _ in range(3)]
            with pytest.raises(tf.errors.OutOfRangeError):
                sess.run(both)
    return found


EXPECTED = [[20, 40, 60], [100, 120, 220], [180, 200, 380]]


def test_several_workers_at_once() -> None:
    assert sums_of_workers("") == EXPECTED


@pytest.mark.ray
def test_several_workers_on_ray(ray_cluster: Any) -> None:
    assert sums_of_workers("ray") == EXPECTED


@pytest.mark.ray
@pytest.mark.timeout(200)
def test_rows_of_a_ray_dataset(ray_cluster: Any) -> None:
    for needed in ("pandas", "pyarrow"):
        pytest.importorskip(needed, reason="Ray Data is not installed (extra `data`)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        rows = ray.data.from_items([{"n": i, "word": f"w{i}", "row": [float(i)] * 2} for i in range(10)])
        dataset = tf.data.from_ray(rows, columns=["n", "word"]).batch(4)
        assert dataset.output_types == {"n": tf.int64, "word": tf.string}
        with tf.device("/job:worker/task:0"):
            following = dataset.make_one_shot_iterator().get_next()
        with tf.Session("ray", cluster=tf.train.ClusterSpec({"worker": 1})) as sess:
            found = [sess.run(following) for _ in range(3)]
        with pytest.raises(ValueError, match="no column"):
            tf.data.from_ray(rows, columns=["absent"])
    pairs = [(int(n), w) for batch in found for n, w in zip(batch["n"], batch["word"], strict=True)]
    assert sorted(pairs) == [(i, f"w{i}".encode()) for i in range(10)]


def test_a_graph_def_with_a_pipeline_runs_when_it_is_read_back() -> None:
    dataset = Dataset.range(6).map(lambda x: x * 3).filter(lambda x: tf.equal(x % 2, 0)).batch(2)
    dataset.make_one_shot_iterator().get_next(name="following")
    written = tf.get_default_graph().as_graph_def().SerializeToString()
    with tf.Graph().as_default():
        message = tf.GraphDef.FromString(written)
        (following,) = tf.import_graph_def(message, return_elements=["following:0"], name="")
        with tf.Session() as sess:
            assert sess.run(following).tolist() == [0, 6]
            assert sess.run(following).tolist() == [12]


def test_an_iterator_on_a_compiling_device_gives_arrays_to_its_step() -> None:
    dataset = Dataset.from_tensor_slices(np.arange(6.0, dtype=np.float32)).batch(2)
    x = dataset.make_one_shot_iterator().get_next()
    w = tf.Variable(2.0)
    step = w.assign_add(tf.reduce_sum(x))
    with tf.Session(config=tf.ConfigProto(backends={"CPU": "jax"})) as sess:
        sess.run(w.initializer)
        assert [float(sess.run(step)) for _ in range(3)] == [3.0, 8.0, 17.0]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d: d.filter(lambda x: x), ValueError, "scalar boolean"),
        (lambda d: d.flat_map(lambda x: x), TypeError, "must return a Dataset"),
        (lambda d: d.concatenate(Dataset.from_tensors(1.0)), TypeError, "different types"),
        (lambda d: d.apply(lambda x: 3), TypeError, "must return a Dataset"),
        (lambda d: Dataset.zip([d, d]), TypeError, "tuple or dictionary"),
        (lambda d: Dataset.from_tensor_slices(3), ValueError, "rows"),
        (lambda d: Dataset.from_tensor_slices(([1, 2], [1])), ValueError, "as many rows"),
        (lambda d: Dataset.from_generator([1], tf.int32), TypeError, "callable"),
        (lambda d: d.shard(2, 2), ValueError, "index"),
        (lambda d: iter(d), RuntimeError, "make_one_shot_iterator"),
        (lambda d: d.reduce(0.5, lambda s, x: x), TypeError, "match the initial state"),
        (lambda d: d.make_one_shot_iterator().initializer, ValueError, "initializer"),
        (lambda d: tf.data.from_ray([1]), TypeError, "ray.data.Dataset"),
    ],
)
def test_wrong_arguments(make: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(Dataset.range(3))
