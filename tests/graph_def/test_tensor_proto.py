"""Arrays as TensorProtos and back, malformed ones included."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from weft.graph.errors import InvalidArgumentError
from weft.graph.protos import from_text
from weft.graph.tensor_proto import array_from_proto, make_ndarray, make_tensor_proto, proto_from_array

ARRAYS = [
    np.float32(1.5),
    np.arange(6, dtype=np.float64).reshape(2, 3),
    np.array([], np.int32),
    np.zeros((0, 3), np.float32),
    np.arange(-3, 3, dtype=np.int8),
    np.uint8(200),
    np.int16(-5),
    np.array([2**63], np.uint64),
    np.uint64(2**64 - 1),
    np.int64(-(2**63)),
    np.array([[True, False]]),
    np.bool_(True),
    np.array([1, -2.5], ml_dtypes.bfloat16),
    np.array(3, ml_dtypes.bfloat16),
    np.float16(0.1),
    np.array([np.inf, np.nan, -0.0], np.float16),
    np.complex64(1 - 2j),
    np.array([1j, 2], np.complex128),
    np.complex128(1 - 2j),
    np.array([b"", b"\xff\x00", b"text"], object),
    np.array(b"one", object),
    np.arange(6, dtype=np.float32).reshape(2, 3).T,
    np.array([1, 2, 3], ">i4"),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{np.asarray(a).dtype}{list(np.shape(a))}")
def test_round_trip(array: Any) -> None:
    back, dtype = array_from_proto(proto_from_array(array))
    array = np.asarray(array)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=") == dtype.np
    if array.dtype == object:
        assert back.tolist() == array.tolist()
    else:
        assert back.tobytes() == np.ascontiguousarray(array, array.dtype.newbyteorder("=")).tobytes()


def test_a_repeated_value_is_written_once_and_read_without_copies() -> None:
    proto = proto_from_array(np.broadcast_to(np.float32(2), (1000, 1000)))
    assert proto.ByteSize() < 100
    array, _ = array_from_proto(proto)
    assert array.shape == (1000, 1000)
    assert array.strides == (0, 0)
    assert array[3, 4] == 2


def test_the_last_value_fills_the_rest() -> None:
    text = "dtype: DT_INT32 tensor_shape { dim { size: 2 } dim { size: 3 } } int_val: 1 int_val: 2"
    array, _ = array_from_proto(from_text("TensorProto", text))
    assert array.tolist() == [[1, 2, 2], [2, 2, 2]]
    text = "dtype: DT_STRING tensor_shape { dim { size: 2 } }"
    assert array_from_proto(from_text("TensorProto", text))[0].tolist() == [b"", b""]
    text = "dtype: DT_BFLOAT16 tensor_shape { dim { size: 2 } }"
    assert array_from_proto(from_text("TensorProto", text))[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dtype: DT_INVALID", "unknown element type"),
        ("dtype: DT_RESOURCE", "cannot be part of a graph"),
        ("dtype: DT_QINT8 tensor_shape {}", "unknown element type"),
        ("dtype: DT_FLOAT tensor_shape { unknown_rank: true }", "must be known"),
        ("dtype: DT_FLOAT tensor_shape { dim { size: -1 } }", "must be known"),
        ("dtype: DT_FLOAT tensor_shape { dim { size: -2 } }", "must be >= 0"),
        ("dtype: DT_FLOAT tensor_shape { dim { size: 1000000000000 } } float_val: 1", "two gigabytes"),
        ("dtype: DT_FLOAT tensor_shape { dim { size: 4294967296 } dim { size: 4294967296 } }", "64 bits"),
        ('dtype: DT_FLOAT tensor_shape { dim { size: 2 } } tensor_content: "abc"', "takes 8 bytes"),
        ('dtype: DT_FLOAT tensor_shape { dim { size: 200000000 } } tensor_content: "abcd"', "content has 4"),
        ("dtype: DT_FLOAT tensor_shape {} float_val: 1 float_val: 2", "2 values are given"),
        ("dtype: DT_FLOAT tensor_shape { dim { size: 90000000 } } float_val: [1, 2]", "only 2 values"),
        ("dtype: DT_INT8 tensor_shape {} int_val: 300", "bad values"),
        ("dtype: DT_HALF tensor_shape {} half_val: 70000", "bad values"),
        ("dtype: DT_COMPLEX64 tensor_shape {} scomplex_val: 1", "imaginary part"),
        ("dtype: DT_FLOAT tensor_shape {" + " dim { size: 1 }" * 300 + "}", "254 dimensions"),
    ],
)
def test_malformed(text: str, says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        array_from_proto(from_text("TensorProto", text))


def test_values_in_a_field_of_another_type_do_not_count() -> None:
    text = "dtype: DT_FLOAT tensor_shape { dim { size: 2 } } int_val: 5 double_val: 3"
    assert array_from_proto(from_text("TensorProto", text))[0].tolist() == [0, 0]


def test_make_tensor_proto() -> None:
    assert make_ndarray(make_tensor_proto([1, 2], "float32", [3])).tolist() == [1, 2, 2]
    assert make_ndarray(make_tensor_proto("text")).item() == b"text"
    array = make_ndarray(make_tensor_proto(np.ones((2, 2))))
    array[0, 0] = 5
    with pytest.raises(TypeError):
        make_tensor_proto(np.array([object()]))
    with pytest.raises(TypeError, match="TensorProto"):
        make_ndarray("x")
