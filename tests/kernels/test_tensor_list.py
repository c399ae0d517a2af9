"""Lists of tensors: whatever is made of a list, the list itself is never seen to change."""

from __future__ import annotations

import pickle
import random

import pytest

from weft.graph.dtypes import float32
from weft.graph.shapes import TensorShape
from weft.kernels.tensor_list import TensorList


def _new(*items: float) -> TensorList:
    return TensorList(list(items), float32, TensorShape([]))


@pytest.mark.parametrize("seed", range(20))
def test_every_version_keeps_its_elements(seed: int) -> None:
    """A random tree of versions, against plain Python lists."""
    choose = random.Random(seed)
    versions: list[tuple[TensorList, list[float]]] = [(_new(), [])]
    for number in range(80):
        recent = versions[-5:] if choose.random() < 0.7 else versions
        made, model = choose.choice(recent)
        kind = choose.choice(["push", "push", "set", "pop"])
        if kind == "push":
            versions.append((made.pushed(number), [*model, number]))
        elif kind == "set" and model:
            index = choose.randrange(len(model))
            versions.append((made.set(index, number), [*model[:index], number, *model[index + 1 :]]))
        elif kind == "pop" and model:
            rest, last = made.popped()
            assert last == model[-1]
            versions.append((rest, model[:-1]))
        looked_at, expected = choose.choice(versions)
        assert looked_at.items() == expected
    for made, model in versions:
        assert (made.items(), made.size) == (model, len(model))


def test_a_long_row_of_changes_touches_one_element_each() -> None:
    """The newest version holds the elements; older ones say how they differ from it."""
    first = _new(*range(100))
    newest = first
    for index in range(100):
        newest = newest.set(index, -1.0)
    assert newest._items is not None and first._items is None
    assert first.items() == list(range(100)) and newest.items() == [-1.0] * 100


def test_a_list_travels() -> None:
    made = _new(1.0, 2.0).pushed(3.0)
    copy = pickle.loads(pickle.dumps(made))
    assert copy.items() == [1.0, 2.0, 3.0]
    assert copy.element_type is float32 and copy.element_shape.rank == 0
