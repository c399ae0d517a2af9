from weft.graph.ops import tensor_list

from .harness import OpTests


class TestTensorList(OpTests):
    family = tensor_list
