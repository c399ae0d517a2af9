"""Bytes as numbers and text, and hashes; declared in `graph/ops/encoding.py`."""

from __future__ import annotations

import base64
import gzip
import re
import sys
import zlib
from typing import Any

import numpy as np

from .hashing import farm_hash64, murmur_hash64, sip_hash
from .registry import KernelContext, kernel
from .strings import each, flat, scalar, strings


@kernel("EncodeBase64", host=True)
def encode_base64(c: KernelContext, x: Any) -> Any:
    padded = c.attrs["pad"]

    def encode(value: bytes) -> bytes:
        made = base64.urlsafe_b64encode(value)
        return made if padded else made.rstrip(b"=")

    return each(encode, x)


_BASE64 = re.compile(rb"[A-Za-z0-9_-]*")


@kernel("DecodeBase64", host=True)
def decode_base64(c: KernelContext, x: Any) -> Any:
    def decode(value: bytes) -> bytes:
        body = value[:-2] if value.endswith(b"==") else value.removesuffix(b"=")
        if not _BASE64.fullmatch(body) or (len(body) < len(value) and len(value) % 4):
            raise ValueError(f"invalid character in base64: {value!r}")
        if len(body) % 4 == 1:
            raise ValueError(f"the length of base64 text cannot be 1 modulo 4: {value!r}")
        return base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4))

    return each(decode, x)


def _buckets(c: KernelContext, x: Any, hashed: Any) -> Any:
    count = c.attrs["num_buckets"]
    return np.array([hashed(s) % count for s in flat(x)], dtype=np.int64).reshape(np.shape(x))


@kernel("StringToHashBucketFast", host=True)
def string_to_hash_bucket_fast(c: KernelContext, x: Any) -> Any:
    return _buckets(c, x, farm_hash64)


@kernel("StringToHashBucket", host=True)
def string_to_hash_bucket(c: KernelContext, x: Any) -> Any:
    return _buckets(c, x, murmur_hash64)


@kernel("StringToHashBucketStrong", host=True)
def string_to_hash_bucket_strong(c: KernelContext, x: Any) -> Any:
    key = c.attrs["key"]
    if len(key) != 2:
        raise ValueError(f"key must have 2 numbers, got {len(key)}")
    return _buckets(c, x, lambda s: sip_hash(s, key))


def _numbers(data: bytes, dtype: Any, little_endian: bool) -> Any:
    array = np.frombuffer(data, dtype=dtype)
    swapped = little_endian != (sys.byteorder == "little") and dtype.itemsize > 1
    return array.byteswap() if swapped else array


@kernel("DecodeRaw", host=True)
def decode_raw(c: KernelContext, x: Any) -> Any:
    values, dtype = flat(x), c.out_dtype
    size = len(values[0]) if values else 0
    if any(len(v) != size for v in values):
        raise ValueError("all strings must be of one length")
    if size % dtype.itemsize:
        raise ValueError(f"a length of {size} bytes is no multiple of the element size {dtype.itemsize}")
    array = _numbers(b"".join(values), dtype, c.attrs["little_endian"])
    return array.reshape((*np.shape(x), size // dtype.itemsize))


@kernel("DecodePaddedRaw", host=True)
def decode_padded_raw(c: KernelContext, x: Any, fixed_length: Any) -> Any:
    length, dtype = int(fixed_length), c.out_dtype
    if length <= 0 or length % dtype.itemsize:
        raise ValueError(f"fixed_length must be a positive multiple of {dtype.itemsize}, got {length}")
    data = b"".join(v[:length].ljust(length, b"\0") for v in flat(x))
    array = _numbers(data, dtype, c.attrs["little_endian"])
    return array.reshape((*np.shape(x), length // dtype.itemsize))


@kernel("DecodeCompressed", host=True)
def decode_compressed(c: KernelContext, x: Any) -> Any:
    kind = c.attrs["compression_type"]
    decoders: dict[str, Any] = {"": lambda s: s, "ZLIB": zlib.decompress, "GZIP": gzip.decompress}
    if kind not in decoders:
        raise ValueError(f"compression_type must be '', 'ZLIB' or 'GZIP', got {kind!r}")
    try:
        return each(decoders[kind], x)
    except (zlib.error, OSError, EOFError) as error:
        raise ValueError(f"cannot uncompress: {error}") from None


@kernel("SerializeTensor", host=True)
def serialize_tensor(c: KernelContext, x: Any) -> Any:
    from ..graph.tensor_proto import proto_from_array

    return strings([proto_from_array(np.asarray(x), c.in_types[0]).SerializeToString()], ())


@kernel("ParseTensor", host=True)
def parse_tensor(c: KernelContext, serialized: Any) -> Any:
    from ..graph.protos import protos
    from ..graph.tensor_proto import array_from_proto

    message = protos().TensorProto()
    try:
        message.ParseFromString(scalar(serialized))
    except Exception:
        raise ValueError("not a TensorProto message") from None
    array, dtype = array_from_proto(message)
    if dtype is not c.out_types[0]:
        raise ValueError(f"the message holds {dtype.name}, not {c.out_types[0].name}")
    return array
