"""A picture painted in the style of another: what is seen is kept, how it is painted is taken from elsewhere.

A picture is changed until a trained network's deeper layer answers as it does to the content picture, and the
correlations between the channels of all layers are those of the style picture. Content and style losses are computed
on two workers; the picture and Adam's slots are on a parameter server. The network is the small Inception of
`examples/inception.py`. Run it with `python -m examples.style_transfer --content a.jpg --style b.jpg`.

Source:
    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style", 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from . import inception
from .common import arguments, load_picture, progress, save_picture, shape_pictures
from .deep_dream import network

Array = np.ndarray[Any, Any]
CLUSTER = inception.CLUSTER
STYLE = ("stem", "mixed_16", "mixed_8")
CONTENT = "mixed_8"


def gram(layer: Any) -> Any:
    """Correlations `(channels, channels)` between the channels of a layer `(1, height, width, channels)`."""
    channels = layer.shape.as_list()[-1]
    flat = tf.reshape(layer, [-1, channels])
    return tf.matmul(flat, flat, transpose_a=True) / tf.to_float(tf.shape(flat)[0])


def layers_of(picture: Any, reuse: bool) -> dict[str, Any]:
    """The network's layers for a picture `(height, width, 3)` with values from 0 to 1."""
    with tf.variable_scope("inception", reuse=reuse):
        return inception.small_inception(2 * picture[tf.newaxis] - 1)


@dataclass
class Result:
    """What came of it: the picture, and the parts of the loss at every step."""

    picture: Array
    content: list[float]
    style: list[float]


def transfer(
    target: str, checkpoint: Path, content: Array, style: Array, steps: int, weight: float, rate: float = 0.02
) -> Result:
    """Paints.

    Args:
        target: where to run.
        checkpoint: prefix of the trained network.
        content, style: pictures `(height, width, 3)`, values from 0 to 1.
        steps: how many steps of Adam.
        weight: of the style beside the content.
        rate: Adam's rate.
    """
    with tf.Graph().as_default():
        with tf.device("/job:worker/task:0"):
            fixed = layers_of(tf.constant(content), reuse=False)
            wanted = layers_of(tf.constant(style), reuse=True)
        with tf.device("/job:ps/task:0"):
            painted = tf.get_variable("painted", initializer=content)
            smooth = tf.image.total_variation(painted) / content.size
        with tf.device("/job:worker/task:0"):
            now = layers_of(painted, reuse=True)
            content_loss = tf.losses.mean_squared_error(tf.stop_gradient(fixed[CONTENT]), now[CONTENT])
        with tf.device("/job:worker/task:1"):
            parts = [
                tf.reduce_mean(tf.square(gram(now[n]) - tf.stop_gradient(gram(wanted[n])))) for n in STYLE
            ]
            style_loss = tf.add_n(parts) / len(STYLE)
        loss = content_loss + weight * style_loss + 0.05 * smooth
        train = tf.train.AdamOptimizer(rate).minimize(loss, var_list=[painted])
        with tf.control_dependencies([train]):
            clip = tf.assign(painted, tf.clip_by_value(painted.read_value(), 0.0, 1.0))
        net = tf.global_variables("inception")
        with tf.Session(target, cluster=CLUSTER) as session:
            session.run(tf.variables_initializer([v for v in tf.global_variables() if v not in net]))
            tf.train.Saver(net).restore(session, str(checkpoint))
            history = []
            for _ in (bar := progress(steps, "painting")):
                values = session.run([content_loss, style_loss, clip])[:2]
                history.append([float(v) for v in values])
                bar.set_postfix(content=f"{values[0]:.3f}", style=f"{values[1]:.3f}", refresh=False)
            picture = session.run(painted)
    return Result(picture, [h[0] for h in history], [h[1] for h in history])


def sample_style(size: int, seed: int = 11) -> Array:
    """A picture of wavy stripes in few colours, generated from a seed."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size
    wave = np.sin(40 * rows + 6 * np.sin(9 * columns)) + 0.4 * np.sin(25 * columns)
    colours = rng.random((4, 3)).astype(np.float32)
    made: Array = colours[np.digitize(wave, [-0.7, 0.0, 0.7])]
    return made


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "style_transfer", 250, size=128, weight=30.0)
    parser.add_argument("--content", type=Path, help="what is to be seen; a generated picture by default")
    parser.add_argument("--style", type=Path, help="how it is painted; a generated picture by default")
    parser.add_argument("--network", type=Path, default=Path("out/inception"), help="folder of the network")
    parser.add_argument("--training", type=int, default=200, help="steps to train it, where it is not there")
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    model = network(args.target, args.network, args.training)
    content = (
        shape_pictures(1, args.size, 4)[0][0]
        if args.content is None
        else load_picture(args.content, args.size)
    )
    style = sample_style(args.size) if args.style is None else load_picture(args.style, args.size)
    result = transfer(args.target, model, content, style, args.steps, args.weight)
    for name, picture in (("content", content), ("style", style), ("painted", result.picture)):
        save_picture(args.out / f"{name}.png", picture)
    print(
        f"style loss {result.style[0]:.3f} to {result.style[-1]:.3f}, content loss {result.content[-1]:.3f}"
    )
    print(f"pictures: content.png, style.png, painted.png in {args.out}")
    return 0 if result.style[-1] < 0.5 * result.style[0] else 1


if __name__ == "__main__":
    sys.exit(main())
