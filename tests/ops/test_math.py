from weft.graph.ops import compare, complex, math, matmul, reduction, unary

from .harness import OpTests


class TestMath(OpTests):
    family = math


class TestUnary(OpTests):
    family = unary


class TestComplex(OpTests):
    family = complex


class TestCompare(OpTests):
    family = compare


class TestReduction(OpTests):
    family = reduction


class TestMatmul(OpTests):
    family = matmul
