"""Checkpoints: what is saved is restored, and nothing is half-written."""

from __future__ import annotations

import glob
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf

TYPES = "float16 float32 float64 bfloat16 int8 uint8 int16 int32 int64 bool complex64 complex128"


def _trained() -> tuple[Any, Any]:
    weights = tf.get_variable("w", [3, 4])
    loss = tf.reduce_sum(tf.square(weights))
    step = tf.train.get_or_create_global_step()
    return weights, tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)


def test_restores_every_variable_and_slot(tmp_path: Path) -> None:
    _, train = _trained()
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        path = saver.save(session, str(tmp_path / "m"), global_step=tf.train.get_global_step())
        assert path == str(tmp_path / "m-1")
        session.run(train)
        later = session.run(tf.global_variables())
        saver.restore(session, path)
        session.run(train)
        again = session.run(tf.global_variables())
    for a, b in zip(later, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_restored_variables_need_no_initializer(tmp_path: Path) -> None:
    weights = tf.get_variable("w", initializer=np.arange(6.0))
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "m"))
    with tf.Session() as session:
        saver.restore(session, path)
        np.testing.assert_array_equal(session.run(weights), np.arange(6.0))


def test_all_types_survive(tmp_path: Path) -> None:
    values = {
        name: np.arange(6).reshape(2, 3).astype(tf.as_dtype(name).as_numpy_dtype) for name in TYPES.split()
    }
    variables = {n: tf.Variable(v, name=n) for n, v in values.items()}
    variables["string"] = tf.Variable([["", "a"], ["b" * 300, "\u00fc"]], name="string")
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run(variables)
        path = saver.save(session, str(tmp_path / "m"))
    with tf.Session() as session:
        saver.restore(session, path)
        after = session.run(variables)
    for name, value in before.items():
        assert value.dtype == after[name].dtype
        np.testing.assert_array_equal(value, after[name])


def test_keeps_the_newest_and_says_so(tmp_path: Path) -> None:
    tf.get_variable("w", [2])
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(4):
            saver.save(session, str(tmp_path / "m"), global_step=step)
    kept = [str(tmp_path / f"m-{s}") for s in (2, 3)]
    assert saver.last_checkpoints == kept
    assert tf.train.latest_checkpoint(tmp_path) == kept[-1]
    state = tf.train.get_checkpoint_state(tmp_path)
    assert state.all_model_checkpoint_paths == kept
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["m-2.index", "m-3.index"]
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    again = tf.train.Saver(max_to_keep=2)
    again.recover_last_checkpoints(state.all_model_checkpoint_paths)
    assert again.last_checkpoints == kept


def test_keeps_one_for_good_every_so_often(tmp_path: Path) -> None:
    tf.get_variable("w", [2])
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(3):
            saver.save(session, str(tmp_path / "m"), global_step=step)
    assert len(list(tmp_path.glob("*.index"))) == 3


