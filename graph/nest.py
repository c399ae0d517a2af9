"""Nested structures: lists, tuples, named tuples and dictionaries of anything, in any depth.

A dictionary's values come in the order of its sorted keys. Composites (`IndexedSlices`, sparse tensors, tensor
arrays) are leaves, or are taken apart into their tensors where that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .indexed_slices import IndexedSlices

__all__ = [
    "assert_same_structure",
    "flatten",
    "is_nested",
    "map_structure",
    "pack_sequence_as",
    "register_composite",
]

_COMPOSITES: list[tuple[type, Callable[[Any], Sequence[Any]], Callable[[Any, Sequence[Any]], Any]]] = []


def register_composite(
    kind: type, parts: Callable[[Any], Sequence[Any]], rebuild: Callable[[Any, Sequence[Any]], Any]
) -> None:
    """Teaches the functions of this module what a composite is made of.

    Args:
        kind: the type.
        parts: from a composite to its tensors.
        rebuild: from a composite and as many tensors as it has to one like it that is made of those.
    """
    _COMPOSITES.append((kind, parts, rebuild))


def _slices_parts(value: IndexedSlices) -> Sequence[Any]:
    return [value.values, value.indices, *([] if value.dense_shape is None else [value.dense_shape])]


register_composite(IndexedSlices, _slices_parts, lambda _, parts: IndexedSlices(*parts))


def _composite(value: Any) -> Any:
    for kind, parts, rebuild in _COMPOSITES:
        if isinstance(value, kind):
            return parts, rebuild
    return None


def is_nested(value: Any) -> bool:
    """Whether something is a list, a tuple or a dictionary.

    Args:
        value: the value.
    """
    return isinstance(value, (list, tuple, Mapping))


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [value[key] for key in _sorted_keys(value)]
    return value


def _sorted_keys(value: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        raise TypeError(f"The keys of a nested dictionary must be sortable, got {list(value)}") from None


def _rebuilt(like: Any, children: Sequence[Any]) -> Any:
    if isinstance(like, Mapping):
        made = dict(zip(_sorted_keys(like), children, strict=True))
        ordered = [(key, made[key]) for key in like]
        kind: Any = type(like)
        return kind(ordered) if not hasattr(like, "default_factory") else dict(ordered)
    if hasattr(like, "_fields"):
        return type(like)(*children)
    return type(like)(children)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves of a structure in order; a leaf alone is a structure too.

    Args:
        structure: what to flatten.
        expand_composites: takes composites apart.
    """
    return list(_leaves(structure, expand_composites))


def _leaves(value: Any, expand: bool) -> Iterator[Any]:
    if is_nested(value):
        for child in _children(value):
            yield from _leaves(child, expand)
        return
    composite = _composite(value) if expand else None
    if composite is None:
        yield value
    else:
        yield from composite[0](value)


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False) -> Any:
    """A structure like another one, of other leaves.

    Args:
        structure: gives the form.
        flat_sequence: the leaves, as `flatten` gives them.
        expand_composites: composites of `structure` are made anew of as many leaves as they have parts.

    Raises:
        ValueError: there are more or fewer leaves than the structure has.
    """
    leaves = iter(flat_sequence)
    try:
        packed = _packed(structure, leaves, expand_composites)
    except StopIteration:
        packed, missing = None, True
    else:
        missing = False
    if missing or next(leaves, _END) is not _END:
        count = len(flatten(structure, expand_composites))
        raise ValueError(f"The structure has {count} leaves, got {len(flat_sequence)}: {structure!r}")
    return packed


_END = object()


def _packed(like: Any, leaves: Iterator[Any], expand: bool) -> Any:
    if is_nested(like):
        return _rebuilt(like, [_packed(child, leaves, expand) for child in _children(like)])
    composite = _composite(like) if expand else None
    if composite is None:
        return next(leaves)
    parts, rebuild = composite
    return rebuild(like, [next(leaves) for _ in parts(like)])


def map_structure(function: Callable[..., Any], *structures: Any, expand_composites: bool = False) -> Any:
    """The structure of a function's values over the leaves of structures of one form.

    Args:
        function: called with the leaves.
        *structures: structures of the same form.
        expand_composites: whether sparse tensors are taken apart.
    """
    for other in structures[1:]:
        assert_same_structure(structures[0], other, expand_composites=expand_composites)
    flat = [flatten(s, expand_composites) for s in structures]
    return pack_sequence_as(
        structures[0], [function(*leaves) for leaves in zip(*flat, strict=True)], expand_composites
    )


def assert_same_structure(
    first: Any, second: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Checks that two structures have one form.

    Args:
        first, second: the structures.
        check_types: whether a list and a tuple differ.
        expand_composites: whether composites must have as many parts.

    Raises:
        ValueError: they have other numbers of members, or one has a leaf where the other does not.
        TypeError: they are sequences of other types, or have other keys.
    """
    if is_nested(first) != is_nested(second):
        raise ValueError(f"The two structures don't have the same nested structure: {first!r} and {second!r}")
    if not is_nested(first):
        if expand_composites:
            counts = [len(flatten(s, True)) for s in (first, second)]
            if counts[0] != counts[1]:
                raise ValueError(f"{first!r} has {counts[0]} tensors, {second!r} has {counts[1]}")
        return
    if isinstance(first, Mapping) != isinstance(second, Mapping) or (
        check_types and type(first) is not type(second) and not isinstance(first, Mapping)
    ):
        raise TypeError(
            f"The two structures don't have the same sequence type: {type(first).__name__} and "
            f"{type(second).__name__}"
        )
    if isinstance(first, Mapping) and set(first) != set(second):
        raise ValueError(f"The two dictionaries have other keys: {sorted(first)} and {sorted(second)}")
    if len(first) != len(second):
        raise ValueError(
            f"The two structures don't have the same number of elements: {len(first)} and {len(second)}"
        )
    for a, b in zip(_children(first), _children(second), strict=True):
        assert_same_structure(a, b, check_types, expand_composites)
