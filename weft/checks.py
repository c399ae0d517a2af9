"""Assertions about tensors: checked at once where the values are known, else when a step runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .control_flow import Assert, no_op
from .graph import dtypes
from .graph.constant_value import constant_value
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import DType, as_dtype
from .graph.elements import Operation, Tensor
from .graph.errors import InvalidArgumentError
from .graph.ops import compare
from .graph.ops.array import Rank, Reshape, Shape
from .graph.ops.reduction import All

__all__ = [
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_type",
    "is_non_decreasing",
    "is_numeric_tensor",
    "is_strictly_increasing",
]

_CHECKED = "static_checks_determined_all_ok"
"""Name of the op that stands for a check that is done already."""


def _binary(
    symbol: str,
    default_name: str,
    test: Callable[..., Any],
    known: Callable[..., Any],
    x: Any,
    y: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, default_name, [x, y, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype, name="y")
        if data is None:
            rule = f"Condition x {symbol} y did not hold element-wise:"
            data = [rule, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
        return _checked(test, known, x, y, data, summarize, message)


def _checked(
    test: Callable[..., Any],
    known: Callable[..., Any],
    x: Tensor,
    y: Tensor,
    data: Sequence[Any],
    summarize: int | None,
    message: str | None,
) -> Operation:
    data = list(data) if message is None else [message, *data]
    condition = _all(test(x, y))
    x_value, y_value = constant_value(x), constant_value(y)
    if x_value is not None and y_value is not None and not np.all(known(x_value, y_value)):
        shown = "\n".join(_shown(d) for d in data)
        raise InvalidArgumentError(None, shown)
    return Assert(condition, data, summarize=summarize)


def _all(test: Tensor) -> Tensor:
    rank = test.shape.rank
    axes = convert_to_tensor(list(range(rank)), dtypes.int32) if rank is not None else _axes(test)
    made: Tensor = All(test, axes)
    return made


def _axes(test: Tensor) -> Tensor:
    from .graph.opdef import get_op

    made: Tensor = get_op("Range")(0, Rank(test), 1)
    return made


def _shown(item: Any) -> str:
    if not isinstance(item, Tensor):
        return str(item)
    value = constant_value(item)
    return item.name if value is None else str(value)


def assert_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x == y` holds for all elements.

    Args:
        x, y: tensors that broadcast with each other.
        data: what to show where it does not hold; by default the condition and both tensors.
        summarize: how many elements of each to show.
        message: begins the error's message.
        name: name scope of the ops.

    Returns:
        The operation that checks.

    Raises:
        InvalidArgumentError: it is known already not to hold.
    """
    return _binary("==", "assert_equal", compare.Equal, np.equal, x, y, data, summarize, message, name)


def assert_none_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x != y` holds for all elements; see `assert_equal`."""
    return _binary(
        "!=", "assert_none_equal", compare.NotEqual, np.not_equal, x, y, data, summarize, message, name
    )


def assert_less(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x < y` holds for all elements; see `assert_equal`."""
    return _binary("<", "assert_less", compare.Less, np.less, x, y, data, summarize, message, name)


def assert_less_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x <= y` holds for all elements; see `assert_equal`."""
    return _binary(
        "<=", "assert_less_equal", compare.LessEqual, np.less_equal, x, y, data, summarize, message, name
    )


