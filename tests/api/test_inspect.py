"""`weft inspect`: what files hold, and what is wrong with damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.__main__ import main


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: Any, status: int = 0) -> str:
        assert main(["inspect", *map(str, words)]) == status
        captured = capsys.readouterr()
        return captured.err if status else captured.out

    return run


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", initializer=np.float32([[1, 2], [3, np.nan]]))
        tf.Variable(["a", "bcd"], name="texts")
        session.run(tf.global_variables_initializer())
        tf.saved_model.simple_save(session, tmp_path / "model", {"x": x}, {"y": tf.matmul(x, w)})
        path: str = tf.train.Saver().save(session, str(tmp_path / "ck" / "m"), global_step=7)
        return path


def test_checkpoints(checkpoint: str, inspect: Any, tmp_path: Path) -> None:
    said = inspect(checkpoint, "--stats", "--verify")
    assert "weft checkpoint, 2 tensors, 6 elements, 16 B" in said
    assert "w  float32[2, 2]  16 B  1 not finite; min 1 mean 2 max 3" in said
    assert "texts  string[2]  0 B  longest 3 bytes" in said
    assert "all 2 tensors were read" in said
    assert inspect(tmp_path / "ck").splitlines()[0] == inspect(f"{checkpoint}.index").splitlines()[0]
    assert "... and 1 more" in inspect(checkpoint, "--limit=1")
    assert "[[ 1.  2.]\n [ 3. nan]]" in inspect(checkpoint, "--tensor", "w*")
    assert "no tensor 'v'" in inspect(checkpoint, "--tensor=v", status=1)


def test_models_and_graphs(checkpoint: str, inspect: Any, tmp_path: Path) -> None:
    said = inspect(tmp_path / "model")
    assert "tags ['serve']" in said
    assert "input x: x:0 float32 (?, 2)" in said
    assert "TensorFlow V2 checkpoint, 2 tensors" in said
    assert "collection 'trainable_variables': 2" in inspect(f"{checkpoint}.meta")


def test_event_files(inspect: Any, tmp_path: Path) -> None:
    with tf.summary.FileWriter(tmp_path, tf.get_default_graph()) as writer:
        for step in (1, 2):
            writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=step / 2)]), step)
    said = inspect(tmp_path)
    assert "1 file_version, 1 graph_def, 2 summary" in said
    assert "loss  simple_value  2 values, steps 1 to 2, first 0.5 last 1" in said
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-2])
    assert "corrupted record" in inspect(file, status=1)


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_record_files(inspect: Any, tmp_path: Path, compression: str) -> None:
    path = tmp_path / "r"
    with tf.python_io.TFRecordWriter(str(path), compression) as writer:
        for i in range(3):
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[i, i]))
            example = tf.train.Example(features=tf.train.Features(feature={"n": feature}))
            writer.write(example.SerializeToString())
    said = inspect(path)
    assert "3 records" in said and "n: int64_list[2] in 3 records" in said
    assert (f"({compression})" in said) == bool(compression)


def test_damage_and_absence(checkpoint: str, inspect: Any, tmp_path: Path) -> None:
    assert "no such file" in inspect(tmp_path / "none", status=1)
    (tmp_path / "empty").mkdir()
    assert "holds no checkpoint" in inspect(tmp_path / "empty", status=1)
    (data,) = Path(checkpoint).parent.glob("*.safetensors")
    raw = bytearray(data.read_bytes())
    raw[-3] ^= 1
    data.write_bytes(raw)
    assert "checksum" in inspect(checkpoint, "--verify", status=1)
