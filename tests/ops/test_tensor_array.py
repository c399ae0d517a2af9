from weft.graph.ops import tensor_array

from .harness import OpTests


class TestTensorArray(OpTests):
    family = tensor_array
