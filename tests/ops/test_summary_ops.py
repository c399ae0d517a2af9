"""Summary ops: every sample row, and what the messages hold."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import errors
from weft.graph.ops import summary_ops

from .harness import OpTests


class TestSummaryOps(OpTests):
    family = summary_ops


def message(value: bytes) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    found = Summary()
    found.ParseFromString(value)
    return found


def run(tensor: Any, feed: Any = None) -> Any:
    with tf.Session() as sess:
        return message(sess.run(tensor, feed))


def test_scalars_and_merging() -> None:
    with tf.name_scope("layer"):
        a = tf.summary.scalar("a", tf.constant(1.5))
    b = tf.summary.scalar("b", 2)
    merged = tf.summary.merge_all()
    assert tf.get_collection(tf.GraphKeys.SUMMARIES) == [a, b]
    got = {v.tag: v.simple_value for v in run(merged).value}
    assert got == {"layer/a": 1.5, "b": 2.0}


def test_a_tag_may_come_once_in_a_merge() -> None:
    twice = tf.summary.merge([tf.summary.scalar("x", 1.0)] * 2)
    with tf.Session() as sess, pytest.raises(errors.InvalidArgumentError, match="Duplicate tag x"):
        sess.run(twice)


def test_histograms_count_every_value() -> None:
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    histo = run(tf.summary.histogram("h", values)).value[0].histo
    assert histo.num == sum(histo.bucket) == 1000
    np.testing.assert_allclose([histo.min, histo.max], [values.min(), values.max()])
    np.testing.assert_allclose([histo.sum, histo.sum_squares], [values.sum(), (values**2).sum()], rtol=1e-4)
    edges = np.array(histo.bucket_limit)
    assert (np.diff(edges) > 0).all()
    below = np.cumsum(histo.bucket)
    for edge, count in zip(edges, below, strict=True):
        assert count == (values < edge).sum()


def test_a_histogram_of_nan_names_the_tag() -> None:
    with tf.Session() as sess, pytest.raises(errors.InvalidArgumentError, match="weights"):
        sess.run(tf.summary.histogram("weights", [1.0, np.nan]))


def test_pictures_are_png_files() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra `examples`)")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3)).astype(np.uint8)
    values = run(tf.summary.image("p", pixels)).value
    assert [v.tag for v in values] == ["p/image/0", "p/image/1"]
    for value, expected in zip(values, pixels, strict=True):
        read = np.asarray(image.open(io.BytesIO(value.image.encoded_image_string)))
        np.testing.assert_array_equal(read, expected)
        assert (value.image.height, value.image.width, value.image.colorspace) == (5, 7, 3)


def test_audio_is_a_wav_file() -> None:
    tone = np.sin(np.linspace(0, 20, 400)).astype(np.float32)[None, :, None]
    value = run(tf.summary.audio("tone", tone, 8000, max_outputs=1)).value[0]
    assert value.tag == "tone/audio"
    with wave.open(io.BytesIO(value.audio.encoded_audio_string)) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (8000, 400, 1)


def test_an_event_file_holds_what_was_written(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    loss = tf.placeholder(tf.float32, [], name="loss")
    summary = tf.summary.merge(
        [tf.summary.scalar("loss_", loss), tf.summary.text("note", tf.constant("hello"))]
    )
    with tf.Session() as sess, tf.summary.FileWriter(str(tmp_path), sess.graph) as writer:
        for step in range(5):
            writer.add_summary(sess.run(summary, {loss: 1.0 / (step + 1)}), step)
    found = EventAccumulator(str(tmp_path)).Reload()
    rows = found.Scalars("loss_")
    assert [r.step for r in rows] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose([r.value for r in rows], [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert "loss" in [n.name for n in found.Graph().node]
    with pytest.raises(ValueError, match="closed"):
        writer.add_summary(b"", 6)
