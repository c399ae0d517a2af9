"""What the examples share: arguments, progress, pictures generated from a seed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

Array = np.ndarray[Any, Any]

SHAPES = ("disc", "square", "triangle", "cross", "ring", "stripes")
"""What the generated pictures show."""


def arguments(text: str | None, name: str, steps: int, **more: Any) -> argparse.ArgumentParser:
    """A parser with the arguments that all examples have.

    Args:
        text: the example's docstring.
        name: its name, for the folder of what it writes.
        steps: default number of steps.
        **more: further numbers: name and default.
    """
    parser = argparse.ArgumentParser(description=(text or "").splitlines()[0])
    parser.add_argument(
        "--target", default="ray", help="local, ray, or ray://host:port (default: %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=steps, help="training steps (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out") / name, help="folder of what is written")
    for option, default in more.items():
        parser.add_argument(f"--{option}", type=type(default), default=default, help="(default: %(default)s)")
    return parser


def progress(steps: int, text: str = "training") -> tqdm[int]:
    """The steps, with a bar on standard error: rate, and what is left."""
    return tqdm(range(steps), desc=text, unit="step", file=sys.stderr, mininterval=0.5)


def _mask(kind: str, y: Array, x: Array, radius: float, rng: np.random.Generator) -> Array:
    """Which points of a grid around a centre belong to a shape."""
    far = np.hypot(y, x)
    if kind == "disc":
        return far < radius
    if kind == "square":
        return np.maximum(abs(y), abs(x)) < 0.85 * radius
    if kind == "triangle":
        return (y < 0.7 * radius) & (y > 2 * abs(x) - radius)
    if kind == "cross":
        return (np.minimum(abs(y), abs(x)) < 0.28 * radius) & (np.maximum(abs(y), abs(x)) < radius)
    if kind == "ring":
        return (far < radius) & (far > 0.6 * radius)
    return (np.maximum(abs(y), abs(x)) < radius) & ((y + 10 * radius) % (0.6 * radius) < 0.3 * radius)


def shape_pictures(count: int, size: int = 32, seed: int = 0) -> tuple[Array, Array]:
    """Pictures of coloured shapes on noisy backgrounds, generated from a seed.

    Args:
        count: how many.
        size: height and width in pixels.
        seed: the seed.

    Returns:
        Pictures `(count, size, size, 3)` with values from 0 to 1, and the index in `SHAPES` of each, `(count,)`.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(SHAPES), size=count)
    rows, columns = np.mgrid[0:size, 0:size] / size
    pictures = np.empty((count, size, size, 3), np.float32)
    for i, label in enumerate(labels):
        back, front = rng.random(3) * 0.45, 0.55 + rng.random(3) * 0.45
        if rng.random() < 0.5:
            back, front = front, back
        cy, cx = rng.uniform(0.38, 0.62, 2)
        mask = _mask(SHAPES[label], rows - cy, columns - cx, rng.uniform(0.22, 0.34), rng)
        pictures[i] = np.where(mask[..., np.newaxis], front, back)
        pictures[i] += rng.normal(0, 0.03, (size, size, 1))
    return np.clip(pictures, 0, 1), labels.astype(np.int64)


def save_picture(path: Path, picture: Array) -> None:
    """Writes a picture `(height, width, 3)` with values from 0 to 1 as PNG or JPEG, by its ending."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)).save(path)


def load_picture(path: Path, size: int | None = None) -> Array:
    """A picture of a file as `(height, width, 3)` with values from 0 to 1, resized where a size is given."""
    from PIL import Image

    with Image.open(path) as picture:
        picture = picture.convert("RGB")
        if size is not None:
            picture = picture.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(picture, np.float32) / 255
