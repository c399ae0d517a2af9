"""Rows of variables changed by index, in new memory or in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..indexing import check_range
from ..registry import KernelContext, kernel
from ..training_ops import SPARSE_UPDATES, SparseUpdate
from .inplace import Updater, updates_in_place

_UFUNCS = {"Add": np.add, "Sub": np.subtract}

_MOST_ROUNDS = 64
"""How often one row may come before its changes are made one after the other."""


def change_rows(target: Any, indices: Any, updates: Any, ufunc: Any) -> None:
    """`ufunc.at(target, indices, updates)`, whole rows at a time: those that come twice change in several rounds."""
    index = np.reshape(indices, -1)
    if target.ndim < 2 or not index.size:
        ufunc.at(target, indices, updates)
        return
    rows = np.broadcast_to(updates, (*np.shape(indices), *target.shape[1:])).reshape(
        index.size, *target.shape[1:]
    )
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(starts, append=index.size)
    most = int(counts.max())
    if most == 1:
        target[index] = ufunc(target[index], rows)
    elif most > _MOST_ROUNDS:
        ufunc.at(target, index, rows)
    else:
        for nth in range(most):
            at = order[starts[counts > nth] + nth]
            places = index[at]
            target[places] = ufunc(target[places], rows[at])


def _register(name: str) -> None:
    ufunc = _UFUNCS[name]

    @kernel(f"ResourceScatter{name}", on="numpy")
    def scatter(c: KernelContext, old: Any, indices: Any, updates: Any) -> Any:
        check_range(c, indices, np.shape(old)[0])
        new = old.copy()
        change_rows(new, indices, updates, ufunc)
        return new

    @updates_in_place(f"ResourceScatter{name}")
    def in_place(c: KernelContext) -> Updater:
        def update(value: Any, indices: Any, updates: Any) -> Any:
            change_rows(value, indices, updates, ufunc)
            return value

        return Updater(_checked(c), update)


def _checked(c: KernelContext) -> Any:
    def check(value: Any, indices: Any, updates: Any) -> None:
        check_range(c, indices, value.shape[0])
        shape = (*np.shape(indices), *value.shape[1:])
        if np.broadcast_shapes(np.shape(updates), shape) != shape:
            raise ValueError(f"updates of shape {np.shape(updates)} do not fit rows of shape {shape}")

    return check


for _name in _UFUNCS:
    _register(_name)


@updates_in_place("ResourceScatterUpdate")
def _scatter_update(c: KernelContext) -> Updater:
    def update(value: Any, indices: Any, updates: Any) -> Any:
        value[indices] = updates
        return value

    return Updater(_checked(c), update)


def _sparse(sparse: SparseUpdate) -> None:
    @updates_in_place(sparse.op_type)
    def in_place(c: KernelContext) -> Updater:
        def check(*inputs: Any) -> None:
            values = sparse.named(inputs)
            check_range(c, values["indices"], values["var"].shape[0])
            wanted = (*values["indices"].shape, *values["var"].shape[1:])
            others = [values[s].shape[1:] for s in sparse.slots if values[s].ndim]
            if values["grad"].shape != wanted or any(o != wanted[1:] for o in others):
                raise ValueError(f"grad of shape {values['grad'].shape} does not fit rows of shape {wanted}")

        def update(*inputs: Any) -> Any:
            values = sparse.named(inputs)
            return sparse.result(sparse.changed(c, values, [values[s] for s in sparse.slots]))

        return Updater(check, update)


for _rule in SPARSE_UPDATES:
    _sparse(_rule)
