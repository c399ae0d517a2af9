"""Einstein sums; declared in `graph/ops/einsum.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .registry import KernelContext, kernel

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _without_dots(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The equation with letters for what the dots stand for."""
    left, _, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    hidden = [r - len(p.replace("...", "")) if "..." in p else 0 for p, r in zip(parts, ranks, strict=True)]
    most = max(hidden)
    spare = "".join(ch for ch in _LETTERS if ch not in equation)[:most]
    named = [p.replace("...", spare[most - h :]) for p, h in zip(parts, hidden, strict=True)]
    return named, right.replace("...", spare)


def _squeezed(xp: Any, x: Any, labels: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """Dimensions of size 1 under a label that is longer elsewhere are dropped: the product broadcasts over them."""
    short = [i for i, label in enumerate(labels) if x.shape[i] == 1 and sizes[label] != 1]
    if not short:
        return x, labels
    return xp.squeeze(x, axis=tuple(short)), "".join(ch for i, ch in enumerate(labels) if i not in short)


@kernel("Einsum")
def einsum(c: KernelContext, *operands: Any) -> Any:
    xp = c.xp
    parts, right = _without_dots(c.attrs["equation"], [np.ndim(x) for x in operands])
    sizes: dict[str, int] = {}
    for labels, x in zip(parts, operands, strict=True):
        for label, size in zip(labels, x.shape, strict=True):
            sizes[label] = max(size, sizes.get(label, size)) if sizes.get(label, 1) != 0 else 0
            if size == 0:
                sizes[label] = 0
    pairs = [_squeezed(xp, x, labels, sizes) for x, labels in zip(operands, parts, strict=True)]
    distinct = "".join(dict.fromkeys(right))
    present = set("".join(labels for _, labels in pairs))
    if c.out_types[0].is_floating and c.out_types[0].size == 2:
        pairs = [(x.astype(np.float32), labels) for x, labels in pairs]
    lacking = [label for label in distinct if label not in present]
    equation = ",".join(labels for _, labels in pairs)
    kept = "".join(label for label in distinct if label not in lacking)
    found = sum_of_products(c, [x for x, _ in pairs], f"{equation}->{kept}")
    found = found.astype(c.out_dtype)
    if lacking:
        shape = [1 if label in lacking else sizes[label] for label in distinct]
        found = xp.broadcast_to(xp.reshape(found, shape), [sizes[label] for label in distinct])
    return found if distinct == right else _on_diagonals(xp, found, distinct, right)


def _on_diagonals(xp: Any, x: Any, labels: str, right: str) -> Any:
    """`x` on the diagonals that repeated labels of the result speak of, zeros elsewhere."""
    spare = iter(ch for ch in _LETTERS if ch not in right)
    seen: set[str] = set()
    result, factors, masks = "", [x], [labels]
    for label in right:
        if label in seen:
            fresh = next(spare)
            factors.append(xp.eye(x.shape[labels.index(label)], dtype=x.dtype))
            masks.append(label + fresh)
            result += fresh
        else:
            result += label
            seen.add(label)
    return xp.einsum(f"{','.join(masks)}->{result}", *factors)


def sum_of_products(c: KernelContext, operands: Sequence[Any], equation: str) -> Any:
    """The library's own `einsum`; on NumPy, two operands become a (batched) matrix product."""
    if c.backend == "numpy" and len(operands) == 2:
        return _as_product(operands[0], operands[1], equation)
    if c.backend == "numpy":
        return np.einsum(equation, *operands, optimize=len(operands) > 2)
    return c.xp.einsum(equation, *operands)


def _reduced(x: Any, labels: str, wanted: str) -> tuple[Any, str]:
    """`x` with repeated labels taken on the diagonal and labels summed that nobody else needs."""
    distinct = "".join(ch for ch in dict.fromkeys(labels) if ch in wanted)
    return (x, labels) if distinct == labels else (np.einsum(f"{labels}->{distinct}", x), distinct)


def _as_product(a: Any, b: Any, equation: str) -> Any:
    left, _, right = equation.partition("->")
    first, second = left.split(",")
    a, first = _reduced(a, first, second + right)
    b, second = _reduced(b, second, first + right)
    batch = [ch for ch in first if ch in second and ch in right]
    inner = [ch for ch in first if ch in second and ch not in right]
    rows = [ch for ch in first if ch not in second]
    columns = [ch for ch in second if ch not in first]
    sizes = dict(zip(first, a.shape, strict=True)) | dict(zip(second, b.shape, strict=True))

    def matrices(x: Any, labels: str, *groups: list[str]) -> Any:
        order = [labels.index(ch) for group in groups for ch in group]
        dims = [int(np.prod([sizes[ch] for ch in group], dtype=np.int64)) for group in groups]
        return x.transpose(order).reshape(dims)

    product = np.matmul(matrices(a, first, batch, rows, inner), matrices(b, second, batch, inner, columns))
    made = [*batch, *rows, *columns]
    return product.reshape([sizes[ch] for ch in made]).transpose([made.index(ch) for ch in right])
