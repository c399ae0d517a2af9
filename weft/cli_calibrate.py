"""`weft calibrate`: measures this machine's devices and links, and keeps the result."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Measures, or shows what was measured; the exit status."""
    parser = argparse.ArgumentParser(prog="weft calibrate", description=__doc__)
    parser.add_argument("--show", action="store_true", help="only show what was measured earlier")
    parser.add_argument("--no-ray", action="store_true", help="leave out device actors, which need Ray")
    args = parser.parse_args(arguments)
    from .actors.calibration import calibrate, calibration_path, known_calibration

    found = known_calibration() if args.show else calibrate(ray=not args.no_ray)
    if found is None:
        print("this machine was not measured yet; `weft calibrate` does so")
        return 1
    print(found.text())
    print(f"kept in {calibration_path() or 'no file: WEFT_CALIBRATION is off'}")
    return 0
