from weft.graph.ops import fft

from .harness import OpTests


class TestFFT(OpTests):
    family = fft
