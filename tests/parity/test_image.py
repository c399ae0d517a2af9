"""Images: every sample row and every function of `image` gives TensorFlow's values and gradients."""

from __future__ import annotations

import pytest

from weft.graph.opdef import OpDecl, Sample
from weft.graph.ops import boxes, color, crop_resize, image_patches, resize

from .test_nn import check_gradients, check_values, rows

pytestmark = pytest.mark.tensorflow

FAMILIES = (boxes, color, crop_resize, image_patches, resize)


@pytest.mark.parametrize(("decl", "row"), rows(FAMILIES))
def test_values(decl: OpDecl, row: Sample) -> None:
    check_values(decl, row)


@pytest.mark.parametrize(("decl", "row"), rows(FAMILIES))
def test_gradients(decl: OpDecl, row: Sample) -> None:
    check_gradients(decl, row)
