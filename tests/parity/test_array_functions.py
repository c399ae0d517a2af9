"""Functions on arrays, strings, sparse tensors and tables: one line of a program gives the same in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow

Line = Callable[[Any], Any]

_X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
_WORDS = ["a b", "", "c  d"]


def _unknown(tf: Any, value: Any, shape: Any = None) -> Any:
    """A tensor of which no shape, or only `shape`, is known."""
    return tf.placeholder_with_default(value, shape)


def _sp(tf: Any) -> Any:
    return tf.SparseTensor([[0, 1], [1, 0], [2, 3]], [1.5, 2.0, -3.0], [3, 4])


def _both(tf: Any) -> Any:
    return tf.SparseTensor([[0, 1], [2, 2]], [1.0, 4.0], [3, 4])


LINES: dict[str, Line] = {
    "shape": lambda tf: [tf.shape(_X), tf.shape(_unknown(tf, _X)), tf.shape(_X, out_type=tf.int64)],
    "size_rank": lambda tf: [tf.size(_X), tf.rank(_unknown(tf, _X)), tf.size(_sp(tf)), tf.rank(_sp(tf))],
    "shape_n": lambda tf: tf.shape_n([_X, _X[0]]),
    "reshape": lambda tf: [
        tf.reshape(_X, [-1, 6]),
        tf.reshape(_X, tf.constant([4, 6])),
        tf.reshape([3.0], []),
        tf.reshape(_unknown(tf, _X), [-1, tf.constant(8)]),
    ],
    "expand_squeeze": lambda tf: [tf.squeeze(tf.expand_dims(_X, 1), axis=1), tf.expand_dims(_X, dim=-1)],
    "squeeze": lambda tf: [tf.squeeze(_X[:1, :1]), tf.squeeze(_X[:1], squeeze_dims=[0])],
    "transpose": lambda tf: [
        tf.transpose(_X),
        tf.transpose(_unknown(tf, _X)),
        tf.transpose(_X, [0, 2, 1]),
        tf.transpose(np.complex64([[1j, 2]]), conjugate=True),
        tf.matrix_transpose(_X),
        tf.matrix_transpose(_unknown(tf, _X)),
    ],
    "concat": lambda tf: [tf.concat([_X, _X], 0), tf.concat([_X, _X[:, :1]], axis=-2), tf.concat([_X], 1)],
    "split": lambda tf: [*tf.split(_X, 2, axis=2), *tf.split(_X, [1, -1], 1), *tf.split(_X, [1, 1], num=2)],
    "stack": lambda tf: [tf.stack([1, 2]), tf.stack([_X[0], _X[1]], axis=1), *tf.unstack(_X, axis=1)],
    "slices": lambda tf: [
        tf.slice(_X, [0, 1, 2], [-1, 1, 2]),
        tf.constant(_X)[1],
        tf.constant(_X)[..., -1],
        tf.constant(_X)[:, tf.newaxis, ::-2],
        tf.constant(_X)[tf.constant(1), 1:, tf.constant(0) : 3],
        tf.strided_slice(_X, [0, 0, 1], [2, 3, 3], [1, 2, 1], shrink_axis_mask=1),
    ],
    "gather": lambda tf: [
        tf.gather(_X, [1, 0, 1]),
        tf.gather(_X, [[1], [2]], axis=1),
        tf.gather(_X, [[0, 1], [2, 3]], axis=2, batch_dims=1),
        tf.batch_gather(_X, np.zeros((2, 3, 1), np.int32)),
        tf.gather_nd(_X, [[0, 1], [1, 2]]),
        tf.gather_nd(_X, [[[0], [1]], [[2], [0]]], batch_dims=1),
    ],
    "scatter": lambda tf: [
        tf.scatter_nd([[1], [3], [1]], [1.0, 2.0, 3.0], [5]),
        tf.tensor_scatter_nd_update(_X, [[0, 1, 2]], [9.0]),
        tf.tensor_scatter_nd_add(_X, [[1]], _X[:1]),
        tf.tensor_scatter_nd_sub(_X, [[1]], _X[:1]),
    ],
    "tile_pad": lambda tf: [
        tf.tile(_X, [1, 2, 1]),
        tf.pad(_X, [[0, 1], [1, 0], [0, 0]]),
        tf.pad(_X, [[0, 1], [1, 0], [0, 0]], constant_values=2.5),
        tf.pad(_X, [[1, 0], [1, 1], [2, 2]], "reflect"),
        tf.pad(_X, [[1, 0], [1, 1], [2, 2]], mode="SYMMETRIC"),
    ],
    "fills": lambda tf: [
        tf.zeros([2, 2]),
        tf.ones((3,), tf.int32),
        tf.zeros([], tf.string),
        tf.ones([40, 40]),
        tf.fill([2], 7),
        tf.fill([], "x"),
        tf.zeros_like(_X, dtype=tf.int64),
        tf.ones_like(_unknown(tf, _X)),
        tf.ones_like(_unknown(tf, _X), tf.bool),
        tf.zeros(tf.shape(_unknown(tf, _X))[:2]),
    ],
    "ranges": lambda tf: [
        tf.range(4),
        tf.range(2, 9, 3),
        tf.range(3.0, 1.0, -0.5),
        tf.range(5, dtype=tf.float64),
        tf.range(tf.constant(2, tf.int64), 5),
        tf.linspace(0.0, 1.0, 5),
        tf.lin_space(2.0, 3.0, 1),
    ],
    "one_hot": lambda tf: [
        tf.one_hot([0, 2, -1], 3),
        tf.one_hot([[0], [2]], 3, on_value=5, off_value=-1, axis=0),
        tf.one_hot([1], 2, dtype=tf.bool, on_value=True, off_value=False),
        tf.one_hot([1], 2, on_value=8.0),
    ],
    "reverse": lambda tf: [
        tf.reverse(_X, [0, -1]),
        tf.reverse_sequence(_X, [1, 3], seq_axis=1, batch_axis=0),
        tf.reverse_sequence(_X, [1, 3], seq_dim=1),
        tf.roll(_X, [1, -1], [1, 2]),
        tf.invert_permutation([2, 0, 1]),
    ],
    "where": lambda tf: [
        tf.where(_X[0] > 5),
        tf.where(_X[0] > 5, _X[0], -_X[0]),
        tf.where([True, False], _X, -_X),
        tf.boolean_mask(_X, _X > 7),
        tf.boolean_mask(_X, [[True, False, True], [False, True, True]]),
        tf.boolean_mask(_X, [True, False, True], axis=1),
        tf.boolean_mask(_unknown(tf, _X), [True, False]),
    ],
    "sequence_mask": lambda tf: [
        tf.sequence_mask([1, 3, 0]),
        tf.sequence_mask([[1], [2]], 4, dtype=tf.float32),
        tf.sequence_mask(tf.constant([2], tf.int64), tf.constant(3)),
    ],
    "meshgrid": lambda tf: [
        *tf.meshgrid([1, 2], [3, 4, 5]),
        *tf.meshgrid([1, 2], [3, 4, 5], [6], indexing="ij"),
    ],
    "broadcast": lambda tf: [tf.broadcast_to([[1], [2]], [2, 3]), tf.broadcast_dynamic_shape([2, 1], [3])],
    "unique": lambda tf: [
        *tf.unique([4, 1, 4, 2]),
        *tf.unique_with_counts(["b", "a", "b"]),
        *tf.setdiff1d([1, 2, 3], [2]),
    ],
    "partition": lambda tf: [
        *tf.dynamic_partition(_X[0], [1, 0, 1], 3),
        tf.dynamic_stitch([[0, 2], [1]], [_X[0][:2], _X[0][2:]]),
    ],
    "blocks": lambda tf: [
        tf.space_to_batch(_X[..., None], [[1, 0], [0, 2]], 2),
        tf.batch_to_space(np.arange(8.0).reshape(4, 1, 2, 1), [[0, 1], [0, 0]], 2),
        tf.space_to_batch_nd(_X, [3], [[0, 0]]),
        tf.batch_to_space_nd(_X, [2], [[1, 0]]),
        tf.space_to_depth(np.arange(16.0).reshape(1, 4, 4, 1), 2),
        tf.depth_to_space(np.arange(16.0).reshape(1, 2, 2, 4), 2),
        *tf.required_space_to_batch_paddings([5, 6], [2, 4]),
        *tf.required_space_to_batch_paddings(_unknown(tf, [5, 6], [2]), [2, 4], [[1, 0], [0, 0]]),
    ],
    "matrices": lambda tf: [
        tf.matrix_band_part(_X, 1, 0),
        tf.matrix_diag([[1, 2], [3, 4]]),
        tf.matrix_diag([1, 2], k=1, padding_value=9),
        tf.matrix_diag_part(_X),
        tf.matrix_diag_part(_X, k=(-1, 1), padding_value=-1.0),
        tf.matrix_set_diag(_X, [[0.0] * 3] * 2),
        tf.matrix_set_diag(_X, [[0.0] * 3] * 2, k=1),
        tf.diag([1, 2]),
        tf.diag_part(np.arange(9).reshape(3, 3)),
    ],
    "bits": lambda tf: [tf.bitcast(_X, tf.int32), tf.bitcast(_X, tf.uint8), tf.unravel_index([5, 7], [3, 3])],
    "edit_distance": lambda tf: tf.edit_distance(
        tf.SparseTensor([[0, 0], [0, 1]], ["a", "b"], [1, 2]), tf.SparseTensor([[0, 0]], ["b"], [1, 1])
    ),
    "quantized": lambda tf: [
        tf.quantization.fake_quant_with_min_max_args(_X, -1, 20),
        tf.quantization.fake_quant_with_min_max_vars(_X, -1.0, 20.0, num_bits=4),
        tf.quantization.quantize_and_dequantize(_X, 0.0, 0.0),
    ],
    "joins": lambda tf: [
        tf.string_join([["a", "b"], "c"], "-"),
        tf.reduce_join([["a", "b"], ["c", "d"]]),
        tf.reduce_join([["a", "b"], ["c", "d"]], 0, separator="+"),
        tf.reduce_join([["a", "b"], ["c", "d"]], reduction_indices=[1], keep_dims=True),
        tf.strings.format("{} and {}", (tf.range(9), tf.constant(["x"]))),
    ],
    "splits": lambda tf: [
        *_parts(tf.string_split(_WORDS)),
        *_parts(tf.string_split(_WORDS, skip_empty=False)),
        *_parts(tf.strings.split(_WORDS)),
        *_parts(tf.strings.split(["x,,y"], ",", maxsplit=1)),
    ],
    "text": lambda tf: [
        tf.substr(["hello", "hi"], 1, 3),
        tf.as_string([1.5, 2.25], precision=1),
        tf.string_to_number(["1", "2.5"]),
        tf.string_to_number(["7"], tf.int64),
        tf.regex_replace(["a1b2"], "[0-9]", "<\\0>"),
        tf.regex_replace(["a1b2"], tf.constant("[0-9]"), "", replace_global=False),
        tf.strings.regex_full_match(["ab", "abc"], "a.c"),
        tf.string_strip([" x "]),
        tf.strings.upper(["aé"]),
        tf.strings.length(["aé"], unit="UTF8_CHAR"),
        tf.encode_base64(["hi?"]),
        tf.decode_base64(["aGk_"]),
        tf.decode_raw(["abcd"], tf.uint16),
        tf.string_to_hash_bucket_fast(["a", "b"], 100),
        tf.string_to_hash_bucket_strong(["a", "b"], 100, [1, 2]),
        tf.string_to_hash_bucket(["a", "b"], 100),
    ],
    "serialized": lambda tf: tf.parse_tensor(tf.serialize_tensor(_X), tf.float32),
    "sparse_dense": lambda tf: [
        tf.sparse_tensor_to_dense(_sp(tf), default_value=7.0),
        tf.sparse_to_dense([1, 3], [5], 2),
        tf.sparse_to_dense([[0, 1]], [2, 2], [3.0], -1.0),
        tf.sparse_tensor_dense_matmul(_sp(tf), _X[0].T),
        tf.sparse_add(_sp(tf), np.ones((3, 4), np.float32)),
        tf.sparse_to_indicator(tf.SparseTensor([[0, 0], [1, 0]], np.int64([2, 0]), [2, 1]), 3),
        tf.sparse_reduce_sum(_sp(tf), 1),
        tf.sparse_reduce_sum(_sp(tf), keepdims=True),
        tf.sparse_reduce_max(_sp(tf), [0]),
    ],
    "sparse_sparse": lambda tf: [
        *_parts(tf.sparse_reorder(tf.SparseTensor([[1, 0], [0, 1]], [2, 1], [2, 2]))),
        *_parts(tf.sparse_reshape(_sp(tf), [4, -1])),
        *_parts(tf.sparse_transpose(_sp(tf))),
        *_parts(tf.sparse_concat(1, [_sp(tf), _both(tf)])),
        *_parts(tf.sparse_slice(_sp(tf), [1, 0], [2, 3])),
        *_parts(tf.sparse_retain(_sp(tf), [True, False, True])),
        *_parts(tf.sparse_reset_shape(_sp(tf), [4, 5])),
        *_parts(tf.sparse_reset_shape(_sp(tf))),
        *_parts(tf.sparse_fill_empty_rows(_both(tf), 0.5)[0]),
        *_parts(tf.sparse_add(_sp(tf), _both(tf))),
        *_parts(tf.sparse_maximum(_sp(tf), _both(tf))),
        *_parts(tf.sparse_minimum(_sp(tf), _both(tf))),
        *_parts(tf.sparse_softmax(_sp(tf))),
        *_parts(tf.sparse.expand_dims(_sp(tf), 1)),
        *_parts(tf.sparse.eye(2, 3)),
        *_parts(_sp(tf) * 2.0),
        *_parts(_sp(tf) / np.full((3, 4), 2.0, np.float32)),
        *[p for s in tf.sparse_split(sp_input=_sp(tf), num_split=2, axis=1) for p in _parts(s)],
    ],
    "sparse_merge": lambda tf: _parts(
        tf.sparse_merge(
            tf.SparseTensor([[0, 0], [1, 0]], np.int64([2, 0]), [2, 1]),
            tf.SparseTensor([[0, 0], [1, 0]], [1.0, 2.0], [2, 1]),
            3,
        )
    ),
}


def _parts(sparse: Any) -> list[Any]:
    return [sparse.indices, sparse.values, sparse.dense_shape]


def _run(tf: Any, line: Line) -> list[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        made = line(tf)
        listed = list(made) if isinstance(made, (list, tuple)) else [made]
        at = [i for i, m in enumerate(listed) if not isinstance(m, np.ndarray)]
        values = dict(zip(at, session.run([listed[i] for i in at]), strict=True))
        return [values.get(i, m) for i, m in enumerate(listed)]


def _array(value: Any) -> Any:
    return np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)


@pytest.mark.parametrize("name", LINES)
def test_same_values(name: str) -> None:
    import tensorflow

    ours, theirs = _run(weft, LINES[name]), _run(tensorflow.compat.v1, LINES[name])
    assert len(ours) == len(theirs)
    for index, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
        label = f"{name}[{index}]"
        got, expected = _array(got), _array(expected)
        assert got.shape == expected.shape, label
        assert got.dtype == expected.dtype, label
        if got.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7, err_msg=label)
        else:
            np.testing.assert_array_equal(got, expected, err_msg=label)


NAMED: list[Line] = [
    lambda tf: tf.shape(_unknown(tf, _X)),
    lambda tf: tf.reshape(_X, [-1]),
    lambda tf: tf.transpose(_X),
    lambda tf: tf.concat([_X, _X], 0),
    lambda tf: tf.concat([_X], 0),
    lambda tf: tf.stack([tf.zeros([2]), tf.zeros([2])]),
    lambda tf: tf.split(_X, 2)[1],
    lambda tf: tf.unstack(_X)[1],
    lambda tf: tf.gather(_X, [0]),
    lambda tf: tf.gather_nd(_X, [[0]]),
    lambda tf: tf.constant(_X)[0],
    lambda tf: tf.zeros([2]),
    lambda tf: tf.zeros([2000]),
    lambda tf: tf.ones_like(_unknown(tf, _X)),
    lambda tf: tf.zeros_like(_X),
    lambda tf: tf.range(3),
    lambda tf: tf.one_hot([1], 2),
    lambda tf: tf.pad(_X, [[0, 0]] * 3),
    lambda tf: tf.tile(_X, [1, 1, 1]),
    lambda tf: tf.expand_dims(_X, 0),
    lambda tf: tf.squeeze(_X),
    lambda tf: tf.fill([2], 1),
    lambda tf: tf.identity(_X),
    lambda tf: tf.stop_gradient(_X),
    lambda tf: tf.where(_X > 1),
    lambda tf: tf.reverse(_X, [0]),
    lambda tf: tf.matrix_band_part(_X, 0, 0),
    lambda tf: tf.sequence_mask([1]),
]


@pytest.mark.parametrize("index", range(len(NAMED)))
def test_same_names(index: int) -> None:
    """The op that a function gives is named, and fed by constants that are named, as in TensorFlow."""
    import tensorflow

    found = []
    for tf in (weft, tensorflow.compat.v1):
        with tf.Graph().as_default(), tf.name_scope("scope"):
            made = NAMED[index](tf)
            found.append((made.op.name, made.op.type, [_constant_name(t) for t in made.op.inputs]))
    assert found[0] == found[1]


def _constant_name(tensor: Any) -> str:
    return tensor.op.name if tensor.op.type == "Const" else ""
