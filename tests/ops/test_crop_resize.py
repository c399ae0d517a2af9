from weft.graph.ops import crop_resize

from .harness import OpTests


class TestCropResize(OpTests):
    family = crop_resize
