"""Deep Dream with octaves: a picture is changed until a layer of a trained network answers more strongly.

The network is the small Inception of `examples/inception.py`, which is trained first where it is not there. One worker
computes the layer and its gradient for the picture, tile by tile and at several sizes; the other resizes. Run it with
`python -m examples.deep_dream --picture some.jpg`.

Source:
    Mordvintsev, Olah, Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from . import inception
from .common import arguments, load_picture, progress, save_picture, shape_pictures

Array = np.ndarray[Any, Any]
CLUSTER = inception.CLUSTER


class Dreamer:
    """A network with the gradient of a layer's answer with respect to the picture.

    Args:
        target: where to run.
        checkpoint: prefix of the trained network.
        layer: name of the layer, as in `small_inception`.
        channel: which of its channels; all of them by default.
        tile: height and width of the tiles that gradients are computed for.
    """

    def __init__(
        self,
        target: str,
        checkpoint: Path,
        layer: str = "mixed_8",
        channel: int | None = None,
        tile: int = 64,
    ) -> None:
        self.tile = tile
        with tf.Graph().as_default():
            with tf.device("/job:worker/task:0"), tf.variable_scope("inception"):
                self.picture = tf.placeholder(tf.float32, [None, None, 3], name="picture")
                answers = inception.small_inception(2 * self.picture[tf.newaxis] - 1)[layer]
                if channel is not None:
                    answers = answers[..., channel]
                self.objective = tf.reduce_mean(tf.square(answers), name="objective")
                (slope,) = tf.gradients(self.objective, self.picture)
                self.slope = slope / (tf.sqrt(tf.reduce_mean(tf.square(slope))) + 1e-8)
            with tf.device("/job:worker/task:1"):
                self.source = tf.placeholder(tf.float32, [None, None, 3], name="source")
                self.size = tf.placeholder(tf.int32, [2], name="size")
                self.resized = tf.image.resize_bilinear(self.source[tf.newaxis], self.size)[0]
            self.session = tf.Session(target, cluster=CLUSTER)
            tf.train.Saver().restore(self.session, str(checkpoint))

    def close(self) -> None:
        """Gives the devices back."""
        self.session.close()

    def answer(self, picture: Array) -> float:
        """How strongly the layer answers to a picture `(height, width, 3)`."""
        return float(self.session.run(self.objective, {self.picture: picture}))

    def resize(self, picture: Array, height: int, width: int) -> Array:
        """A picture in another size."""
        made: Array = self.session.run(self.resized, {self.source: picture, self.size: [height, width]})
        return made

    def gradient(self, picture: Array, rng: np.random.Generator) -> Array:
        """The gradient, tile by tile; the picture is moved by chance so that tiles leave no seams."""
        dy, dx = rng.integers(self.tile, size=2)
        moved = np.roll(picture, (dy, dx), (0, 1))
        slope = np.zeros_like(moved)
        height, width = picture.shape[:2]
        for y in range(0, max(height - self.tile // 2, 1), self.tile):
            for x in range(0, max(width - self.tile // 2, 1), self.tile):
                # The last tile of a row is as large as what is left.
                bottom = height if y + 1.5 * self.tile > height else y + self.tile
                right = width if x + 1.5 * self.tile > width else x + self.tile
                part = moved[y:bottom, x:right]
                slope[y:bottom, x:right] = self.session.run(self.slope, {self.picture: part})
        return np.roll(slope, (-dy, -dx), (0, 1))

    def dream(
        self, picture: Array, octaves: int, scale: float, steps: int, rate: float, seed: int = 0
    ) -> Array:
        """The picture, changed at several sizes from small to large.

        Args:
            picture: `(height, width, 3)`, values from 0 to 1.
            octaves: how many sizes.
            scale: from each to the next.
            steps: gradient steps at each.
            rate: how far each step goes.
            seed: seed of the movements.
        """
        rng = np.random.default_rng(seed)
        height, width = picture.shape[:2]
        sizes = [(int(height / scale**i), int(width / scale**i)) for i in reversed(range(octaves))]
        added = np.zeros((*sizes[0], 3), np.float32)
        bar = progress(octaves * steps, "dreaming")
        for size in sizes:
            base = self.resize(picture, *size)
            now = base + self.resize(added, *size)
            for _ in range(steps):
                now = np.clip(now + rate * self.gradient(now, rng), 0, 1).astype(np.float32)
                bar.update()
            added = now - base
        bar.close()
        return now


def sample_picture(size: int = 192, seed: int = 3) -> Array:
    """A picture to begin with, generated from a seed: soft clouds and some shapes."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size
    picture = np.zeros((size, size, 3), np.float32)
    for _ in range(12):
        fy, fx, phase = *rng.uniform(-4, 4, 2), rng.uniform(0, 6.3)
        picture += np.cos(6.3 * (fy * rows + fx * columns) + phase)[..., np.newaxis] * rng.normal(0, 0.06, 3)
    shape = shape_pictures(1, size, seed)[0][0]
    return np.clip(0.5 + picture + 0.25 * (shape - 0.5), 0, 1).astype(np.float32)


def network(target: str, folder: Path, steps: int) -> Path:
    """Prefix of the trained network, which is trained where it is not there."""
    if tf.train.latest_checkpoint(folder) is None:
        folder.mkdir(parents=True, exist_ok=True)
        losses, accuracy = inception.train(target, steps, folder)
        print(f"trained: loss {losses[0]:.3f} to {losses[-1]:.3f}, accuracy {accuracy:.3f}")
    return folder / "model"


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "deep_dream", 10, octaves=4, scale=1.4, rate=0.02, layer="mixed_8")
    parser.add_argument("--picture", type=Path, help="a PNG or JPEG file; a generated one by default")
    parser.add_argument("--network", type=Path, default=Path("out/inception"), help="folder of the network")
    parser.add_argument("--training", type=int, default=200, help="steps to train it, where it is not there")
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    model = network(args.target, args.network, args.training)
    before = sample_picture() if args.picture is None else load_picture(args.picture)
    dreamer = Dreamer(args.target, model, args.layer)
    try:
        after = dreamer.dream(before, args.octaves, args.scale, args.steps, args.rate)
        answers = dreamer.answer(before), dreamer.answer(after)
    finally:
        dreamer.close()
    save_picture(args.out / "before.png", before)
    save_picture(args.out / "after.png", after)
    print(f"the layer {args.layer} answered with {answers[0]:.3f} before and {answers[1]:.3f} after")
    print(f"pictures: {args.out / 'before.png'}, {args.out / 'after.png'}")
    return 0 if answers[1] > 1.5 * answers[0] else 1


if __name__ == "__main__":
    sys.exit(main())
