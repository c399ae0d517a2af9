"""SavedModels: what is written comes back, also in TensorFlow, and nothing is half-written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft import saved_model
from weft.kernels.files.checkpoint import open_checkpoint
from weft.kernels.files.tensor_bundle_writer import write_tensor_bundle

SERVE = [saved_model.tag_constants.SERVING]
DEFAULT = saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def _save(folder: Path, tmp_path: Path) -> None:
    """A model with a partitioned variable, a table made from a file of words, and two variables."""
    words = tmp_path / "words.txt"
    words.write_text("un\ndeux\ntrois\n", encoding="utf-8")
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        weights = tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(3, 2))
        tf.get_variable("parts", [10, 2], partitioner=tf.fixed_size_partitioner(3))
        tf.Variable([["a", "bc"], ["", "d" * 300]], name="texts", trainable=False)
        asset = tf.constant(str(words))
        tf.add_to_collection("asset_filepaths", asset)
        table = tf.contrib.lookup.index_table_from_file(asset)
        found = table.lookup(tf.constant(["deux"]))
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        saved_model.simple_save(
            session,
            folder,
            {"x": x},
            {"y": tf.matmul(x, weights), "found": found},
            legacy_init_op=tf.tables_initializer(),
        )
    words.unlink()


def _use(module: Any, folder: Path) -> tuple[Any, Any]:
    """Loads the model with weft or TensorFlow, and runs it by its signature."""
    with module.Graph().as_default(), module.Session() as session:
        meta = module.saved_model.loader.load(session, SERVE, str(folder))
        signature = meta.signature_def[DEFAULT]
        outputs = [signature.outputs[n].name for n in ("y", "found")]
        y, found = session.run(outputs, {signature.inputs["x"].name: np.ones((1, 3))})
        return y, found


def test_a_model_is_saved_and_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    _save(folder, tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == ["assets", "saved_model.pb", "variables"]
    assert sorted(p.name for p in (folder / "variables").iterdir()) == [
        "variables.data-00000-of-00001",
        "variables.index",
    ]
    y, found = _use(tf, folder)
    np.testing.assert_array_equal(y, [[6, 9]])
    np.testing.assert_array_equal(found, [1])


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore")
def test_tensorflow_loads_it(tmp_path: Path, tf1: Any) -> None:
    _save(tmp_path / "model", tmp_path)
    y, found = _use(tf1, tmp_path / "model")
    np.testing.assert_array_equal(y, [[6, 9]])
    np.testing.assert_array_equal(found, [1])
    theirs = tf1.train.load_checkpoint(str(tmp_path / "model" / "variables" / "variables"))
    ours = tf.train.load_checkpoint(str(tmp_path / "model" / "variables" / "variables"))
    assert theirs.get_variable_to_shape_map() == ours.get_variable_to_shape_map()
    for name in ours.get_variable_to_shape_map():
        np.testing.assert_array_equal(theirs.get_tensor(name), ours.get_tensor(name))


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("resource", [False, True])
def test_tensorflows_models_are_loaded(tmp_path: Path, tf1: Any, resource: bool) -> None:
    folder = str(tmp_path / "model")
    with tf1.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf1.float32, [None, 3], name="x")
        weights = tf1.get_variable("w", [3, 2], use_resource=resource)
        y = tf1.nn.softmax(tf1.matmul(x, weights))
        session.run(tf1.global_variables_initializer())
        tf1.saved_model.simple_save(session, folder, {"x": x}, {"y": y})
        expected = session.run(y, {x: np.ones((1, 3))})
    with tf.Graph().as_default(), tf.Session() as session:
        meta = saved_model.loader.load(session, SERVE, folder)
        signature = meta.signature_def[DEFAULT]
        got = session.run(signature.outputs["y"].name, {signature.inputs["x"].name: np.ones((1, 3))})
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_several_graphs_share_variables(tmp_path: Path) -> None:
    builder = saved_model.builder.SavedModelBuilder(str(tmp_path / "m"))
    with pytest.raises(AssertionError, match="variables first"):
        builder.add_meta_graph(SERVE)
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=2.0)
        session.run(v.initializer)
        builder.add_meta_graph_and_variables(session, [saved_model.tag_constants.TRAINING])
    with tf.Graph().as_default():
        doubled = tf.get_variable("v", []) * 2.0
        signature = saved_model.predict_signature_def({"x": tf.constant(0.0)}, {"y": doubled})
        builder.add_meta_graph(SERVE, {"double": signature})
    assert builder.save(as_text=True).endswith(b"saved_model.pbtxt")
    with tf.Graph().as_default(), tf.Session() as session:
        meta = saved_model.load(session, SERVE, tmp_path / "m", import_scope="in")
        tensor = saved_model.get_tensor_from_tensor_info(
            meta.signature_def["double"].outputs["y"], import_scope="in"
        )
        assert session.run(tensor) == 4.0
        with pytest.raises(RuntimeError, match=r"\['gpu'\].*\['train'\], \['serve'\]"):
            saved_model.load(session, ["gpu"], tmp_path / "m")


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(tf.errors.AlreadyExistsError, match="not empty"):
        saved_model.builder.SavedModelBuilder(str(tmp_path))


def test_uninitialized_variables_leave_nothing(tmp_path: Path) -> None:
    x = tf.constant(1.0)
    v = tf.get_variable("v", [2])
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="v"):
        saved_model.simple_save(session, tmp_path / "m", {"x": x}, {"y": v * x})
    assert not os.listdir(tmp_path / "m")


def test_missing_and_damaged_models(tmp_path: Path) -> None:
    assert not saved_model.maybe_saved_model_directory(tmp_path)
    with tf.Session() as session, pytest.raises(OSError, match="does not exist"):
        saved_model.load(session, SERVE, tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x12\xff\xff\xff\x0fabc")
    with tf.Session() as session, pytest.raises(tf.errors.DataLossError, match="damaged"):
        saved_model.load(session, SERVE, tmp_path)


def test_signatures_are_checked() -> None:
    text, number = tf.placeholder(tf.string), tf.placeholder(tf.float32)
    regression = saved_model.regression_signature_def(text, number)
    assert saved_model.is_valid_signature(regression)
    assert saved_model.is_valid_signature(saved_model.classification_signature_def(text, text, number))
    assert not saved_model.is_valid_signature(saved_model.build_signature_def())
    with pytest.raises(ValueError, match="must be float32, got string"):
        saved_model.regression_signature_def(text, text)
    sparse = saved_model.build_tensor_info(tf.sparse_placeholder(tf.float32))
    assert sparse.WhichOneof("encoding") == "coo_sparse"


def test_the_checkpoint_writer_keeps_every_type(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ["float16", "float32", "float64", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "bool"]
    names.append("complex64")
    values = {n: (100 * rng.normal(size=(3, 5))).astype(tf.as_dtype(n).as_numpy_dtype) for n in names}
    values["empty"] = np.zeros((0, 2), np.float32)
    values["scalar"] = np.array(3, np.int64)
    values["texts"] = np.array([b"", b"a" * 1000, "ü".encode()], object)
    many = {f"v{i:05d}": np.full(3, i, np.int32) for i in range(3000)}
    rows = sorted({**values, **many}.items())
    kinds = {n: tf.string if v.dtype == object else tf.as_dtype(v.dtype) for n, v in rows}
    write_tensor_bundle(str(tmp_path / "c"), ((n, kinds[n], v) for n, v in rows))
    reader = open_checkpoint(str(tmp_path / "c"))
    assert reader.names() == [n for n, _ in rows]
    for name, value in rows:
        assert reader.dtype(name) == kinds[name]
        np.testing.assert_array_equal(reader.read(name), value)


def test_a_checkpoint_that_fails_leaves_nothing(tmp_path: Path) -> None:
    rows = [("b", tf.float32, np.zeros(2, np.float32)), ("a", tf.float32, np.zeros(2, np.float32))]
    with pytest.raises(tf.errors.InvalidArgumentError, match="order"):
        write_tensor_bundle(str(tmp_path / "c"), rows)
    assert not os.listdir(tmp_path)
