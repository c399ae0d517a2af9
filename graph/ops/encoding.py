"""Bytes as numbers and text, and hashes of strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..infer import InferContext
from ..opdef import PURE, OpDecl, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape
from .broadcasting import like_input
from .strings import COST, NO_GRADIENT, texts

__all__ = [
    "DecodeBase64",
    "DecodeCompressed",
    "DecodePaddedRaw",
    "DecodeRaw",
    "EncodeBase64",
    "ParseTensor",
    "SerializeTensor",
    "StringToHashBucket",
    "StringToHashBucketFast",
    "StringToHashBucketStrong",
]


def _host_op(
    name: str, inputs: str, outputs: str, attrs: Any, infer: Any, rows: Any, doc: str, **more: Any
) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs=outputs,
        attrs=attrs,
        infer=infer,
        gradient=NO_GRADIENT,
        cost=COST,
        state=PURE,
        samples=rows,
        doc=doc,
        **more,
    )


EncodeBase64 = _host_op(
    "EncodeBase64",
    "input: string",
    "output: string",
    "pad: bool = false",
    like_input,
    lambda: [sample(texts(b"hello??>>", b"", b"a")), sample(texts(b"a", b"ab"), pad=True)],
    "Strings in web-safe base64.",
)

DecodeBase64 = _host_op(
    "DecodeBase64",
    "input: string",
    "output: string",
    "",
    like_input,
    lambda: [sample(texts(b"aGVsbG8_Pz4-", b"YQ", b"YQ==", b""))],
    "Strings out of web-safe base64, with or without padding.",
)


def _hash(name: str, argument: str, rows: Any, doc: str, *attrs: str) -> OpDecl:
    return _host_op(
        name, f"{argument}: string", "output: int64", ("num_buckets: int >= 1", *attrs), like_input, rows, doc
    )


_LENGTHS = texts(
    *[(b"abcdefghijk" * 40)[:n] for n in (0, 1, 3, 5, 8, 12, 16, 17, 25, 32, 33, 50, 64, 65, 300)]
)

StringToHashBucketFast = _hash(
    "StringToHashBucketFast",
    "input",
    lambda: [sample(_LENGTHS, num_buckets=1000), sample(_LENGTHS, num_buckets=2**62)],
    "Hashes of strings, as a number of a bucket: FarmHash64 (Pike 2014).",
)
StringToHashBucketStrong = _hash(
    "StringToHashBucketStrong",
    "input",
    lambda: [sample(_LENGTHS, num_buckets=2**62, key=[123, 456])],
    "Hashes of strings, keyed so that collisions cannot be planned: SipHash-2-4 (Aumasson, Bernstein 2012).",
    "key: list(int)",
)
StringToHashBucket = _hash(
    "StringToHashBucket",
    "string_tensor",
    lambda: [sample(_LENGTHS, num_buckets=2**62)],
    "Hashes of strings, by the older MurmurHash64A.",
)


def _raw_shape(c: InferContext) -> Sequence[TensorShape]:
    return [c.shape("bytes").concatenate([None])]


DecodeRaw = _host_op(
    "DecodeRaw",
    "bytes: string",
    "output: out_type",
    (
        "out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, complex64, complex128, "
        "bool, bfloat16}",
        "little_endian: bool = true",
    ),
    _raw_shape,
    lambda: [
        sample(texts(b"abcd", b"efgh"), out_type="uint8"),
        sample(texts(b"abcd", b"efgh"), out_type="int16", little_endian=False),
        sample(np.array(floats(3).tobytes(), dtype=object), out_type="float32"),
        sample(texts([]), out_type="float32"),
    ],
    "Bytes as numbers.",
    dynamic=True,
)


def _padded_shape(c: InferContext) -> Sequence[TensorShape]:
    length = c.value("fixed_length")
    size = c.attr("out_type").size
    if length is None:
        return [c.shape("input_bytes").concatenate([None])]
    if int(length) <= 0 or int(length) % size:
        c.fail(f"fixed_length must be a positive multiple of {size}, got {int(length)}")
    return [c.shape("input_bytes").concatenate([int(length) // size])]


DecodePaddedRaw = _host_op(
    "DecodePaddedRaw",
    "input_bytes: string, fixed_length: int32",
    "output: out_type",
    (
        "out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, bfloat16}",
        "little_endian: bool = true",
    ),
    _padded_shape,
    lambda: [sample(texts(b"abcd", b"ef"), np.int32(4), out_type="uint16")],
    "Bytes as numbers, cut or filled up to one length.",
    host_inputs=("fixed_length",),
)

DecodeCompressed = _host_op(
    "DecodeCompressed",
    "bytes: string",
    "output: string",
    "compression_type: string = ''",
    like_input,
    lambda: [
        sample(texts(b"abc", b"")),
        sample(texts([b"x\x9cKLJ\x06\x00\x02M\x01'"]), compression_type="ZLIB"),
    ],
    "Strings uncompressed: ZLIB, GZIP, or as they are.",
)

SerializeTensor = _host_op(
    "SerializeTensor",
    "tensor: T",
    "serialized: string",
    "T: type",
    lambda c: [TensorShape([])],
    lambda: [sample(floats(2, 3, dtype=np.float64), grad=()), sample(ints(0)), sample(texts(b"a", b"b"))],
    "A tensor as a TensorProto message.",
)

ParseTensor = _host_op(
    "ParseTensor",
    "serialized: string",
    "output: out_type",
    "out_type: type",
    lambda c: [TensorShape(None)],
    lambda: [
        sample(
            np.array(
                b"\x08\x03\x12\x04\x12\x02\x08\x02\x22\x08\x01\x00\x00\x00\x02\x00\x00\x00", dtype=object
            ),
            out_type="int32",
        )
    ],
    "The tensor of a TensorProto message.",
    dynamic=True,
)
