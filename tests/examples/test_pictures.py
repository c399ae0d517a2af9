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
    # On Ray every picture is a message or two; a few of them show that it works, the rest would show nothing more.
    steps, batch = (60, 16) if target == "local" else (8, 8)
    result: Any = pictures_pipeline.run(target, files, workers=2, steps=steps, batch=batch, out=tmp_path)
    assert min(result.decoded) > batch, "both workers decode"
    assert len(result.losses) == steps
    if target == "ray":
        return
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


def test_dreams(trained: tuple[Path, list[float], float]) -> None:
    from examples import deep_dream

    before = deep_dream.sample_picture(72)
    dreamer = deep_dream.Dreamer("local", trained[0], tile=48)
    try:
        after = dreamer.dream(before, octaves=2, scale=1.4, steps=6, rate=0.02)
        assert after.shape == before.shape and 0 <= after.min() <= after.max() <= 1
        assert dreamer.answer(after) > 1.5 * dreamer.answer(before)
        used = set(dreamer.session.plan(dreamer.slope, {dreamer.picture: before}).placement.values())
        assert any("worker/replica:0/task:0" in d for d in used)
        channel = deep_dream.Dreamer("local", trained[0], "mixed_16", channel=3)
        assert channel.answer(before) >= 0
        channel.close()
    finally:
        dreamer.close()


def test_styles(trained: tuple[Path, list[float], float]) -> None:
    from examples import common, style_transfer

    content = common.shape_pictures(1, 48, 4)[0][0]
    style = style_transfer.sample_style(48)
    result = style_transfer.transfer("local", trained[0], content, style, steps=40, weight=3.0)
    assert result.style[-1] < 0.6 * result.style[0]
    assert result.picture.shape == content.shape and 0 <= result.picture.min() <= result.picture.max() <= 1
    assert np.abs(result.picture - content).mean() > 0.01
