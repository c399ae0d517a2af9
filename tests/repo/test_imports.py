"""Imports go one way, and heavy libraries are imported only where they belong and only when needed."""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ALLOWED = {
    "graph": set(),
    "kernels": {"graph"},
    "placement": {"graph"},
    "actors": {"graph", "kernels", "placement"},
    "weft": {"graph", "kernels", "placement", "actors"},
}
"""For each folder, the other folders that it may import from."""

HOMES = {
    "ray": ("actors",),
    "jax": ("kernels/jax",),
    "jaxlib": ("kernels/jax",),
    "cupy": ("kernels/cupy",),
    "tensorflow": (),
    "torch": (),
}
"""For each heavy library, the folders that may import it, at any depth of the code."""

LAZY = ("tensorboard", "google", "PIL", "scipy", "matplotlib", "sklearn", "safetensors", "tqdm", "numba")
"""Libraries that may be imported anywhere, but only inside functions."""


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    for folder in ALLOWED:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path


@functools.cache
def _imports(path: Path, where: str) -> list[tuple[str, bool, int]]:
    """(absolute name of what is imported, whether at import time, line) for each import of a module."""
    return list(_found_imports(ast.parse(path.read_text(encoding="utf-8")), where))


def _found_imports(tree: ast.Module, where: str) -> Iterator[tuple[str, bool, int]]:
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        or (isinstance(function, ast.If) and "TYPE_CHECKING" in ast.unparse(function.test))
        for node in ast.walk(function)
    }
    folder = where.split("/")
    package = [] if folder[0] == "weft" else ["weft"]
    here = [*package, *folder[:-1]]
    for node in ast.walk(tree):
        eager = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, eager, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            if node.level and name == "weft":
                for alias in node.names:
                    yield f"weft.{alias.name}", eager, node.lineno
            else:
                yield name, eager, node.lineno


def test_imports_go_one_way(root: Path) -> None:
    wrong = []
    for where, path in _modules(root):
        folder = where.split("/")[0]
        for name, _, line in _imports(path, where):
            parts = name.split(".")
            if parts[0] != "weft" or len(parts) < 2:
                if parts == ["weft"] and folder != "weft":
                    wrong.append(f"{where}:{line} imports the public package from the engine")
                continue
            target = parts[1] if parts[1] in ALLOWED else "weft"
            if target not in ALLOWED[folder] | {folder}:
                wrong.append(f"{where}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_stay_at_home(root: Path) -> None:
    wrong = []
    for where, path in _modules(root):
        for name, eager, line in _imports(path, where):
            top = name.split(".")[0]
            if top in HOMES and not any(where.startswith(f"{home}/") for home in HOMES[top]):
                wrong.append(f"{where}:{line} imports {name}")
            if top in LAZY and eager:
                wrong.append(f"{where}:{line} imports {name} at import time")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", ["weft", "weft.graph", "weft.placement", "weft.graph.ops", "weft.actors"])
def test_importing_stays_light(module: str, run_python: Callable[..., object]) -> None:
    done = run_python(f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))")
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}  # type: ignore[attr-defined]
    heavy = loaded & {*HOMES, *LAZY} - {"google"}
    assert not heavy, f"import {module} imports {sorted(heavy)}"
    if module == "weft":
        assert "numpy" not in loaded, "public names are imported when they are first used"


def test_every_module_imports(root: Path, run_python: Callable[..., object]) -> None:
    names = []
    for where, _ in _modules(root):
        parts = where.removesuffix(".py").removesuffix("/__init__").split("/")
        dotted = ".".join(parts if parts[0] == "weft" else ["weft", *parts])
        if not dotted.startswith(("weft.kernels.cupy.", "weft.kernels.jax.")) and not dotted.endswith(
            "__main__"
        ):
            names.append(dotted)
    done = run_python(
        f"import importlib, json, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}  # type: ignore[attr-defined]
    assert not loaded & HOMES.keys() - {"ray"}, "modules outside their homes import heavy libraries"