def test_files_are_safetensors(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    tf.get_variable("scope/w", initializer=np.float32([[1, 2]]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "m"))
    (file,) = tmp_path.glob("*.safetensors")
    np.testing.assert_array_equal(load_file(file)["scope/w"], [[1, 2]])


def test_each_device_writes_its_own(tmp_path: Path) -> None:
    with tf.device("/job:ps/task:0"):
        a = tf.get_variable("a", [4])
    with tf.device("/job:ps/task:1"):
        b = tf.get_variable("b", [5])
    saver = tf.train.Saver()
    with tf.Session(cluster=tf.train.ClusterSpec({"ps": 2})) as session:
        session.run(tf.global_variables_initializer())
        before = session.run([a, b])
        path = saver.save(session, str(tmp_path / "m"))
        session.run([tf.assign(a, [0.0] * 4), tf.assign(b, [0.0] * 5)])
        saver.restore(session, path)
        for x, y in zip(before, session.run([a, b]), strict=True):
            np.testing.assert_array_equal(x, y)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    assert [p.name for p in tmp_path.glob("*.index")] == ["m.index"]


def test_parts_of_a_variable_are_restored_whole_and_cut_anew(tmp_path: Path) -> None:
    parts = tf.get_variable("p", [10, 3], partitioner=tf.fixed_size_partitioner(3))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        value = session.run(tf.convert_to_tensor(parts))
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    for partitioner in (None, tf.fixed_size_partitioner(4), tf.fixed_size_partitioner(2, axis=1)):
        with tf.Graph().as_default(), tf.Session() as session:
            whole = tf.get_variable("p", [10, 3], partitioner=partitioner)
            tf.train.Saver().restore(session, path)
            np.testing.assert_array_equal(session.run(tf.convert_to_tensor(whole)), value)
    assert tf.train.list_variables(path) == [("p", [10, 3])]
    np.testing.assert_array_equal(tf.train.load_variable(path, "p"), value)


def test_part_of_the_graph_is_restored_under_other_names(tmp_path: Path) -> None:
    tf.get_variable("old", initializer=[1.0, 2.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as session:
        new, other = tf.get_variable("new", [2]), tf.get_variable("other", initializer=5.0)
        session.run(other.initializer)
        tf.train.Saver({"old": new}).restore(session, path)
        assert session.run([new, other])[0].tolist() == [1.0, 2.0]


def test_graph_comes_back_from_its_file(tmp_path: Path) -> None:
    weights, train = _trained()
    tf.add_to_collection("step", train)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
        session.run(train)
        expected = session.run(weights)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{path}.meta")
        saver.restore(session, path)
        session.run(tf.get_collection("step")[0])
        (again,) = [v for v in tf.trainable_variables() if v.op.name == "w"]
        np.testing.assert_array_equal(session.run(again), expected)


def _saved(tmp_path: Path) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("w", initializer=np.arange(1000.0))
        session.run(tf.global_variables_initializer())
        path: str = tf.train.Saver().save(session, str(tmp_path / "m"))
        return path


def _restore(
    path: str, shape: Any = (1000,), dtype: Any = "float64", name: str = "w", **keywords: Any
) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable(name, shape, dtype)
        tf.train.Saver(**keywords).restore(session, path)
        return session.run(variable)


def test_another_shape_type_or_name_is_refused(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"w has shape \[1000\].*\[10, 100\]"):
        _restore(path, (10, 100))
    assert _restore(path, (10, 100), reshape=True).shape == (10, 100)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"w is float64.*float32"):
        _restore(path, dtype="float32")
    with pytest.raises(tf.errors.NotFoundError, match="Key v not found"):
        _restore(path, name="v")
    with pytest.raises(ValueError, match="no checkpoint"):
        _restore(str(tmp_path / "nothing"))


@pytest.mark.parametrize("damage", ["flip", "cut", "header", "index", "gone"])
def test_damage_is_data_loss(tmp_path: Path, damage: str) -> None:
    path = _saved(tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    data = bytearray(file.read_bytes())
    if damage == "flip":
        data[-5] ^= 1
        file.write_bytes(data)
    elif damage == "cut":
        file.write_bytes(data[:-100])
    elif damage == "header":
        file.write_bytes(b"\xff" * 8 + data[8:])
    elif damage == "index":
        index = Path(f"{path}.index")
        index.write_text(index.read_text()[:-20])
    else:
        file.unlink()
    kind = tf.errors.NotFoundError if damage == "gone" else tf.errors.DataLossError
    with pytest.raises(kind):
        _restore(path)


def test_a_failed_save_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _saved(tmp_path)
    before = sorted(os.listdir(tmp_path))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("w", initializer=np.zeros(1000))
        session.run(variable.initializer)
        with pytest.raises(tf.errors.ResourceExhaustedError, match="No space left"):
            tf.train.Saver().save(session, path)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == before
    assert _restore(path)[-1] == 999


def test_uninitialized_variables_are_not_saved(tmp_path: Path) -> None:
    tf.get_variable("w", [2])
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="w"):
        tf.train.Saver().save(session, str(tmp_path / "m"))
    assert not os.listdir(tmp_path)


def test_saver_of_nothing_and_of_two_of_one_name() -> None:
    with pytest.raises(ValueError, match="no variables"):
        tf.train.Saver()
    assert tf.train.Saver(allow_empty=True) is not None
    a, b = tf.Variable(1.0, name="a"), tf.Variable(1.0, name="b")
    with pytest.raises(ValueError, match="Two variables"):
        tf.train.Saver({"x": [a, b]})
    with pytest.raises(TypeError, match="saves variables"):
        tf.train.Saver([tf.constant(1.0)])


def test_paths_can_be_relative_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tf.get_variable("w", initializer=[1.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver(save_relative_paths=True).save(session, str(tmp_path / "a" / "m"))
    (tmp_path / "a").rename(tmp_path / "b")
    assert tf.train.latest_checkpoint(tmp_path / "b") == str(tmp_path / "b" / "m")
    assert json.loads((tmp_path / "b" / "m.index").read_text())["tensors"]["w"]["dtype"] == "float32"
    assert glob.glob(str(tmp_path / "b" / "*.meta"))
