"""Functions that work on each element: arithmetic, comparisons, logic, rounding, exponentials, casts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .graph import dtypes, operators
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "approximate_equal",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "div",
    "div_no_nan",
    "divide",
    "divide_no_nan",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_div",
    "floor_mod",
    "floordiv",
    "floormod",
    "greater",
    "greater_equal",
    "is_finite",
    "is_inf",
    "is_nan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_sigmoid",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "mul_no_nan",
    "multiply",
    "multiply_no_nan",
    "negative",
    "nextafter",
    "not_equal",
    "pow",
    "realdiv",
    "reciprocal",
    "reciprocal_no_nan",
    "rint",
    "round",
    "rsqrt",
    "scalar_mul",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "squared_difference",
    "subtract",
    "tan",
    "tanh",
    "truediv",
    "truncatediv",
    "truncatemod",
]


class Unary(Protocol):
    """A function of one tensor."""

    def __call__(self, x: Any, name: str | None = None) -> Any: ...


class Binary(Protocol):
    """A function of two tensors."""

    def __call__(self, x: Any, y: Any, name: str | None = None) -> Tensor: ...


def unary(op_type: str, public: str, sentence: str, types: str = "floating or complex") -> Unary:
    """The function that adds an op of one input; the values of sparse tensors and gradients are mapped."""

    def function(x: Any, name: str | None = None) -> Any:
        return map_values(lambda v: get_op(op_type)(v, name=name), x)

    return _documented(function, op_type, public, sentence, f"x: a {types} tensor, or a sparse one")


def binary(
    op_type: str, public: str, sentence: str, types: str = "of numbers", default_name: str | None = None
) -> Binary:
    """The function that adds an op of two inputs."""

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        return get_op(op_type)(x, y, name=name or default_name)

    what = f"x, y: tensors {types}, of one element type and of shapes that broadcast"
    return _documented(function, op_type, public, sentence, what)


def _documented(function: Any, op_type: str, public: str, sentence: str, what: str) -> Any:
    function.__name__ = function.__qualname__ = public
    function.__doc__ = (
        f"{sentence}\n\n    Args:\n        {what}.\n        name: name of the op.\n\n"
        f"    Source:\n        TensorFlow's op {op_type}.\n    "
    )
    return function


def map_values(function: Callable[[Any], Tensor], x: Any) -> Any:
    """`function` of a tensor, or of the values of a sparse tensor or sparse gradient, which stays sparse."""
    if isinstance(x, IndexedSlices):
        return IndexedSlices(function(x.values), x.indices, x.dense_shape)
    if hasattr(x, "indices") and hasattr(x, "values") and hasattr(x, "dense_shape"):
        return type(x)(indices=x.indices, values=function(x.values), dense_shape=x.dense_shape)
    return function(x)


acos = unary("Acos", "acos", "Inverse cosine, in radians.")
acosh = unary("Acosh", "acosh", "Inverse hyperbolic cosine.")
asin = unary("Asin", "asin", "Inverse sine, in radians.")
asinh = unary("Asinh", "asinh", "Inverse hyperbolic sine.")
atan = unary("Atan", "atan", "Inverse tangent, in radians.")
atanh = unary("Atanh", "atanh", "Inverse hyperbolic tangent.")
ceil = unary("Ceil", "ceil", "Smallest whole number that is not below x.", "floating")
cos = unary("Cos", "cos", "Cosine of x radians.")
cosh = unary("Cosh", "cosh", "Hyperbolic cosine.")
exp = unary("Exp", "exp", "e to the power of x.")
expm1 = unary("Expm1", "expm1", "exp(x) - 1, exact for small x.")
floor = unary("Floor", "floor", "Largest whole number that is not above x.", "floating")
is_finite = unary("IsFinite", "is_finite", "Whether each element is a finite number.", "floating")
is_inf = unary("IsInf", "is_inf", "Whether each element is infinite.", "floating")
is_nan = unary("IsNan", "is_nan", "Whether each element is not a number.", "floating")
log = unary("Log", "log", "Natural logarithm.")
log1p = unary("Log1p", "log1p", "log(1 + x), exact for small x.")
logical_not = unary("LogicalNot", "logical_not", "not x, elementwise.", "bool")
negative = unary("Neg", "negative", "-x, elementwise.", "numeric")
reciprocal = unary("Reciprocal", "reciprocal", "1 / x, elementwise.", "numeric")
rint = unary("Rint", "rint", "Nearest whole number; halves go to the even one.", "floating")
rsqrt = unary("Rsqrt", "rsqrt", "1 / sqrt(x), elementwise.")
sigmoid = unary("Sigmoid", "sigmoid", "1 / (1 + exp(-x)), elementwise.")
sign = unary("Sign", "sign", "-1, 0 or 1 by the sign of x; x / |x| for complex numbers.", "numeric")
sin = unary("Sin", "sin", "Sine of x radians.")
sinh = unary("Sinh", "sinh", "Hyperbolic sine.")
sqrt = unary("Sqrt", "sqrt", "Square root.")
square = unary("Square", "square", "x * x, elementwise.", "numeric")
tan = unary("Tan", "tan", "Tangent of x radians.")
tanh = unary("Tanh", "tanh", "Hyperbolic tangent.")

approximate_equal = binary(
    "ApproximateEqual", "approximate_equal", "Whether x and y differ by less than 1e-5."
)
div_no_nan = divide_no_nan = binary(
    "DivNoNan", "div_no_nan", "x / y, and 0 wherever y is 0.", default_name="div_no_nan"
)
equal = binary("Equal", "equal", "Whether x = y, elementwise.", "of any type")
floor_div = binary("FloorDiv", "floor_div", "Largest whole number that is not above x / y.")
floormod = floor_mod = mod = binary("FloorMod", "floormod", "The remainder of x / y that has the sign of y.")
greater = binary("Greater", "greater", "Whether x > y, elementwise.")
greater_equal = binary("GreaterEqual", "greater_equal", "Whether x >= y, elementwise.")
less = binary("Less", "less", "Whether x < y, elementwise.")
less_equal = binary("LessEqual", "less_equal", "Whether x <= y, elementwise.")
logical_and = binary("LogicalAnd", "logical_and", "x and y, elementwise.", "of booleans")
logical_or = binary("LogicalOr", "logical_or", "x or y, elementwise.", "of booleans")
logical_xor = binary(
    "NotEqual",
    "logical_xor",
    "Whether one of x and y is true, but not both.",
    "of booleans",
    default_name="LogicalXor",
)
maximum = binary("Maximum", "maximum", "The larger of x and y, elementwise.")
minimum = binary("Minimum", "minimum", "The smaller of x and y, elementwise.")
mul_no_nan = multiply_no_nan = binary(
    "MulNoNan",
    "multiply_no_nan",
    "x * y, and 0 wherever y is 0, even for an infinite or undefined x.",
    default_name="multiply_no_nan",
)
multiply = binary("Mul", "multiply", "x * y, elementwise.")
not_equal = binary("NotEqual", "not_equal", "Whether x and y differ, elementwise.", "of any type")
pow = binary("Pow", "pow", "x to the power of y, elementwise.")
realdiv = binary("RealDiv", "realdiv", "x / y of floating or complex numbers.")
squared_difference = binary("SquaredDifference", "squared_difference", "(x - y) * (x - y), elementwise.")
subtract = binary("Sub", "subtract", "x - y, elementwise.")
truncatediv = binary("TruncateDiv", "truncatediv", "x / y cut off towards zero.")
truncatemod = binary("TruncateMod", "truncatemod", "The remainder of x / y that has the sign of x.")


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x + y, elementwise with broadcasting; strings are joined.

    Args:
        x, y: tensors of one element type and of shapes that broadcast.
        name: name of the op.

    Source:
        TensorFlow's op AddV2.
    """
    x, y = pair(x, y)
    op_type = "Add" if x.dtype is dtypes.string else "AddV2"
    return get_op(op_type)(x, y, name=name or "Add")


def pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both operands as tensors; one that is no tensor takes the type of the other, if that is one."""
    if not isinstance(x, Tensor) and isinstance(y, Tensor):
        return convert_to_tensor(x, y.dtype, name="x"), y
    x = convert_to_tensor(x, name="x")
    return x, convert_to_tensor(y, x.dtype, name="y")


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """Angle of the point (x, y) in (-pi, pi], elementwise with broadcasting.

    Args:
        y, x: floating tensors of shapes that broadcast.
        name: name of the op.

    Source:
        TensorFlow's op Atan2.
    """
    return get_op("Atan2")(y, x, name=name)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The number next to `x1` in the direction of `x2`.

    Args:
        x1, x2: float32 or float64 tensors of shapes that broadcast.
        name: name of the op.

    Source:
        TensorFlow's op NextAfter.
    """
    return get_op("NextAfter")(x1, x2, name=name)


def abs(x: Any, name: str | None = None) -> Any:
    """Absolute value; of complex numbers too.

    Args:
        x: a tensor of numbers, or a sparse one.
        name: name of the op.

    Returns:
        A tensor like `x`; of the real type for a complex one.
    """

    def of(values: Any) -> Tensor:
        with name_scope(name, "Abs") as scope:
            values = convert_to_tensor(values, name="x")
            if values.dtype.is_complex:
                return get_op("ComplexAbs")(values, Tout=values.dtype.real_dtype, name=scope)
            return get_op("Abs")(values, name=scope)

    return map_values(of, x)


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest whole number; halves go to the even one.

    Args:
        x: a tensor of numbers; integers are given back as they are.
        name: name of the op.
    """
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else get_op("Round")(x, name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 3 divides: integers give floating results.

    Args:
        x, y: tensors of one element type and of shapes that broadcast.
        name: name of the op.
    """
    return truediv(x, y, name)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 3 divides: 8- and 16-bit integers give float32, wider ones float64.

    Args:
        x, y: tensors of one element type and of shapes that broadcast.
        name: name of the op.

    Raises:
        TypeError: the element types differ.
    """
    x, y = pair(x, y)
    return operators.truediv(x, y, name)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 2 divides: the quotient of integers is the largest whole number that is not above it.

    Args:
        x, y: tensors of one element type and of shapes that broadcast.
        name: name of the op.
    """
    x, y = pair(x, y)
    whole = not (x.dtype.is_floating or x.dtype.is_complex)
    return get_op("FloorDiv" if whole else "RealDiv")(x, y, name=name or "div")


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The largest whole number that is not above x / y.

    Args:
        x, y: tensors of one element type and of shapes that broadcast.
        name: name of the op.
    """
    x, y = pair(x, y)
    return operators.floordiv(x, y, name)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, and 0 wherever x is 0.

    Args:
        x: a floating or complex tensor.
        name: name of the op.
    """
    with name_scope(name, "reciprocal_no_nan") as scope:
        x = convert_to_tensor(x, name="x")
        one = convert_to_tensor(1, x.dtype, name="one")
        return div_no_nan(one, x, name=scope)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """A scalar times a tensor.

    Args:
        scalar: a number, or a tensor without dimensions.
        x: a tensor, or an `IndexedSlices`, which stays one.
        name: name of the op.

    Raises:
        ValueError: `scalar` has dimensions.
    """
    scalar = convert_to_tensor(scalar, x.dtype, name="scalar")
    if scalar.shape.rank not in (None, 0):
        raise ValueError(f"Only scalar multiply works, got shape {scalar.shape}")
    return map_values(lambda v: multiply(scalar, v, name), x)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)), which is -softplus(-x).

    Args:
        x: a floating tensor.
        name: name of the op.
    """
    with name_scope(name, "LogSigmoid") as scope:
        x = convert_to_tensor(x, name="x")
        return negative(get_op("Softplus")(-x), name=scope)
