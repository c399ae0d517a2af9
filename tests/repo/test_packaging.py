"""What is packed is what is in the tree."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path

ENGINE = ("graph", "kernels", "placement", "actors")


def _project(root: Path) -> dict[str, object]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_folder_of_modules_is_packed(root: Path) -> None:
    found = set()
    for folder in (*ENGINE, "weft"):
        for path in (root / folder).rglob("*.py"):
            parts = path.parent.relative_to(root).parts
            found.add(".".join(parts if parts[0] == "weft" else ("weft", *parts)))
    setuptools = _project(root)["tool"]["setuptools"]  # type: ignore[index]
    assert sorted(setuptools["packages"]) == sorted(found)
    mapped = {f"weft.{folder}": folder for folder in ENGINE}
    assert setuptools["package-dir"] == {"weft": "weft", **mapped}


def test_every_module_is_installed(root: Path) -> None:
    """Each module of the tree can be found in the package that the tests import."""
    missing = []
    for folder in (*ENGINE, "weft"):
        for path in (root / folder).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts if parts[0] == "weft" else ("weft", *parts)).removesuffix(".__init__")
            if importlib.util.find_spec(name) is None:
                missing.append(name)
    assert not missing


def test_every_package_has_an_init(root: Path) -> None:
    for folder in (*ENGINE, "weft"):
        for path in (root / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path.parent


def test_data_files_are_installed(root: Path) -> None:
    """Whatever is no Python module but lies beside them (pages, scripts) is in the package too."""
    missing = []
    for folder in (*ENGINE, "weft"):
        for path in (root / folder).rglob("*"):
            if not path.is_file() or path.suffix in (".py", ".md") or "__pycache__" in path.parts:
                continue
            parts = path.parent.relative_to(root).parts
            spec = importlib.util.find_spec(".".join(parts if parts[0] == "weft" else ("weft", *parts)))
            assert spec is not None and spec.origin is not None
            if not (Path(spec.origin).parent / path.name).exists():
                missing.append(path.relative_to(root).as_posix())
    assert not missing, "add them to [tool.setuptools.package-data]"


def test_metadata() -> None:
    data = importlib.metadata.metadata("weft")
    assert data["Name"] == "weft"
    needs = {
        re.split(r"[\[>=;\s]", r)[0] for r in importlib.metadata.requires("weft") or () if "extra" not in r
    }
    assert needs == {
        "ray", "numpy", "jax", "ml_dtypes", "tensorboard", "safetensors", "tqdm", "lazy_loader", "numba",
    }  # fmt: skip


def test_every_root_folder_has_its_page(root: Path) -> None:
    for folder in (*ENGINE, "weft", "examples", "tests", "benchmarks", "docs"):
        text = (root / folder / "README.md").read_text(encoding="utf-8")
        assert len(text) > 300, f"{folder}/README.md says too little"
