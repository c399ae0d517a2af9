"""Checkpoints that TensorFlow wrote are restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft

pytestmark = pytest.mark.tensorflow


def _written_by_tensorflow(path: Path) -> dict[str, Any]:
    import tensorflow.compat.v1 as tf

    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.Session() as session:
        for name in ("float32", "float64", "int32", "int64", "bool", "complex64", "uint8", "bfloat16"):
            tf.get_variable(f"s/{name}", initializer=tf.cast(rng.normal(size=(3, 5)) * 100, name))
        tf.get_variable("text", initializer=tf.constant([[b"x", b"yy" * 200], [b"", b"\x00\xff"]]))
        whole = tf.get_variable("part", [300, 4], partitioner=tf.fixed_size_partitioner(3))
        tf.get_variable("large", [500, 100])
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(path), global_step=7)
        values = {v.op.name: session.run(v) for v in tf.global_variables() if "part" not in v.name}
        return {**values, "part": session.run(tf.convert_to_tensor(whole))}


def test_every_tensor_is_read(tmp_path: Path) -> None:
    values = _written_by_tensorflow(tmp_path / "m")
    reader = weft.train.load_checkpoint(tmp_path)
    assert set(reader.get_variable_to_shape_map()) == set(values)
    for name, value in values.items():
        np.testing.assert_array_equal(reader.get_tensor(name), value)


def test_variables_are_restored(tmp_path: Path) -> None:
    values = _written_by_tensorflow(tmp_path / "m")
    part = weft.get_variable("part", [300, 4], partitioner=weft.fixed_size_partitioner(4))
    large = weft.get_variable("large", [500, 100])
    with weft.Session() as session:
        weft.train.Saver().restore(session, weft.train.latest_checkpoint(tmp_path))
        np.testing.assert_array_equal(session.run(weft.convert_to_tensor(part)), values["part"])
        np.testing.assert_array_equal(session.run(large), values["large"])


@pytest.mark.parametrize("damage", ["data", "index", "cut"])
def test_damage_is_data_loss(tmp_path: Path, damage: str) -> None:
    _written_by_tensorflow(tmp_path / "m")
    name = "m-7.index" if damage == "index" else "m-7.data-00000-of-00001"
    file = tmp_path / name
    data = bytearray(file.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    else:
        data[50] ^= 4
    file.write_bytes(data)
    with pytest.raises(weft.errors.DataLossError):
        reader = weft.train.load_checkpoint(tmp_path)
        for tensor in reader.get_variable_to_shape_map():
            reader.get_tensor(tensor)
