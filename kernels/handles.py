"""What a tensor of type resource holds at run time."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ResourceHandle"]


@dataclass(frozen=True)
class ResourceHandle:
    """Names a stateful object on a device; two handles of one name are the same object.

    Attributes:
        kind: what it is: "variable", "queue", "table", ...
        container: container of the name, "" for the default one.
        name: shared name, or the name of the node that made it.
    """

    kind: str
    container: str
    name: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, self.container, self.name)
