"""Scopes of a graph: what the names, devices, colocation and control inputs of new operations come from.

Every thread has its own stacks, so that several may build one graph.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import device_spec
from .elements import Operation, Tensor
from .errors import InvalidArgumentError

__all__ = ["ScopedGraph"]

_VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class _DeviceWish:
    """One level of the device stack: a string, or a function from an operation to one."""

    __slots__ = ("function", "is_reset", "text")

    def __init__(self, wish: Any) -> None:
        self.is_reset = wish is None
        self.function: Callable[[Operation], Any] | None = wish if callable(wish) else None
        self.text = "" if self.function or wish is None else device_spec.canonical_name(str(wish))

    def merge_into(self, op: Operation) -> str:
        """The op's device, as the scopes inside this one left it, with this wish behind it."""
        if self.is_reset:
            return op.device
        if self.function is None:
            return device_spec.merge_devices(self.text, op.device)
        # A device function sees the device of the scopes inside it and has the last word.
        wished = self.function(op)
        if wished is None:
            return op.device
        text = wished if isinstance(wished, str) else wished.to_string()
        return device_spec.canonical_name(text) if text else ""


class _ControlScope:
    """Operations that those made inside must wait for, and the ones made inside so far."""

    __slots__ = ("_inside", "operations")

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self.operations = operations
        self._inside: set[Operation] = set()

    def note(self, op: Operation) -> None:
        self._inside.add(op)

    def covers(self, op: Operation) -> bool:
        """Whether waiting for `op` is waiting for this scope's operations already."""
        return op in self._inside


class _ScopeStacks(threading.local):
    """A graph's open scopes; every thread has its own."""

    def __init__(self) -> None:
        self.name = ""
        self.device: list[_DeviceWish] = []
        self.colocate: list[Operation] = []
        self.control: list[_ControlScope] = []


