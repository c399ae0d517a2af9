"""Patches of images; declared in `graph/ops/image_patches.py`."""

from __future__ import annotations

from typing import Any

from ..graph.ops.image_patches import patch_attrs
from ..graph.ops.windows import Geometry
from .registry import KernelContext, kernel
from .windows import tap_slices, taps


@kernel("ExtractImagePatches")
def extract_patches(c: KernelContext, images: Any) -> Any:
    g = Geometry.of(patch_attrs(c.attrs), images.shape[1:3], c.attrs["ksizes"][1:3], "NHWC")
    padded = c.xp.pad(images, ((0, 0), *g.pads, (0, 0)))
    return c.xp.concatenate([padded[tap_slices(g, tap)] for tap in taps(g.ksizes)], axis=-1)
