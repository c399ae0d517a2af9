"""Datasets give the elements that TensorFlow's do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft
from weft.graph.nest import flatten

pytestmark = pytest.mark.tensorflow


def elements(tf: Any, make: Callable[[Any], Any], folder: Path) -> tuple[list[Any], list[Any], Any]:
    """All elements of a dataset as flat lists of arrays, and its types and shapes."""
    with tf.Graph().as_default(), tf.Session() as sess:
        dataset = make(tf, folder) if make.__code__.co_argcount == 2 else make(tf)
        iterator = tf.data.make_initializable_iterator(dataset)
        following = iterator.get_next()
        leaves = flatten(following)
        found = []
        sess.run(iterator.initializer)
        try:
            while len(found) < 60:
                found.append(sess.run(leaves))
        except tf.errors.OutOfRangeError:
            pass
        shapes = [None if t.shape.ndims is None else t.shape.as_list() for t in leaves]
        return found, shapes, [t.dtype.name for t in leaves]


def rows(tf: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices((np.arange(7), {"b": np.arange(14.0).reshape(7, 2)}))


def ragged(tf: Any) -> Any:
    return tf.data.Dataset.range(1, 6).map(lambda n: (tf.fill([n], n), tf.as_string(n)))


def captured(tf: Any) -> Any:
    table = tf.constant(np.arange(400))
    return tf.data.Dataset.range(3).map(lambda x: table[x] + 7)


def windows(tf: Any) -> Any:
    d = tf.data.Dataset.range(10).window(4, shift=3, stride=2)
    return d.flat_map(lambda w: w.batch(4))


def grouped(tf: Any) -> Any:
    return tf.data.Dataset.range(11).apply(
        tf.data.experimental.group_by_window(lambda x: x % 3, lambda key, d: d.batch(2), window_size=2)
    )


def generated(tf: Any) -> Any:
    def count() -> Any:
        for i in range(4):
            yield {"n": i, "row": [i] * i, "text": f"t{i}"}

    types = {"n": tf.int32, "row": tf.float32, "text": tf.string}
    return tf.data.Dataset.from_generator(count, types, {"n": [], "row": [None], "text": []}).repeat(2)


def bucketed(tf: Any) -> Any:
    d = tf.data.Dataset.from_tensor_slices(np.array([3, 1, 5, 2, 2, 8, 1, 4], np.int64))
    d = d.map(lambda n: tf.fill([n], n))
    return d.apply(
        tf.data.experimental.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [2, 4], [2, 3, 2])
    )


def text(tf: Any, folder: Path) -> Any:
    (folder / "a.txt").write_bytes(b"one\ntwo\r\n\nfour")
    with gzip.open(folder / "b.gz", "wb") as file:
        file.write(b"five\nsix\n")
    plain = tf.data.TextLineDataset([str(folder / "a.txt")] * 2)
    return plain.concatenate(tf.data.TextLineDataset(str(folder / "b.gz"), compression_type="GZIP"))


def binary(tf: Any, folder: Path) -> Any:
    (folder / "a.bin").write_bytes(b"HH" + bytes(range(12)) + b"F")
    d = tf.data.FixedLengthRecordDataset(str(folder / "a.bin"), 4, 2, 1)
    return d.map(lambda r: tf.decode_raw(r, tf.uint8))


def written(tf: Any, folder: Path) -> Any:
    for name in "ab":
        with weft.python_io.TFRecordWriter(str(folder / name)) as writer:
            for i in range(3):
                writer.write(f"{name}{i}".encode())
    names = tf.data.Dataset.list_files(str(folder / "?"), shuffle=False)
    return names.interleave(tf.data.TFRecordDataset, cycle_length=2, block_length=2)


CASES: dict[str, Callable[..., Any]] = {
    "slices": rows,
    "tensors": lambda tf: tf.data.Dataset.from_tensors((np.arange(3), [1.5, 2.5], "word")),
    "range": lambda tf: tf.data.Dataset.range(10, 2, -3),
    "map": lambda tf: rows(tf).map(lambda a, d: {"x": a * 2, "y": (d["b"] + 1.0, tf.constant(3))}),
    "parallel": lambda tf: rows(tf).map(lambda a, d: a + tf.cast(d["b"][0], tf.int64), num_parallel_calls=3),
    "captures": captured,
    "batch": lambda tf: rows(tf).batch(3),
    "batch_drop": lambda tf: rows(tf).batch(3, drop_remainder=True),
    "nested_batch": lambda tf: rows(tf).take(6).batch(2).batch(2),
    "padded": lambda tf: ragged(tf).padded_batch(2, ([None], [])),
    "padded_to": lambda tf: ragged(tf).padded_batch(
        3, ([7], []), (np.int64(-1), "none"), drop_remainder=True
    ),
    "unbatch": lambda tf: rows(tf).batch(4).apply(tf.data.experimental.unbatch()),
    "repeat": lambda tf: tf.data.Dataset.range(3).repeat(2).repeat(2),
    "forever": lambda tf: tf.data.Dataset.range(3).repeat(),
    "never": lambda tf: tf.data.Dataset.range(3).repeat(0),
    "zip": lambda tf: tf.data.Dataset.zip((tf.data.Dataset.range(4), {"r": rows(tf)})),
    "concatenate": lambda tf: (
        tf.data.Dataset.range(3).batch(2).concatenate(tf.data.Dataset.range(9, 11).batch(1))
    ),
    "take_skip": lambda tf: tf.data.Dataset.range(10).skip(2).take(5).skip(0).take(-1),
    "shard": lambda tf: tf.data.Dataset.range(10).shard(3, 1),
    "filter": lambda tf: rows(tf).filter(lambda a, d: tf.less(d["b"][1], 9.0)),
    "flat_map": lambda tf: tf.data.Dataset.range(4).flat_map(
        lambda n: tf.data.Dataset.from_tensors(n).repeat(n)
    ),
    "interleave": lambda tf: tf.data.Dataset.range(1, 6).interleave(
        lambda n: tf.data.Dataset.from_tensors(n).repeat(n + 1), cycle_length=2, block_length=3
    ),
    "interleave_ahead": lambda tf: tf.data.Dataset.range(1, 6).interleave(
        lambda n: tf.data.Dataset.from_tensors(n).repeat(n + 1),
        cycle_length=3,
        block_length=2,
        num_parallel_calls=3,
    ),
    "enumerate": lambda tf: rows(tf).apply(tf.data.experimental.enumerate_dataset(5)),
    "prefetch": lambda tf: tf.data.Dataset.range(9).prefetch(3).map(lambda x: x * x).prefetch(1),
    "cache": lambda tf: tf.data.Dataset.range(4).cache().repeat(2),
    "windows": windows,
    "grouped": grouped,
    "generated": generated,
    "bucketed": bucketed,
    "text": text,
    "binary": binary,
    "written": written,
    "ignored": lambda tf: (
        tf.data.Dataset.range(5)
        .map(lambda x: tf.check_numerics(1.0 / tf.cast(x - 2, tf.float32), "bad"))
        .apply(tf.data.experimental.ignore_errors())
    ),
    "take_while": lambda tf: tf.data.Dataset.range(9).apply(tf.data.experimental.take_while(lambda x: x < 4)),
    "reduce": lambda tf: tf.data.Dataset.from_tensors(
        tf.data.Dataset.range(6).reduce((np.int64(0), np.int64(1)), lambda s, x: (s[0] + x, s[1] * (x + 1)))
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_dataset(name: str, tf1: Any, tmp_path: Path) -> None:
    theirs, their_shapes, their_types = elements(tf1, CASES[name], tmp_path)
    ours, shapes, types = elements(weft, CASES[name], tmp_path)
    assert types == their_types
    assert len(ours) == len(theirs)
    for number, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"element {number}")
            assert np.shape(a) == np.shape(b)
    if name not in ("reduce", "generated"):
        assert shapes == their_shapes
