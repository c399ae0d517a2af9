"""Colours; declared in `graph/ops/color.py`. Nothing is changed in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from .registry import KernelContext, kernel


def _wide(x: Any) -> Any:
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def rgb_to_hsv(xp: Any, images: Any) -> Any:
    """Red, green and blue as hue, saturation and value, each in [0, 1] for colours in [0, 1]."""
    kind = images.dtype.type
    r, g, b = images[..., 0], images[..., 1], images[..., 2]
    value = xp.max(images, axis=-1)
    spread = value - xp.min(images, axis=-1)
    coloured, positive = spread > 0, value > 0
    saturation = xp.where(positive, spread / xp.where(positive, value, kind(1)), kind(0))
    norm = kind(1 / 6) / xp.where(coloured, spread, kind(1))
    by_blue = norm * (r - g) + kind(4 / 6)
    hue = xp.where(g == value, norm * (b - r) + kind(2 / 6), by_blue)
    hue = xp.where(r == value, norm * (g - b), hue)
    hue = xp.where(coloured, hue, kind(0))
    hue = xp.where(hue < 0, hue + kind(1), hue)
    return xp.stack([hue, saturation, value], axis=-1)


def hsv_to_rgb(xp: Any, images: Any) -> Any:
    """The reverse of `rgb_to_hsv`."""
    kind = images.dtype.type
    h, s, v = images[..., 0] * kind(6), images[..., 1], images[..., 2]
    shares = (xp.abs(h - kind(3)) - kind(1), kind(2) - xp.abs(h - kind(2)), kind(2) - xp.abs(h - kind(4)))
    rest = kind(1) - s
    return xp.stack([(rest + s * xp.clip(d, kind(0), kind(1))) * v for d in shares], axis=-1)


@kernel("RGBToHSV")
def rgb_to_hsv_kernel(c: KernelContext, images: Any) -> Any:
    return rgb_to_hsv(c.xp, _wide(images)).astype(c.out_dtype, copy=False)


@kernel("HSVToRGB")
def hsv_to_rgb_kernel(c: KernelContext, images: Any) -> Any:
    return hsv_to_rgb(c.xp, _wide(images)).astype(c.out_dtype, copy=False)


@kernel("AdjustHue")
def adjust_hue(c: KernelContext, images: Any, delta: Any) -> Any:
    xp = c.xp
    hsv = rgb_to_hsv(xp, _wide(images))
    turned = hsv[..., 0] + delta
    turned = (turned - xp.floor(turned)).astype(hsv.dtype)
    found = xp.stack([turned, hsv[..., 1], hsv[..., 2]], axis=-1)
    return hsv_to_rgb(xp, found).astype(c.out_dtype, copy=False)


@kernel("AdjustSaturation")
def adjust_saturation(c: KernelContext, images: Any, scale: Any) -> Any:
    xp = c.xp
    hsv = rgb_to_hsv(xp, _wide(images))
    scaled = xp.clip(hsv[..., 1] * scale, 0, 1).astype(hsv.dtype)
    found = xp.stack([hsv[..., 0], scaled, hsv[..., 2]], axis=-1)
    return hsv_to_rgb(xp, found).astype(c.out_dtype, copy=False)


@kernel("AdjustContrastv2")
def adjust_contrast(c: KernelContext, images: Any, factor: Any) -> Any:
    images = _wide(images)
    mean = c.xp.mean(images, axis=(-3, -2), keepdims=True, dtype=images.dtype)
    return ((images - mean) * factor + mean).astype(c.out_dtype)
