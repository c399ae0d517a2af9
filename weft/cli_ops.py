"""`weft ops`: which ops there are, what computes them where, and how they are differentiated."""

from __future__ import annotations

import argparse
import fnmatch
import textwrap
from collections.abc import Iterable, Sequence

from .graph.opdef import REQUIRED, ArgDef, AttrDef, NoGradient, OpDecl, all_ops
from .kernels.registry import BACKEND_NAMES, find_kernel, waiver

__all__ = ["main"]

_BACKENDS = tuple(name for name in BACKEND_NAMES if name != "null")
_COSTS = {
    "free": "free",
    "moves": "bytes",
    "per_element": "per output",
    "per_input": "per input",
}
"""What the shared cost rules of `graph/infer.py` count, by the name of the function that gives them."""


def main(arguments: Sequence[str]) -> int:
    """Prints a line per op, or everything about the ops that are named; the exit status."""
    args = _parser().parse_args(arguments)
    patterns = args.pattern or ["*"]
    found = [d for name, d in sorted(all_ops().items()) if any(_matches(name, p) for p in patterns)]
    found = [d for d in found if _wanted(d, args)]
    if not found:
        print(f"weft ops: no op fits {' '.join(patterns)}")
        return 1
    exact = {p for p in patterns if p in all_ops()}
    if exact and len(exact) == len(patterns):
        print("\n\n".join(_described(d) for d in found))
    else:
        print("\n".join(_table(found)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weft ops", description=__doc__)
    parser.add_argument(
        "pattern",
        nargs="*",
        help="names, or patterns such as 'Conv*' (in any case); whole names print all there is to know",
    )
    parser.add_argument("--backend", choices=_BACKENDS, help="only ops that this backend computes")
    parser.add_argument("--without", choices=_BACKENDS, help="only ops that this backend does not compute")
    parser.add_argument(
        "--no-gradient", action="store_true", help="only ops without a gradient, with the reason"
    )
    parser.add_argument("--state", help="only ops of this kind: pure, source, random, variable or effect")
    return parser


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.lower(), pattern.lower())


def _wanted(decl: OpDecl, args: argparse.Namespace) -> bool:
    return (
        (args.backend is None or find_kernel(decl.name, args.backend) is not None)
        and (args.without is None or find_kernel(decl.name, args.without) is None)
        and (not args.no_gradient or isinstance(decl.gradient, NoGradient))
        and (args.state is None or decl.state.kind == args.state)
    )


def _table(decls: Sequence[OpDecl]) -> Iterable[str]:
    rows = [("op", "gradient", *_BACKENDS, "cost", "state", "rows")]
    rows += [_row(decl) for decl in decls]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    counts = [sum(find_kernel(d.name, b) is not None for d in decls) for b in _BACKENDS]
    computed = ", ".join(f"{b} {n}" for b, n in zip(_BACKENDS, counts, strict=True))
    differentiable = sum(not isinstance(d.gradient, NoGradient) for d in decls)
    yield ""
    yield f"{len(decls)} ops; with a gradient {differentiable}; computed by {computed}"


def _row(decl: OpDecl) -> tuple[str, ...]:
    kernels = (_kernel(decl, backend) for backend in _BACKENDS)
    return (decl.name, _gradient(decl), *kernels, _cost(decl), decl.state.kind, str(len(decl.samples())))


def _gradient(decl: OpDecl) -> str:
    if isinstance(decl.gradient, NoGradient):
        return "none" if decl.gradient.zero else "error"
    return "yes"


def _kernel(decl: OpDecl, backend: str) -> str:
    """How a backend computes an op: `yes`, `host` (on the host, whatever the device) or `-`."""
    if decl.name.startswith("_"):
        return "device"
    found = find_kernel(decl.name, backend)
    if found is None:
        return "-"
    return "host" if found.host and backend != "numpy" else "yes"


def _cost(decl: OpDecl) -> str:
    return _COSTS.get(getattr(decl.cost, "__qualname__", "").partition(".")[0], "own")


def _described(decl: OpDecl) -> str:
    lines = [decl.name, textwrap.fill(decl.doc, 100, initial_indent="  ", subsequent_indent="  ")]
    lines += [f"  input   {_argument(a)}{_host(decl, a)}" for a in decl.inputs]
    lines += [f"  output  {_argument(a)}" for a in decl.outputs]
    lines += [f"  attr    {_attribute(a)}" for a in decl.attrs.values()]
    if isinstance(decl.gradient, NoGradient):
        what = "no gradient flows" if decl.gradient.zero else "asking for a gradient is an error"
        lines.append(f"  gradient: {what}: {decl.gradient.reason}")
    else:
        lines.append("  gradient: yes")
    lines.append(f"  state: {_state(decl)}; cost: {_cost(decl)}; rows of test data: {len(decl.samples())}")
    if decl.dynamic:
        lines.append("  the shape of its result depends on data")
    for backend in _BACKENDS:
        why = waiver(decl.name, backend)
        lines.append(f"  {backend}: {_kernel(decl, backend)}{f' ({why})' if why else ''}")
    return "\n".join(lines)


def _argument(arg: ArgDef) -> str:
    if arg.type_list_attr:
        return f"{arg.name}: list of {arg.type_list_attr}"
    kind = arg.type.name if arg.type is not None else arg.type_attr
    return f"{arg.name}: {arg.number_attr} * {kind}" if arg.number_attr else f"{arg.name}: {kind}"


def _host(decl: OpDecl, arg: ArgDef) -> str:
    return " (on the host: it decides shapes)" if arg.name in decl.host_inputs else ""


def _attribute(attr: AttrDef) -> str:
    text = f"{attr.name}: {attr.type}"
    if attr.minimum is not None:
        text += f" >= {attr.minimum}"
    if attr.allowed is not None:
        text += f" of {', '.join(getattr(a, 'name', repr(a)) for a in attr.allowed)}"
    if attr.default is not REQUIRED:
        text += f" = {getattr(attr.default, 'name', repr(attr.default))}"
    return text


def _state(decl: OpDecl) -> str:
    state = decl.state
    touched = [f"reads {n}" for n in state.reads] + [f"writes {n}" for n in state.writes]
    return f"{state.kind} ({', '.join(touched)})" if touched else state.kind
