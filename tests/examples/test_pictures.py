"""The examples with pictures: pipeline, Inception, dreams, style; each learns, small, on several devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf

TARGETS = ["local", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture
def target(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return str(request.param)


@pytest.mark.parametrize("target", TARGETS, indirect=True)
def test_a_pipeline_of_jpeg_files(target: str, tmp_path: Path) -> None:
    from examples import pictures_pipeline

    files = pictures_pipeline.make_files(tmp_path / "pictures", 200)
    assert files == pictures_pipeline.make_files(tmp_path / "pictures", 200), "made once"
    assert len(list((tmp_path / "pictures").rglob("*.jpg"))) == 200
    result: Any = pictures_pipeline.run(target, files, workers=2, steps=60, batch=16, out=tmp_path)
    assert min(result.decoded) > 50, "both workers decode"
    assert np.mean(result.losses[-10:]) < 0.8 * np.mean(result.losses[:5])
    assert result.accuracy > 0.35


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float], float]:
    """A small Inception network that knows the shapes."""
    from examples import inception

    folder = tmp_path_factory.mktemp("inception")
    losses, accuracy = inception.train("local", 80, folder, batch=32)
    return folder / "model", losses, accuracy


def test_the_small_network_learns_shapes(trained: tuple[Path, list[float], float], tmp_path: Path) -> None:
    from examples import common, inception

    model, losses, accuracy = trained
    assert np.mean(losses[-10:]) < 0.6 * losses[0]
    assert accuracy > 0.6
    pictures, labels = common.shape_pictures(12, 80, seed=5)
    hits = 0
    for i in range(4):
        common.save_picture(tmp_path / f"{i}.png", pictures[i])
        best = inception.classify("local", model, tmp_path / f"{i}.png")
        assert len(best) == 5 and best[0][1] >= best[1][1]
        hits += common.SHAPES[labels[i]] in [name for name, _ in best[:2]]
    assert hits >= 2
    with pytest.raises(tf.errors.NotFoundError):
        inception.classify("local", model, tmp_path / "none.png")


def test_the_network_of_the_paper() -> None:
    """As many numbers as the published network has; 75×75 is the smallest picture it takes."""
    from examples import inception

    images = tf.placeholder(tf.float32, [None, 299, 299, 3])
    ends = inception.inception_v3(images, auxiliary=False)
    assert sum(v.shape.num_elements() for v in tf.global_variables()) == 23_851_784
    assert [ends[n].shape.as_list()[1:] for n in ("stem", "mixed_35", "mixed_17", "mixed_8")] == [
        [35, 35, 192],
        [35, 35, 288],
        [17, 17, 768],
        [8, 8, 2048],
    ]
    with tf.Graph().as_default(), tf.Session() as session:
        ends = inception.inception_v3(tf.zeros([1, 75, 75, 3]))
        session.run(tf.global_variables_initializer())
        assert session.run(ends["logits"]).shape == (1, 1000)
