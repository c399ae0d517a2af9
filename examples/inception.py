"""Inception image recognition: the v3 architecture in full as a graph, and a small one that is trained here.

`inception_v3` is the network of the paper, 23.9 million numbers; `--full` builds it and says what it is made of and
where a planner puts it. The small one is made of the same kind of modules and learns generated pictures of coloured
shapes, with its variables on a parameter server and a tower on each of two workers. It is saved, restored, and then
says what is on a picture from the disk: the five best guesses. Run it with `python -m examples.inception`, then with
`python -m examples.inception --classify picture.png`.

Source:
    Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import SHAPES, arguments, progress, save_picture, shape_pictures

SIZE = 32
CLUSTER = {"ps": 1, "worker": 2}
Conv = Callable[..., Any]


def unit(
    x: Any, channels: int, kernel: Any, stride: int = 1, padding: str = "same", training: Any = False
) -> Any:
    """A convolution without bias, batch normalization without scale, and a relu."""
    h = tf.layers.conv2d(x, channels, kernel, stride, padding, use_bias=False)
    h = tf.layers.batch_normalization(h, scale=False, training=training, momentum=0.9, epsilon=1e-3)
    return tf.nn.relu(h)


def _pool(x: Any) -> Any:
    return tf.layers.average_pooling2d(x, 3, 1, "same")


def _halve(x: Any) -> Any:
    return tf.layers.max_pooling2d(x, 3, 2, "valid")


def module_35(x: Any, conv: Conv, pooled: int) -> Any:
    """The module for grids of 35×35: 1×1, 5×5 and two 3×3, and pooling, side by side."""
    a = conv(x, 64, 1)
    b = conv(conv(x, 48, 1), 64, 5)
    c = conv(conv(conv(x, 64, 1), 96, 3), 96, 3)
    return tf.concat([a, b, c, conv(_pool(x), pooled, 1)], 3)


def module_17(x: Any, conv: Conv, inner: int) -> Any:
    """The module for grids of 17×17, with convolutions of 7×7 in factors."""
    a = conv(x, 192, 1)
    b = conv(conv(conv(x, inner, 1), inner, (1, 7)), 192, (7, 1))
    c = conv(x, inner, 1)
    for channels, kernel in ((inner, (7, 1)), (inner, (1, 7)), (inner, (7, 1)), (192, (1, 7))):
        c = conv(c, channels, kernel)
    return tf.concat([a, b, c, conv(_pool(x), 192, 1)], 3)


def module_8(x: Any, conv: Conv) -> Any:
    """The module for grids of 8×8, whose branches fan out."""
    b = conv(x, 384, 1)
    c = conv(conv(x, 448, 1), 384, 3)
    fans = [conv(h, 384, kernel) for h in (b, c) for kernel in ((1, 3), (3, 1))]
    return tf.concat([conv(x, 320, 1), *fans, conv(_pool(x), 192, 1)], 3)


def inception_v3(
    images: Any, classes: int = 1000, training: Any = False, auxiliary: bool = False
) -> dict[str, Any]:
    """The network of the paper.

    Args:
        images: `(n, 299, 299, 3)`, or any size from 75, values from -1 to 1.
        classes: how many there are.
        training: whether batch statistics are used.
        auxiliary: whether the second head, for training, is there too.

    Returns:
        Tensors by name: the ends of the stages, `logits` and, where asked for, `aux_logits`.
    """

    def conv(x: Any, channels: int, kernel: Any, stride: int = 1, padding: str = "same") -> Any:
        return unit(x, channels, kernel, stride, padding, training)

    h = conv(images, 32, 3, 2, "valid")
    h = conv(conv(h, 32, 3, 1, "valid"), 64, 3)
    h = conv(conv(_halve(h), 80, 1, 1, "valid"), 192, 3, 1, "valid")
    ends = {"stem": (h := _halve(h))}
    for pooled in (32, 64, 64):
        h = module_35(h, conv, pooled)
    ends["mixed_35"] = h
    b = conv(conv(conv(h, 64, 1), 96, 3), 96, 3, 2, "valid")
    h = tf.concat([conv(h, 384, 3, 2, "valid"), b, _halve(h)], 3)
    for inner in (128, 160, 160, 192):
        h = module_17(h, conv, inner)
    ends["mixed_17"] = h
    if auxiliary:
        ends["aux_logits"] = _second_head(h, conv, classes)
    a = conv(conv(h, 192, 1), 320, 3, 2, "valid")
    b = conv(conv(conv(conv(h, 192, 1), 192, (1, 7)), 192, (7, 1)), 192, 3, 2, "valid")
    h = tf.concat([a, b, _halve(h)], 3)
    for _ in range(2):
        h = module_8(h, conv)
    ends["mixed_8"] = h
    ends["logits"] = tf.layers.dense(tf.reduce_mean(h, [1, 2]), classes, name="logits")
    return ends


def _second_head(h: Any, conv: Conv, classes: int) -> Any:
    h = conv(tf.layers.average_pooling2d(h, 5, 3, "valid"), 128, 1)
    h = conv(h, 768, h.shape.as_list()[1:3], 1, "valid")
    return tf.layers.dense(tf.layers.flatten(h), classes, name="aux_logits")


def small_inception(images: Any, classes: int = len(SHAPES), training: Any = False) -> dict[str, Any]:
    """A network of modules for pictures of 32×32: tensors by name, like `inception_v3`.

    Args:
        images: `(n, height, width, 3)`, values from -1 to 1.
        classes: how many there are.
        training: whether batch statistics are used.
    """

    def conv(x: Any, channels: int, kernel: Any, stride: int = 1, padding: str = "same") -> Any:
        return unit(x, channels, kernel, stride, padding, training)

    ends = {"stem": (h := conv(images, 16, 5, 2))}
    for stage, width in (("mixed_16", 8), ("mixed_8", 16)):
        b = conv(conv(h, width, 1), 2 * width, 3)
        c = conv(conv(conv(h, width, 1), width, 3), width, 3)
        h = tf.concat([conv(h, width, 1), b, c, conv(_pool(h), width, 1)], 3)
        ends[stage] = h
        h = tf.layers.max_pooling2d(h, 2, 2)
    ends["code"] = tf.reduce_max(h, [1, 2])
    ends["logits"] = tf.layers.dense(ends["code"], classes, name="logits")
    return ends


# --- training the small one ---


def train(target: str, steps: int, out: Path, batch: int = 48, seed: int = 1) -> tuple[list[float], float]:
    """Trains the small network on generated pictures and saves it; the losses, and the accuracy on new pictures."""
    pictures, labels = shape_pictures(2000, SIZE, seed)
    tests, answers = shape_pictures(300, SIZE, seed + 1)
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        optimizer = tf.train.AdamOptimizer(0.01)
        inputs, losses, grads = [], [], []
        for task in range(CLUSTER["worker"]):
            setter = tf.train.replica_device_setter(worker_device=f"/job:worker/task:{task}", cluster=CLUSTER)
            with tf.device(setter), tf.variable_scope("inception", reuse=task > 0):
                x, y = tf.placeholder(tf.float32, [None, SIZE, SIZE, 3]), tf.placeholder(tf.int64, [None])
                loss = tf.losses.sparse_softmax_cross_entropy(
                    y, small_inception(2 * x - 1, training=True)["logits"]
                )
                grads.append(optimizer.compute_gradients(loss, colocate_gradients_with_ops=True))
                inputs.append((x, y))
                losses.append(loss)
            if task == 0:
                updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        mean = [(tf.add_n([g for g, _ in pairs]) / 2.0, pairs[0][1]) for pairs in zip(*grads, strict=True)]
        with tf.control_dependencies(updates):
            step = optimizer.apply_gradients(mean, tf.train.get_or_create_global_step())
        with tf.variable_scope("inception", reuse=True):
            guess = tf.argmax(small_inception(2 * inputs[0][0] - 1)["logits"], 1)
        rng, history = np.random.default_rng(seed), []
        with tf.Session(target, cluster=CLUSTER) as session:
            session.run(tf.global_variables_initializer())
            for _ in (bar := progress(steps)):
                feeds: dict[Any, Any] = {}
                for x, y in inputs:
                    rows = rng.integers(len(pictures), size=batch // 2)
                    feeds[x], feeds[y] = pictures[rows], labels[rows]
                values = session.run([step, *losses], feeds)[1:]
                history.append(float(np.mean(values)))
                bar.set_postfix(loss=f"{history[-1]:.3f}", refresh=False)
            accuracy = float(np.mean(session.run(guess, {inputs[0][0]: tests}) == answers))
            tf.train.Saver(tf.global_variables("inception")).save(session, str(out / "model"))
    return history, accuracy


def classify(target: str, checkpoint: Path, picture: Path) -> list[tuple[str, float]]:
    """What is on a picture: names and probabilities, best first.

    Args:
        target: where to run.
        checkpoint: prefix of the trained network.
        picture: a PNG or JPEG file of any size.
    """
    with tf.Graph().as_default():
        with tf.device("/job:worker/task:1"):
            content = tf.read_file(str(picture))
            image = tf.image.convert_image_dtype(tf.image.decode_image(content, channels=3), tf.float32)
            image.set_shape([None, None, 3])
            image = tf.image.resize_images(image, [SIZE, SIZE])
        with tf.device("/job:worker/task:0"), tf.variable_scope("inception"):
            chances = tf.nn.softmax(small_inception(2 * image[tf.newaxis] - 1)["logits"])
            best = tf.nn.top_k(chances[0], 5)
        with tf.Session(target, cluster=CLUSTER) as session:
            tf.train.Saver().restore(session, str(checkpoint))
            values, indices = session.run(best)
    return [(SHAPES[i], float(v)) for i, v in zip(indices, values, strict=True)]


def describe_full(target: str) -> int:
    """Builds v3 in full, and says what it is made of and where its operations would run; its number of numbers."""
    with tf.Graph().as_default() as graph:
        with tf.device(tf.train.replica_device_setter(worker_device="/job:worker/task:0", cluster=CLUSTER)):
            images = tf.placeholder(tf.float32, [1, 299, 299, 3])
            ends = inception_v3(images)
        numbers = sum(v.shape.num_elements() for v in tf.global_variables())
        for name, tensor in ends.items():
            print(f"  {name:10} {tensor.shape}")
        print(
            f"{len(graph.get_operations())} operations, {len(tf.global_variables())} variables, {numbers:,} numbers"
        )
        with tf.Session(target, cluster=CLUSTER) as session:
            plan = session.plan(ends["logits"], {images: np.zeros((1, 299, 299, 3), np.float32)})
            print("\n".join(plan.text().splitlines()[:12]))
    return numbers


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "inception", 200)
    parser.add_argument(
        "--classify", type=Path, metavar="PICTURE", help="say what is on a picture; no training"
    )
    parser.add_argument("--full", action="store_true", help="build the network of the paper and describe it")
    args = parser.parse_args(given)
    if args.full:
        return 0 if describe_full(args.target) == 23_851_784 else 1
    if args.classify is None:
        args.out.mkdir(parents=True, exist_ok=True)
        losses, accuracy = train(args.target, args.steps, args.out)
        print(f"loss {losses[0]:.3f} to {np.mean(losses[-10:]):.3f}, accuracy on new pictures {accuracy:.3f}")
        pictures, labels = shape_pictures(6, 96, seed=99)
        for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
            save_picture(args.out / f"{i}_{SHAPES[label]}.png", picture)
        args.classify = args.out / f"0_{SHAPES[labels[0]]}.png"
        if accuracy < 0.7:
            return 1
    print(f"{args.classify}:")
    for name, chance in classify(args.target, args.out / "model", args.classify):
        print(f"  {chance:6.1%}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
