"""How good the placements are that the search finds, and how soon.

`python -m benchmarks.placement FILE...` reads workloads in the format of "Efficient Algorithms for Device Placement of
DNN Graph Operators" (NeurIPS 2020) and prints the latency that the search finds within each budget, in the unit of the
file, in that paper's model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from weft.placement.piece_search import search_latency
from weft.placement.workload import read_workload


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--budgets", nargs="*", type=float, default=[5.0], help="seconds (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    print(f"{'workload':24}  nodes  accelerators  budget s   took s    latency")
    for path in args.files:
        problem = read_workload(path).problem
        for budget in args.budgets:
            start = time.perf_counter()
            result = search_latency(problem, budget, args.seed)
            took = time.perf_counter() - start
            print(
                f"{path.stem:24}  {problem.units:5}  {problem.accelerators:12}  {budget:8.1f}  {took:7.1f}  "
                f"{result.value:9.2f}"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
