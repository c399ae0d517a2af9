"""Tensors moved into bounds: by value, by norm, by the norm of many together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .elementwise import map_values
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op
from .reductions import reduce_sum

__all__ = ["clip_by_average_norm", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Each element moved into [clip_value_min, clip_value_max].

    Args:
        t: a tensor or `IndexedSlices`.
        clip_value_min, clip_value_max: scalars, or tensors that broadcast to the shape of `t`.
        name: name scope of the ops.

    Returns:
        A tensor (or `IndexedSlices`) like `t`.

    Raises:
        InvalidArgumentError: the bounds do not broadcast to the shape of `t`.
    """

    def clipped(values: Any) -> Tensor:
        with name_scope(name, "clip_by_value") as scope:
            values = convert_to_tensor(values, name="t")
            below = get_op("Minimum")(values, clip_value_max)
            values.shape.assert_is_compatible_with(below.shape)
            result: Tensor = get_op("Maximum")(below, clip_value_min, name=scope)
            values.shape.assert_is_compatible_with(result.shape)
            return result

    return map_values(clipped, t)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """A tensor scaled so that its L2 norm is at most `clip_norm`.

    Args:
        t: a floating tensor or `IndexedSlices`.
        clip_norm: the largest norm; a positive scalar.
        axes: axes along which the norm is taken; None for all.
        name: name scope of the ops.

    Returns:
        A tensor (or `IndexedSlices`) like `t`.
    """

    def clipped(values: Any) -> Tensor:
        with name_scope(name, "clip_by_norm") as scope:
            values = convert_to_tensor(values, name="t")
            squares = reduce_sum(values * values, axes, keepdims=True)
            positive = squares > 0
            # The square root's slope at zero is infinite; both selects keep it out of the gradient.
            safe = get_op("SelectV2")(positive, squares, get_op("OnesLike")(squares))
            norm = get_op("SelectV2")(positive, get_op("Sqrt")(safe), squares)
            scaled = values * clip_norm
            values.shape.assert_is_compatible_with(scaled.shape)
            quotient = scaled / get_op("Maximum")(norm, clip_norm)
            return get_op("Identity")(quotient, name=scope)

    return map_values(clipped, t)


def _values(t_list: Sequence[Any]) -> list[Tensor | None]:
    return [
        None
        if t is None
        else convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=f"t_{i}")
        for i, t in enumerate(t_list)
    ]


def _check_list(t_list: Any) -> None:
    if not isinstance(t_list, Sequence) or isinstance(t_list, (str, bytes)):
        raise TypeError(f"`t_list` should be a sequence of tensors, got {t_list!r}")


def global_norm(t_list: Any, name: str | None = None) -> Tensor | None:
    """The L2 norm of all tensors of a list together.

    Args:
        t_list: tensors, `IndexedSlices`, and None for those that do not count.
        name: name scope of the ops.

    Returns:
        A scalar tensor; None where the list has no tensor.

    Raises:
        TypeError: `t_list` is not a sequence.
    """
    _check_list(t_list)
    with name_scope(name, "global_norm"):
        halves = [get_op("L2Loss")(v) for v in _values(t_list) if v is not None]
        if not halves:
            return None
        total = reduce_sum(get_op("Pack")(halves))
        return get_op("Sqrt")(total * 2.0, name="global_norm")


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Tensors scaled by one factor, so that their norm together is at most `clip_norm`.

    Args:
        t_list: tensors, `IndexedSlices`, and None for those that do not count.
        clip_norm: the largest norm; a positive scalar.
        use_norm: the norm together, where it is known already.
        name: name scope of the ops.

    Returns:
        The scaled tensors (all of them NaN where the norm is not finite), and the norm.

    Raises:
        TypeError: `t_list` is not a sequence.
    """
    _check_list(t_list)
    norm = global_norm(t_list, name) if use_norm is None else use_norm
    if norm is None:
        return list(t_list), norm
    with name_scope(name, "clip_by_global_norm") as scope:
        norm = convert_to_tensor(norm)
        limit = convert_to_tensor(clip_norm, norm.dtype)
        finite = limit * get_op("Minimum")(1.0 / norm, 1.0 / limit)
        # inf - inf is not a number, which spreads to every gradient and so tells that the step has diverged.
        scale = finite + (norm - norm)
        clipped: list[Any] = []
        for i, (given, values) in enumerate(zip(t_list, _values(t_list), strict=True)):
            if values is None:
                clipped.append(None)
                continue
            factor = scale if scale.dtype is values.dtype else get_op("Cast")(scale, DstT=values.dtype)
            scaled = get_op("Identity")(values * factor, name=f"{scope.rsplit('/', 2)[-2]}_{i}")
            if isinstance(given, IndexedSlices):
                scaled = IndexedSlices(scaled, given.indices, given.dense_shape)
            clipped.append(scaled)
        return clipped, norm


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """A tensor scaled so that its L2 norm over its number of elements is at most `clip_norm`.

    Args:
        t: a floating tensor.
        clip_norm: the largest average norm; a positive scalar.
        name: name scope of the ops.
    """
    with name_scope(name, "clip_by_average_norm") as scope:
        values = convert_to_tensor(t, name="t")
        count = get_op("Cast")(get_op("Size")(values), DstT=values.dtype)
        inverse = get_op("Rsqrt")(reduce_sum(values * values))
        limit = convert_to_tensor(clip_norm, values.dtype)
        scaled = values * limit * get_op("Minimum")(inverse * count, 1.0 / limit)
        return get_op("Identity")(scaled, name=scope)