def assert_greater(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x > y` holds for all elements; see `assert_equal`."""
    return _binary(">", "assert_greater", compare.Greater, np.greater, x, y, data, summarize, message, name)


def assert_greater_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x >= y` holds for all elements; see `assert_equal`."""
    return _binary(
        ">=",
        "assert_greater_equal",
        compare.GreaterEqual,
        np.greater_equal,
        x,
        y,
        data,
        summarize,
        message,
        name,
    )


def _against_zero(
    symbol: str,
    default_name: str,
    test: Callable[..., Any],
    known: Callable[..., Any],
    flipped: bool,
    x: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, default_name, [x, data]):
        x = convert_to_tensor(x, name="x")
        if data is None:
            data = [f"Condition x {symbol} 0 did not hold element-wise:", f"x ({x.name}) = ", x]
        zero = convert_to_tensor(0, x.dtype)
        first, second = (zero, x) if flipped else (x, zero)
        return _checked(test, known, first, second, data, summarize, "" if message is None else message)


def assert_negative(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x < 0` holds for all elements; see `assert_equal`."""
    return _against_zero(
        "<", "assert_negative", compare.Less, np.less, False, x, data, summarize, message, name
    )


def assert_positive(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x > 0` holds for all elements; see `assert_equal`."""
    return _against_zero(
        ">", "assert_positive", compare.Less, np.less, True, x, data, summarize, message, name
    )


def assert_non_negative(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x >= 0` holds for all elements; see `assert_equal`."""
    test, known = compare.LessEqual, np.less_equal
    return _against_zero(">=", "assert_non_negative", test, known, True, x, data, summarize, message, name)


def assert_non_positive(
    x: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x <= 0` holds for all elements; see `assert_equal`."""
    test, known = compare.LessEqual, np.less_equal
    return _against_zero("<=", "assert_non_positive", test, known, False, x, data, summarize, message, name)


def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `|x - y| <= atol + rtol * |y|` holds for all elements.

    Args:
        x, y: floating tensors that broadcast with each other.
        rtol, atol: tolerances; ten times the precision of the type by default.
        data, summarize, message, name: see `assert_equal`.
    """
    with name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype, name="y")
        eps = float(_precision(x.dtype))
        rtol = convert_to_tensor(10 * eps if rtol is None else rtol, x.dtype, name="rtol")
        atol = convert_to_tensor(10 * eps if atol is None else atol, x.dtype, name="atol")
        if data is None:
            rule = f"x and y not equal to tolerance rtol = {_shown(rtol)}, atol = {_shown(atol)}"
            data = [rule, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
        close = compare.LessEqual(abs(x - y), atol + rtol * abs(y))
        shown = list(data) if message is None else [message, *data]
        return Assert(_all(close), shown, summarize=summarize)


def _precision(dtype: DType) -> Any:
    import ml_dtypes

    return ml_dtypes.finfo(dtype.real_dtype.np).eps


def assert_rank(
    x: Any,
    rank: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that a tensor has that rank.

    Args:
        x: a tensor.
        rank: an int32 scalar.
        data, summarize, message, name: see `assert_equal`.

    Raises:
        ValueError: it is known already not to hold.
    """
    with name_scope(name, "assert_rank", [x, rank]):
        return _rank_check(
            x, [rank], lambda have, want: have == want, compare.Equal, "", data, summarize, message
        )


def assert_rank_at_least(
    x: Any,
    rank: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that a tensor has that rank or a higher one; see `assert_rank`."""
    with name_scope(name, "assert_rank_at_least", [x, rank]):
        return _rank_check(
            x,
            [rank],
            lambda have, want: have >= want,
            compare.GreaterEqual,
            " at least",
            data,
            summarize,
            message,
        )


def assert_rank_in(
    x: Any,
    ranks: Sequence[Any],
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that a tensor has one of these ranks; see `assert_rank`."""
    with name_scope(name, "assert_rank_in", [x, *ranks]):
        return _rank_check(
            x, ranks, lambda have, want: have == want, compare.Equal, " in", data, summarize, message
        )


def _rank_check(
    x: Any,
    ranks: Sequence[Any],
    holds: Callable[[int, int], Any],
    test: Callable[..., Any],
    words: str,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
) -> Operation:
    x = convert_to_tensor(x, name="x")
    tensors = [convert_to_tensor(r, name="rank") for r in ranks]
    for rank in tensors:
        assert_type(rank, dtypes.int32)
        if rank.shape.rank not in (None, 0):
            raise ValueError("Rank must be a scalar.")
    prefix = f"{message}  " if message else ""
    wanted = [constant_value(r) for r in tensors]
    if x.shape.rank is not None and all(w is not None for w in wanted):
        have, listed = x.shape.rank, [int(w) for w in wanted if w is not None]
        if not any(holds(have, w) for w in listed):
            want = listed[0] if len(listed) == 1 and words != " in" else tuple(listed)
            raise ValueError(
                f"{prefix}Tensor {x.name} must have rank{words} {want}.  "
                f"Received rank {have}, shape {x.shape}"
            )
        return no_op(_CHECKED)
    if data is None:
        data = [prefix, f"Tensor {x.name} must have rank{words}", *tensors, "Received shape: ", Shape(x)]
    have_rank = Rank(x)
    condition = test(have_rank, tensors[0])
    for rank in tensors[1:]:
        condition = compare.LogicalOr(condition, test(have_rank, rank))
    return Assert(condition, data, summarize=summarize)


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """The tensor, whose static shape must be that of a scalar.

    Args:
        tensor: a tensor.
        message: put in front of the error.

    Raises:
        ValueError: it is not.
    """
    with name_scope(name, "assert_scalar", [tensor]):
        tensor = convert_to_tensor(tensor)
        if tensor.shape.rank != 0:
            prefix = f"{message}  " if message else ""
            raise ValueError(f"{prefix}Expected scalar shape for {tensor.name}, saw shape: {tensor.shape}.")
        return tensor  # type: ignore[no-any-return]


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Checks that a tensor has that element type.

    Args:
        tensor: a tensor.
        tf_type: the type that it must have.
        message: put in front of the error.

    Raises:
        TypeError: it has another.
    """
    wanted = as_dtype(tf_type)
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype is not wanted:
            prefix = f"{message}  " if message else ""
            raise TypeError(f"{prefix}{tensor.name} must be of type {wanted!r}; got {tensor.dtype!r}")
        return no_op("statically_determined_correct_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Checks that a tensor's elements are integers.

    Args:
        x: a tensor.
        message: put in front of the error.

    Raises:
        TypeError: they are not.
    """
    with name_scope(name, "assert_integer", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            prefix = f"{message}  " if message else ""
            raise TypeError(f'{prefix}Expected "x" to be integer type.  Found: {x.name} of dtype {x.dtype!r}')
        return no_op("statically_determined_was_integer")


def assert_proper_iterable(values: Any) -> None:
    """Checks that `values` is a list of things, not one thing that can be iterated over.

    Raises:
        TypeError: it is a tensor, an array or a string, or cannot be iterated over.
    """
    if isinstance(values, (Tensor, np.ndarray, str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')


def assert_same_float_dtype(tensors: Sequence[Any] | None = None, dtype: Any = None) -> DType:
    """The one floating element type of all the tensors.

    Args:
        tensors: tensors to compare; None among them are left out.
        dtype: type that they must have; float32 by default where there are no tensors.

    Raises:
        ValueError: they differ, or it is no floating type.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    for tensor in tensors or ():
        if tensor is None:
            continue
        if wanted is None:
            wanted = tensor.dtype
        if tensor.dtype is not wanted:
            raise ValueError(f"Tensor {tensor!r} must be of type {wanted!r}, got {tensor.dtype!r}")
    wanted = wanted or dtypes.float32
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted!r}.")
    return wanted


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether something is a tensor of numbers.

    Args:
        tensor: a tensor.
    """
    return isinstance(tensor, Tensor) and tensor.dtype.is_numeric


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element, in row order, is smaller than the one before it; a boolean scalar.

    Args:
        x: a tensor.
    """
    with name_scope(name, "is_non_decreasing", [x]):
        return _ordered(x, compare.LessEqual)


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether every element, in row order, is larger than the one before it; a boolean scalar.

    Args:
        x: a tensor.
    """
    with name_scope(name, "is_strictly_increasing", [x]):
        return _ordered(x, compare.Less)


def _ordered(x: Any, test: Callable[..., Any]) -> Tensor:
    flat = Reshape(_numeric(x), [-1])
    return _all(test(flat[:-1], flat[1:]))


def _numeric(x: Any) -> Tensor:
    x = convert_to_tensor(x, name="x")
    if not x.dtype.is_numeric:
        raise TypeError(f"Expected x to be numeric, got {x!r}")
    return x
