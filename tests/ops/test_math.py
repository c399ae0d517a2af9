from weft.graph.ops import bessel, bitwise, compare, complex, math, matmul, reduction, scan, special, unary

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


class TestScan(OpTests):
    family = scan


class TestBitwise(OpTests):
    family = bitwise


class TestSpecial(OpTests):
    family = special


class TestBessel(OpTests):
    family = bessel
