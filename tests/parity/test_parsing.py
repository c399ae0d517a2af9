"""Example messages and CSV lines come out as from TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft
from weft import parsing
from weft.kernels.files.example import encode_example

pytestmark = pytest.mark.tensorflow

EXAMPLES = [
    {
        "a": [1, -2],
        "b": [0.5, 1.5, 2.5],
        "c": [b"x"],
        "i": [3, 0],
        "v": [1.0, 2.0],
        "many": list(range(-20, 20)),
    },
    {"a": [1 << 40, 7], "b": [3.0], "c": [b"y", b"zz"], "i": [], "v": []},
    {"a": [0, 0], "c": [], "i": [4], "v": [-1.0]},
]
SERIALIZED = [encode_example(e) for e in EXAMPLES]


def _features(t: Any) -> dict[str, Any]:
    return {
        "a": t.FixedLenFeature([2], "int64"),
        "d": t.FixedLenFeature([], "string", "none"),
        "b": t.VarLenFeature("float32"),
        "c": t.FixedLenSequenceFeature([], "string", allow_missing=True),
        "w": t.SparseFeature("i", "v", "float32", 5),
        "many": t.VarLenFeature("int64"),
    }


def _dtypes(tf: Any, features: dict[str, Any]) -> dict[str, Any]:
    return {k: f._replace(dtype=tf.as_dtype(f.dtype)) for k, f in features.items()}


def _flat(value: Any) -> list[Any]:
    return [np.asarray(v) for v in value] if isinstance(value, tuple) else [np.asarray(value)]


def _same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(ours) == set(theirs)
    for key, value in ours.items():
        for a, b in zip(_flat(value), _flat(theirs[key]), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b, err_msg=key)


def _run(tf: Any, make: Callable[[Any], Any]) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(make(tf))


def test_batch_of_examples() -> None:
    import tensorflow.compat.v1 as tf

    def make(t: Any) -> Any:
        return t.parse_example(SERIALIZED, _dtypes(t, _features(t)))

    _same(_run(weft, make), _run(tf, make))


@pytest.mark.parametrize("number", range(3))
def test_one_example(number: int) -> None:
    import tensorflow.compat.v1 as tf

    def make(t: Any) -> Any:
        features = _dtypes(t, _features(t))
        del features["w"]
        return t.parse_single_example(SERIALIZED[number], features)

    _same(_run(weft, make), _run(tf, make))


def test_sequence_example() -> None:
    import tensorflow.compat.v1 as tf

    message = tf.train.SequenceExample()
    message.context.feature["length"].int64_list.value.append(3)
    for step in ([1, 2], [3, 4]):
        row = message.feature_lists.feature_list["pairs"].feature.add()
        row.int64_list.value.extend(step)
    for words in ([b"a"], [], [b"b", b"c"]):
        row = message.feature_lists.feature_list["words"].feature.add()
        row.bytes_list.value.extend(words)

    def make(t: Any) -> Any:
        return t.parse_single_sequence_example(
            message.SerializeToString(),
            {"length": t.FixedLenFeature([], t.int64), "note": t.VarLenFeature(t.string)},
            {
                "pairs": t.FixedLenSequenceFeature([2], t.int64),
                "words": t.VarLenFeature(t.string),
                "absent": t.FixedLenSequenceFeature([3], t.float32, allow_missing=True),
            },
        )

    ours, theirs = _run(weft, make), _run(tf, make)
    _same(ours[0], theirs[0])
    _same(ours[1], theirs[1])


LINES = ["1,2.5,abc", '-3,,"a ""b"", c"', " 4 ,1e3,", '5,NA,""']


def test_csv() -> None:
    import tensorflow.compat.v1 as tf

    def make(t: Any) -> Any:
        return t.decode_csv(LINES, [[0], [9.5], ["none"]], na_value="NA")

    for a, b in zip(_run(weft, make), _run(tf, make), strict=True):
        np.testing.assert_array_equal(a, b)

    def some(t: Any) -> Any:
        return t.decode_csv(["a;b;c", "d;e;f"], [[""], [""]], field_delim=";", select_cols=[0, 2])

    for a, b in zip(_run(weft, some), _run(tf, some), strict=True):
        np.testing.assert_array_equal(a, b)


BAD: dict[str, Callable[[Any], Any]] = {
    "missing": lambda t: t.parse_example(SERIALIZED, {"b": t.FixedLenFeature([1], t.float32)}),
    "wrong type": lambda t: t.parse_example(SERIALIZED, {"a": t.FixedLenFeature([2], t.float32)}),
    "wrong size": lambda t: t.parse_example(SERIALIZED, {"a": t.FixedLenFeature([3], t.int64)}),
    "no message": lambda t: t.parse_example(["\x0b\xff"], {"a": t.FixedLenFeature([3], t.int64)}),
    "fields": lambda t: t.decode_csv(["1,2,3"], [[0], [0]]),
    "number": lambda t: t.decode_csv(["1,x"], [[0], [0]]),
    "too large": lambda t: t.decode_csv(["1,99999999999"], [[0], [0]]),
    "required": lambda t: t.decode_csv(["1,"], [[0], t.constant([], t.int32)]),
    "open quote": lambda t: t.decode_csv(['1,"x'], [[0], [""]]),
    "quote inside": lambda t: t.decode_csv(['1,x"y'], [[0], [""]]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_invalid(name: str) -> None:
    import tensorflow.compat.v1 as tf

    with pytest.raises(tf.errors.InvalidArgumentError):
        _run(tf, BAD[name])
    with pytest.raises(weft.errors.InvalidArgumentError):
        _run(weft, BAD[name])
    assert parsing.__all__
