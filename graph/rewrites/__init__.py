"""Small passes that make a step cheaper without changing what it computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..ir import Subgraph, check_subgraph
from .algebra import ALGEBRA_RULES
from .common import share_common
from .dead_code import drop_dead_code
from .folding import folding_rule
from .no_ops import NO_OP_RULES
from .order import restore_order, state_order
from .shape_values import SHAPE_RULES
from .specialize import with_feed_shapes
from .sweep import Evaluate, Rule, Sweep

__all__ = ["Evaluate", "optimize"]

_MOST_ROUNDS = 6


def optimize(
    subgraph: Subgraph,
    evaluate: Evaluate,
    feed_shapes: Mapping[str, tuple[int, ...]] | None = None,
    check: bool = False,
) -> Subgraph:
    """The step, made cheaper: the same feeds, fetches, targets, devices, effects and numbers.

    Args:
        subgraph: the step.
        evaluate: computes a pure node from the values of its inputs; gives one array per output.
        feed_shapes: shapes of `_Feed` nodes by name, for a step that is to run on these shapes alone.
        check: whether every pass is followed by `check_subgraph`.

    Raises:
        InvalidArgumentError: the shapes of the feeds break the rule of an op.
        InternalError: a pass made a step that contradicts its rules.
    """
    refined: tuple[str, ...] = ()
    if feed_shapes:
        subgraph, refined = with_feed_shapes(subgraph, feed_shapes)
    rules = _rules(evaluate)
    subgraph = _with_optimized_functions(subgraph, evaluate, check)
    order = state_order(subgraph)
    passes: list[Callable[[Subgraph], Subgraph]] = [
        lambda s: _swept(s, rules, refined),
        share_common,
        drop_dead_code,
    ]
    for _ in range(_MOST_ROUNDS):
        before = subgraph
        for run in passes:
            made = run(subgraph)
            if check and made is not subgraph:
                check_subgraph(made)
            subgraph = made
        if subgraph is before:
            break
    subgraph = restore_order(subgraph, order)
    if check:
        check_subgraph(subgraph)
    return subgraph


def _swept(subgraph: Subgraph, rules: Mapping[str, list[Rule]], refined: tuple[str, ...]) -> Subgraph:
    sweep = Sweep(subgraph, rules)
    sweep.note_refined(refined)
    return sweep.run()


def _rules(evaluate: Evaluate) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for table in (SHAPE_RULES, NO_OP_RULES, ALGEBRA_RULES):
        for op, rules in table.items():
            found.setdefault(op, []).extend(rules)
    found[""] = [folding_rule(evaluate)]
    return found


def _with_optimized_functions(subgraph: Subgraph, evaluate: Evaluate, check: bool) -> Subgraph:
    """The step with the bodies of its functions made cheaper, each for itself."""
    bodies = {
        name: optimize(replace(body, functions={}), evaluate, check=check)
        for name, body in subgraph.functions.items()
        if isinstance(body, Subgraph)
    }
    if not bodies:
        return subgraph
    return replace(subgraph, functions={**subgraph.functions, **bodies})