class ScopedGraph:
    """The part of a graph that opens scopes and applies them to its new operations."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_name: dict[str, Operation] = {}
        self._used_names: dict[str, int] = {}
        self._scopes = _ScopeStacks()
        self._gradient_overrides: dict[str, str] = {}

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The tensor or operation of this graph that `obj` is or names."""
        raise NotImplementedError

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` within the current name scope, with a number behind it where it is taken."""
        with self._lock:
            if self._scopes.name:
                name = f"{self._scopes.name}/{name}"
            return self._uniquify(name, mark_as_used)

    def _uniquify(self, name: str, mark_as_used: bool = True) -> str:
        key = name.lower()
        count = self._used_names.get(key, 0)
        if mark_as_used:
            self._used_names[key] = count + 1
        if not count:
            return name
        unique = name
        while unique.lower() in self._used_names:
            unique = f"{name}_{count}"
            count += 1
        if mark_as_used:
            self._used_names[key] = count
            self._used_names[unique.lower()] = 1
        return unique

    def _op_name(self, name: str, exact: bool) -> str:
        if exact:
            if name in self._by_name:
                raise InvalidArgumentError(name, f"The name {name!r} is already in the graph.")
            return name
        if name.endswith("/"):
            unique = self._uniquify(name[:-1]) if name[:-1] in self._by_name else name[:-1]
            self._used_names.setdefault(unique.lower(), 1)
            return unique
        if not _VALID_OP_NAME.match(name):
            raise ValueError(f"{name!r} is not a valid operation name: use letters, digits, and . _ \\ / > -")
        return self.unique_name(name)

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefixes the names of operations made inside.

        Args:
            name: the scope's name, made unique; a name that ends in "/" re-enters that scope as it is;
                None or "" leaves all scopes.

        Yields:
            The scope with a "/" at its end.
        """
        if name and not (_VALID_SCOPE_NAME if self._scopes.name else _VALID_OP_NAME).match(name):
            raise ValueError(f"{name!r} is not a valid scope name.")
        before = self._scopes.name
        if not name:
            scope = ""
        elif name.endswith("/"):
            scope = name[:-1]
        else:
            scope = self.unique_name(name)
        self._scopes.name = scope
        try:
            yield f"{scope}/" if scope else ""
        finally:
            self._scopes.name = before

    def get_name_scope(self) -> str:
        return self._scopes.name

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Asks for a device for the operations made inside.

        Args:
            device_name_or_function: a device string, full or partial, merged into that of the scopes around;
                a `DeviceSpec`; a function from an `Operation` to a string; None to ignore the scopes around.

        Raises:
            InvalidArgumentError: the string is malformed.
        """
        self._scopes.device.append(_DeviceWish(device_name_or_function))
        try:
            yield
        finally:
            self._scopes.device.pop()

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Puts the operations made inside on the device of `op` (an operation, tensor or variable).

        Args:
            op: what to share a device with; None leaves all colocation scopes.
            ignore_existing: whether the colocation scopes around are left.
        """
        before = self._scopes.colocate
        outer = [] if ignore_existing or op is None else list(before)
        target = None if op is None else self.as_graph_element(op)
        if target is not None:
            outer.append(target.op if isinstance(target, Tensor) else target)
        self._scopes.colocate = outer
        devices = self._scopes.device
        if op is not None:
            self._scopes.device = []
        try:
            yield
        finally:
            self._scopes.colocate = before
            self._scopes.device = devices

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Makes the operations created inside run after the given ones.

        Args:
            control_inputs: operations, tensors or variables; None leaves all such scopes.
        """
        before = self._scopes.control
        if control_inputs is None:
            self._scopes.control = []
        else:
            operations: dict[Operation, None] = {}
            for item in control_inputs:
                element = self._control_element(item)
                operations[element.op if isinstance(element, Tensor) else element] = None
            self._scopes.control = [*before, _ControlScope(tuple(operations))]
        try:
            yield
        finally:
            self._scopes.control = before

    def _control_element(self, item: Any) -> Tensor | Operation:
        if isinstance(item, (Tensor, Operation)) and item.graph is not self:
            raise InvalidArgumentError(None, f"control input {item.name} is from another graph")
        if hasattr(item, "handle") and hasattr(item, "op"):
            item = item.op
        element = self.as_graph_element(item)
        assert isinstance(element, (Tensor, Operation))
        return element

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: Mapping[str, str]) -> Iterator[None]:
        """Gives the operations made inside other gradients.

        Args:
            op_type_map: op type → name that a gradient is registered under (`RegisterGradient`).

        Raises:
            TypeError: it is no mapping from strings to strings.
        """
        pairs = (
            [v for pair in op_type_map.items() for v in pair] if isinstance(op_type_map, Mapping) else [None]
        )
        if not all(isinstance(v, str) for v in pairs):
            raise TypeError(f"op_type_map must be a dictionary of strings to strings, got {op_type_map!r}.")
        before = self._gradient_overrides
        self._gradient_overrides = {**before, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = before

    def _place(self, op: Operation, device: str | None) -> None:
        scopes = self._scopes
        if device is not None:
            op.device = device_spec.canonical_name(device) if device else ""
        elif scopes.device:
            for wish in reversed(scopes.device):
                op.device = wish.merge_into(op)
                if wish.is_reset:
                    break
        if scopes.colocate and "_class" not in op.attrs:
            groups = sorted({g for target in scopes.colocate for g in target.colocation_groups()})
            op.attrs["_class"] = tuple(f"loc:@{g}" for g in groups)
            if device is None and not op.device:
                op.device = scopes.colocate[-1].device

    def _controls(self, inputs: Sequence[Tensor]) -> list[Operation]:
        """The operations of the open control-dependency scopes that the inputs do not imply already."""
        found: dict[Operation, None] = {}
        sources = {t.op for t in inputs}
        for scope in self._scopes.control:
            if not any(scope.covers(op) for op in sources):
                found.update(dict.fromkeys(op for op in scope.operations if op not in sources))
        return list(found)
