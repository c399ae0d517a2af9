"""Strings under the names that they have at the top of TensorFlow 1's interface; `weft.strings` has the newer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.ops import encoding
from .graph.ops import strings as ops
from .graph.sparse_tensor import SparseTensor

__all__ = [
    "as_string",
    "decode_base64",
    "decode_compressed",
    "decode_raw",
    "encode_base64",
    "parse_tensor",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "serialize_tensor",
    "string_format",
    "string_join",
    "string_length",
    "string_lower",
    "string_split",
    "string_split_v2",
    "string_strip",
    "string_to_hash_bucket",
    "string_to_hash_bucket_fast",
    "string_to_hash_bucket_strong",
    "string_to_number",
    "string_upper",
    "substr",
]


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """Strings of several tensors put one behind the other, elementwise.

    Args:
        inputs: list of string tensors of one shape; scalars go with all elements.
        separator: put between the parts.
        name: name of the op.

    Source:
        TensorFlow `StringJoin`.
    """
    return ops.StringJoin(list(inputs), separator=separator, name=name)  # type: ignore[no-any-return]


def string_split(
    source: Any,
    sep: Any = None,
    skip_empty: bool = True,
    delimiter: Any = " ",
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> SparseTensor:
    """Strings cut at any of the characters in a delimiter.

    Args:
        source: vector of strings.
        sep: the characters; every single byte of a string where it is empty.
        skip_empty: whether empty parts are left out.
        delimiter: older name of `sep`.
        result_type: must be "SparseTensor".
        name: name of the op.

    Returns:
        A sparse matrix with the parts of each string as a row.

    Source:
        TensorFlow `StringSplit`.
    """
    _want_sparse(result_type)
    mark = delimiter if sep is None else sep
    return SparseTensor(*ops.StringSplit(source, mark, skip_empty=skip_empty, name=name))


def _want_sparse(result_type: str) -> None:
    if result_type != "SparseTensor":
        raise ValueError(f"result_type must be 'SparseTensor', got {result_type!r}")


def string_split_v2(
    source: Any, sep: Any = None, maxsplit: int = -1, name: str | None = None
) -> SparseTensor:
    """Strings cut at a separator.

    Args:
        source: vector of strings.
        sep: the separator; runs of white space where it is None or empty.
        maxsplit: largest number of cuts; -1 for no limit.
        name: name of the op.

    Source:
        TensorFlow `StringSplitV2`.
    """
    return SparseTensor(*ops.StringSplitV2(source, sep or "", maxsplit=maxsplit, name=name))


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """Parts of strings.

    Args:
        input: strings.
        pos: where each part begins; negative numbers count from the end.
        len: length of each part, as far as the string goes.
        name: name of the op.
        unit: "BYTE" or "UTF8_CHAR".

    Source:
        TensorFlow `Substr`.
    """
    return ops.Substr(input, pos, len, unit=unit, name=name)  # type: ignore[no-any-return]


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Numbers as text.

    Args:
        input: numbers or bools.
        precision: digits behind the point; -1 for the default.
        scientific: whether floats get an exponent.
        shortest: whether floats get whichever form is shorter.
        width: least number of characters; -1 for no padding.
        fill: "0", " ", "+", "-" or "#", as in a printf format.
        name: name of the op.

    Source:
        TensorFlow `AsString`.
    """
    return ops.AsString(  # type: ignore[no-any-return]
        input,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


def string_to_number(
    string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None, input: Any = None
) -> Tensor:
    """Text as numbers of a type.

    Args:
        string_tensor: strings.
        out_type: float32, float64, int32, int64, uint32 or uint64.
        name: name of the op.
        input: another name of `string_tensor`.

    Source:
        TensorFlow `StringToNumber`.
    """
    text = string_tensor if input is None else input
    return ops.StringToNumber(text, out_type=as_dtype(out_type), name=name)  # type: ignore[no-any-return]


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""Strings with what matches a regular expression (in RE2's syntax) replaced.

    Args:
        input: strings.
        pattern: the expression.
        rewrite: what is put there; `\1` stands for a group, `\0` for the whole match.
        replace_global: whether all matches are replaced, or the first.
        name: name of the op.

    Source:
        TensorFlow `RegexReplace`, `StaticRegexReplace`.
    """
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return ops.StaticRegexReplace(  # type: ignore[no-any-return]
            input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return ops.RegexReplace(  # type: ignore[no-any-return]
        input, pattern, rewrite, replace_global=replace_global, name=name
    )


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether all of each string matches a regular expression (in RE2's syntax).

    Args:
        input: a tensor.
        pattern: the pattern.

    Source:
        TensorFlow `RegexFullMatch`, `StaticRegexFullMatch`.
    """
    if isinstance(pattern, (str, bytes)):
        return ops.StaticRegexFullMatch(input, pattern=pattern, name=name)  # type: ignore[no-any-return]
    return ops.RegexFullMatch(input, pattern, name=name)  # type: ignore[no-any-return]


def reduce_join(
    inputs: Any,
    axis: Any = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Strings put one behind the other along dimensions.

    Args:
        inputs: strings.
        axis: the dimensions, in the order in which they are joined; all, the last first, by default.
        keep_dims, keepdims: whether they stay, as ones.
        separator: put between the parts.
        name: name of the op.
        reduction_indices: old name of `axis`.

    Source:
        TensorFlow `ReduceJoin`.
    """
    kept = bool(keep_dims if keepdims is None else keepdims)
    axes = axis if reduction_indices is None else reduction_indices
    tensor = convert_to_tensor(inputs, dtypes.string)
    if axes is None:
        if tensor.shape.rank is not None:
            axes = np.arange(tensor.shape.rank - 1, -1, -1, dtype=np.int32)
        else:
            from .graph.ops.array import Range, Rank

            axes = Range(Rank(tensor) - 1, -1, -1)
    return ops.ReduceJoin(tensor, axes, keep_dims=kept, separator=separator, name=name)  # type: ignore[no-any-return]


def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """Lengths of strings, in units of "BYTE" or "UTF8_CHAR".

    Args:
        input: a tensor.
        unit: BYTE or UTF8_CHAR: what is counted.
    """
    return ops.StringLength(input, unit=unit, name=name)  # type: ignore[no-any-return]


def string_strip(input: Any, name: str | None = None) -> Tensor:
    """Strings without white space at both ends.

    Args:
        input: a tensor.
    """
    return ops.StringStrip(input, name=name)  # type: ignore[no-any-return]


def string_lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in lower case; only ASCII letters change unless `encoding` is "utf-8"."""
    return ops.StringLower(input, encoding=encoding, name=name)  # type: ignore[no-any-return]


def string_upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in upper case; only ASCII letters change unless `encoding` is "utf-8"."""
    return ops.StringUpper(input, encoding=encoding, name=name)  # type: ignore[no-any-return]


def string_format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Tensor:
    """A text with tensors written into the places that a placeholder marks.

    Args:
        template: the text.
        inputs: a tensor, or a list or tuple of them, one per placeholder.
        placeholder: what marks a place.
        summarize: so many elements are written from each end of a dimension; -1 for all.
        name: name of the op.

    Source:
        TensorFlow `StringFormat`.
    """
    listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if template.count(placeholder) != len(listed):
        raise ValueError(
            f"{template.count(placeholder)} placeholder(s) in template does not match {len(listed)} tensor(s) "
            "provided as input"
        )
    return ops.StringFormat(  # type: ignore[no-any-return]
        listed, template=template, placeholder=placeholder, summarize=summarize, name=name
    )


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """The number of a bucket for each string, by FarmHash64; the numbers are TensorFlow's.

    Args:
        input: a tensor.
        num_buckets: how many numbers there are.
    """
    return encoding.StringToHashBucketFast(input, num_buckets=num_buckets, name=name)  # type: ignore[no-any-return]


def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Tensor:
    """The number of a bucket for each string, by SipHash under a key of two numbers.

    Args:
        input: a tensor.
        num_buckets: how many numbers there are.
        key: two whole numbers that the numbers depend on.
    """
    return encoding.StringToHashBucketStrong(  # type: ignore[no-any-return]
        input, num_buckets=num_buckets, key=list(key), name=name
    )


def string_to_hash_bucket(
    string_tensor: Any = None, num_buckets: int | None = None, name: str | None = None, input: Any = None
) -> Tensor:
    """The number of a bucket for each string, by an older hash; `string_to_hash_bucket_fast` is better.

    Args:
        string_tensor: string tensor.
        num_buckets: how many numbers there are.
        input: a tensor.
    """
    text = string_tensor if input is None else input
    return encoding.StringToHashBucket(text, num_buckets=num_buckets, name=name)  # type: ignore[no-any-return]


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Strings in web-safe base64, filled up with "=" where `pad` is set."""
    return encoding.EncodeBase64(input, pad=pad, name=name)  # type: ignore[no-any-return]


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """Strings out of web-safe base64.

    Args:
        input: a tensor.
    """
    return encoding.DecodeBase64(input, name=name)  # type: ignore[no-any-return]


def decode_raw(
    input_bytes: Any = None,
    out_type: Any = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: Any = None,
) -> Tensor:
    """Bytes as numbers; all strings must be of one length.

    Args:
        input_bytes: strings.
        out_type: element type.
        little_endian: order of the bytes of a number.
        name: name of the op.
        bytes: old name of `input_bytes`.

    Returns:
        Tensor of shape `input_bytes.shape + (length / size of a number,)`.

    Source:
        TensorFlow `DecodeRaw`.
    """
    data = input_bytes if bytes is None else bytes
    return encoding.DecodeRaw(  # type: ignore[no-any-return]
        data, out_type=as_dtype(out_type), little_endian=little_endian, name=name
    )


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Tensor:
    """Strings uncompressed; `compression_type` is "ZLIB", "GZIP" or ""."""
    return encoding.DecodeCompressed(  # type: ignore[no-any-return]
        bytes, compression_type=compression_type, name=name
    )


def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """A tensor as a serialized TensorProto, a string scalar.

    Args:
        tensor: a tensor.
    """
    return encoding.SerializeTensor(tensor, name=name)  # type: ignore[no-any-return]


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """The tensor of a serialized TensorProto.

    Args:
        serialized: string scalar.
        out_type: element type of the result.
    """
    with name_scope(name, "ParseTensor") as scope:
        return encoding.ParseTensor(serialized, out_type=as_dtype(out_type), name=scope)  # type: ignore[no-any-return]
