from weft.graph.ops import image_patches

from .harness import OpTests


class TestImagePatches(OpTests):
    family = image_patches
