"""Sending a tensor to another device and receiving it there; made by the cut of a plan, never by a user."""

from __future__ import annotations

from ..infer import free, moves
from ..opdef import EFFECT, NoGradient, declare
from ..shapes import TensorShape

__all__ = ["Recv", "Send"]

_ATTRS = (
    "tensor_name: string",
    "send_device: string",
    "send_device_incarnation: int",
    "recv_device: string",
    "client_terminated: bool = false",
)
_NO_GRADIENT = NoGradient("it belongs to one device's part of a step, which is cut after differentiation")

Send = declare(
    "_Send",
    inputs="tensor: T",
    outputs="",
    attrs=("T: type", *_ATTRS),
    infer=lambda c: [],
    gradient=_NO_GRADIENT,
    cost=moves,
    state=EFFECT,
    samples=list,
    doc="Sends a tensor to another device.",
)

Recv = declare(
    "_Recv",
    inputs="",
    outputs="tensor: tensor_type",
    attrs=("tensor_type: type", *_ATTRS),
    # The sender alone knows the shape; the node in a partition carries it.
    infer=lambda c: [TensorShape(None)],
    gradient=_NO_GRADIENT,
    cost=free,
    state=EFFECT,
    samples=list,
    doc="Receives a tensor from another device.",
)
