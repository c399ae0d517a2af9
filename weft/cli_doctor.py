"""`weft doctor`: what of weft works on this machine, and what is missing."""

from __future__ import annotations

import argparse
import importlib.util
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

__all__ = ["main"]

_PACKAGES = {
    "numpy": "CPU devices",
    "ray": "devices on a cluster",
    "jax": "TPU devices, and XLA on CPU and GPU",
    "tensorboard": "graph files and event files",
    "safetensors": "checkpoints",
    "PIL": "pictures (extra `examples`)",
    "cupy": "GPU devices (extra `gpu`)",
    "tensorflow": "comparisons (extra `parity`)",
}


def main(arguments: Sequence[str]) -> int:
    """Prints the report; the exit status is 1 where a session cannot run."""
    argparse.ArgumentParser(prog="weft doctor", description=__doc__).parse_args(arguments)
    print(f"Python {platform.python_version()} on {platform.machine()}")
    for package, use in _PACKAGES.items():
        print(f"  {package:12} {_version(package):12} {use}")
    print("backends:")
    from .kernels.backend import available_backends

    for name, reason in available_backends().items():
        print(f"  {name:8} {'ready' if reason is None else f'not here: {reason}'}")
    print("devices of this process:")
    from .actors.inventory import list_local_devices

    for device in list_local_devices():
        print(f"  {device.name} ({device.backend})")
    return _try_session()


def _version(package: str) -> str:
    if importlib.util.find_spec(package) is None:
        return "missing"
    for name in (package, {"PIL": "pillow", "tensorflow": "tensorflow-cpu"}.get(package, package)):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "installed"


def _try_session() -> int:
    import weft as tf

    with tf.Graph().as_default(), tf.Session("local") as sess:
        got = float(sess.run(tf.reduce_sum(tf.square(tf.constant([3.0, 4.0])))))
    print(f"a step in this process: {'works' if got == 25.0 else f'gives {got} in the place of 25.0'}")
    return 0 if got == 25.0 else 1
