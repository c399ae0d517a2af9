"""What the pages show works: the code runs, the links lead somewhere, the commands exist."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(p for p in (*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md")))
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(
        match[1],
        id=f"{page.relative_to(ROOT)}:{page.read_text(encoding='utf-8')[: match.start()].count(chr(10)) + 1}",
        marks=[pytest.mark.ray] if '"ray"' in match[1] else [],
    )
    for page in PAGES
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("code", BLOCKS)
def test_the_code_runs(code: str, run_python: Callable[..., object]) -> None:
    done = run_python(code)
    for line in code.splitlines():
        _, shown, expected = line.partition("# ")
        if "print(" in line and shown:
            numbers = re.findall(r"-?\d+\.?\d*", done.stdout)  # type: ignore[attr-defined]
            for wanted in re.findall(r"-?\d+\.?\d*", expected):
                assert any(abs(float(n) - float(wanted)) < 5e-3 for n in numbers), (
                    f"{expected} not in {numbers}"
                )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_opens_with_the_two_commands(root: Path) -> None:
    lines = (root / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line.split("#")[0].strip() for line in lines[2:4]] == ["make demo", "make test"]


def test_the_commands_exist(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    for page in PAGES:
        for name in re.findall(r"^(?: {4}|.*`)make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in targets, f"{page.name} names `make {name}`"


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent != ROOT], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_files_that_pages_name_exist(page: Path) -> None:
    folder = page.parent
    for name in re.findall(r"`([a-z_/]+\.py)`", page.read_text(encoding="utf-8")):
        found = (folder / name).exists() or (ROOT / name).exists() or any(folder.rglob(name))
        assert found, f"{page.relative_to(ROOT)} names {name}"
