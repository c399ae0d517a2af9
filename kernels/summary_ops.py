"""Summaries for TensorBoard; declared in `graph/ops/summary_ops.py`. They are made on the host."""

from __future__ import annotations

import functools
import io
import struct
import wave
import zlib
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel


def _message() -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary()


def _text(tag: Any) -> str:
    raw = tag.item() if isinstance(tag, np.ndarray) else tag
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)


def _serialized(summary: Any) -> Any:
    out = np.empty((), dtype=object)
    out[()] = summary.SerializeToString()
    return out


@kernel("ScalarSummary", host=True)
def scalar_summary(c: KernelContext, tags: Any, values: Any) -> Any:
    if np.shape(tags) != np.shape(values):
        raise InvalidArgumentError(
            None, f"tags {np.shape(tags)} and values {np.shape(values)} must have the same shape"
        )
    summary = _message()
    for tag, value in zip(np.ravel(np.asarray(tags, object)), np.ravel(values), strict=True):
        summary.value.add(tag=_text(tag), simple_value=float(value))
    return _serialized(summary)


@functools.cache
def _bucket_limits() -> Any:
    """Upper limits of the histogram's buckets: growing by a tenth each, mirrored below zero."""
    positive = []
    value = 1e-12
    while value < 1e20:
        positive.append(value)
        value *= 1.1
    positive.append(np.finfo(np.float64).max)
    return np.array([*(-v for v in reversed(positive)), 0.0, *positive])


@kernel("HistogramSummary", host=True)
def histogram_summary(c: KernelContext, tag: Any, values: Any) -> Any:
    flat = np.ravel(np.asarray(values)).astype(np.float64)
    if not np.isfinite(flat).all():
        bad = "Nan" if np.isnan(flat).any() else "Infinity"
        raise InvalidArgumentError(None, f"{bad} in summary histogram for: {_text(tag)}")
    limits = _bucket_limits()
    summary = _message()
    histo = summary.value.add(tag=_text(tag)).histo
    if flat.size:
        histo.min, histo.max = float(flat.min()), float(flat.max())
        histo.num, histo.sum = float(flat.size), float(flat.sum())
        histo.sum_squares = float(np.square(flat).sum())
    counts = np.bincount(np.searchsorted(limits, flat, side="right"), minlength=len(limits))
    used = np.flatnonzero(counts)
    previous = -1
    for index in used:
        # An empty bucket before a filled one marks where it begins.
        if index - 1 > previous:
            histo.bucket_limit.append(float(limits[index - 1]))
            histo.bucket.append(0.0)
        histo.bucket_limit.append(float(limits[min(index, len(limits) - 1)]))
        histo.bucket.append(float(counts[index]))
        previous = index
    if not len(used):
        histo.bucket_limit.append(float(limits[-1]))
        histo.bucket.append(0.0)
    return _serialized(summary)


def png(pixels: Any) -> bytes:
    """A picture (height, width, channels) of uint8, 1, 3 or 4 channels, as a PNG file."""
    height, width, channels = pixels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = np.concatenate(
        [np.zeros((height, 1), np.uint8), np.ascontiguousarray(pixels).reshape(height, width * channels)],
        axis=1,
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + chunk(b"IEND", b"")
    )


def _pixels(picture: Any, bad_color: Any) -> Any:
    """One picture as uint8: values of 0 and more fill the range, others are centred on grey."""
    if picture.dtype == np.uint8:
        return picture
    values = picture.astype(np.float64)
    finite = np.isfinite(values).all(axis=-1)
    good = values[finite]
    low, high = (good.min(), good.max()) if good.size else (0.0, 0.0)
    if low < 0:
        largest = max(abs(low), abs(high))
        scale, offset = (0.0 if largest < 1e-6 else 127.0 / largest), 128.0
    else:
        scale, offset = (0.0 if high < 1e-6 else 255.0 / high), 0.0
    with np.errstate(all="ignore"):
        out = np.clip(np.where(finite[..., None], values, 0.0) * scale + offset, 0, 255).astype(np.uint8)
    out[~finite] = np.ravel(bad_color)[: out.shape[-1]]
    return out


@kernel("ImageSummary", host=True)
def image_summary(c: KernelContext, tag: Any, tensor: Any) -> Any:
    if np.ndim(tensor) != 4 or tensor.shape[3] not in (1, 3, 4):
        raise InvalidArgumentError(
            None, f"pictures must be (batch, height, width, 1, 3 or 4 channels), got shape {np.shape(tensor)}"
        )
    summary = _message()
    name, most = _text(tag), c.attrs["max_images"]
    for index, picture in enumerate(tensor[:most]):
        value = summary.value.add(tag=f"{name}/image" if most == 1 else f"{name}/image/{index}")
        pixels = _pixels(np.asarray(picture), c.attrs["bad_color"])
        value.image.height, value.image.width, value.image.colorspace = pixels.shape
        value.image.encoded_image_string = png(pixels)
    return _serialized(summary)


@kernel("AudioSummaryV2", host=True)
def audio_summary(c: KernelContext, tag: Any, tensor: Any, sample_rate: Any) -> Any:
    clips = tensor if np.ndim(tensor) == 3 else np.asarray(tensor)[..., None]
    summary = _message()
    name, most = _text(tag), c.attrs["max_outputs"]
    for index, clip in enumerate(clips[:most]):
        value = summary.value.add(tag=f"{name}/audio" if most == 1 else f"{name}/audio/{index}")
        frames, channels = clip.shape
        value.audio.sample_rate = float(sample_rate)
        value.audio.num_channels, value.audio.length_frames = channels, frames
        value.audio.encoded_audio_string = _wav(clip, int(sample_rate))
        value.audio.content_type = "audio/wav"
    return _serialized(summary)


def _wav(clip: Any, rate: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(clip.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(clip, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


@kernel("TensorSummaryV2", host=True)
def tensor_summary(c: KernelContext, tag: Any, tensor: Any, serialized_summary_metadata: Any) -> Any:
    from ..graph.tensor_proto import proto_from_array

    summary = _message()
    value = summary.value.add(tag=_text(tag))
    raw = serialized_summary_metadata
    value.metadata.ParseFromString(raw.item() if isinstance(raw, np.ndarray) else raw)
    value.tensor.CopyFrom(proto_from_array(np.asarray(tensor), c.in_types[1]))
    return _serialized(summary)


@kernel("MergeSummary", host=True)
def merge_summary(c: KernelContext, *inputs: Any) -> Any:
    merged = _message()
    tags = set()
    for part in inputs:
        summary = _message()
        raw = part.item() if isinstance(part, np.ndarray) else part
        summary.ParseFromString(raw)
        for value in summary.value:
            if value.tag in tags:
                raise InvalidArgumentError(None, f"Duplicate tag {value.tag} found in summary inputs")
            tags.add(value.tag)
        merged.MergeFrom(summary)
    return _serialized(merged)
