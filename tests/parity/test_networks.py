"""Frozen image networks that TensorFlow 2 wrote run in weft to the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.timeout(600)]

WRITE = """
import numpy as np, tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
tf.keras.utils.set_random_seed(3)
model = tf.keras.applications.{name}(weights=None, input_shape=({size}, {size}, 3), classes=10)
for layer in model.layers:  # batch norm with other moments than zero and one
    if hasattr(layer, "moving_variance"):
        layer.moving_mean.assign(np.random.normal(0, 0.1, layer.moving_mean.shape))
        layer.moving_variance.assign(np.random.uniform(0.5, 1.5, layer.moving_variance.shape))
call = tf.function(lambda x: model(x, training=False)).get_concrete_function(
    tf.TensorSpec([None, {size}, {size}, 3], tf.float32))
frozen = convert_variables_to_constants_v2(call)
x = np.random.default_rng(0).normal(size=(2, {size}, {size}, 3)).astype(np.float32)
open(r"{folder}/graph.pb", "wb").write(frozen.graph.as_graph_def().SerializeToString())
np.savez(r"{folder}/run.npz", x=x, y=frozen(tf.constant(x))[0].numpy())
open(r"{folder}/names", "w").write(frozen.inputs[0].name + " " + frozen.outputs[0].name)
"""


@pytest.mark.parametrize(("name", "size"), [("MobileNetV2", 96), ("ResNet50", 96), ("InceptionV3", 107)])
def test_image_network(name: str, size: int, run_python: Callable[..., Any], tmp_path: Path) -> None:
    code = WRITE.format(name=name, size=size, folder=tmp_path)
    run_python(code, timeout=400.0, KERAS_BACKEND="tensorflow", PYTHONWARNINGS="ignore")
    source, result = (tmp_path / "names").read_text().split()
    run = np.load(tmp_path / "run.npz")
    tf.import_graph_def((tmp_path / "graph.pb").read_bytes(), name="")
    assert not [op for op in tf.get_default_graph().get_operations() if "Variable" in op.type]
    with tf.Session() as sess:
        got = sess.run(result, {source: run["x"]})
    np.testing.assert_allclose(got, run["y"], rtol=1e-3, atol=1e-5)
