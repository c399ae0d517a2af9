from __future__ import annotations

import pytest

from weft.cli_ops import main
from weft.graph.opdef import all_ops


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def test_one_line_per_op(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys)
    assert found[0].split()[:5] == ["op", "gradient", "numpy", "jax", "cupy"]
    assert [line.split()[0] for line in found[1:-2]] == sorted(all_ops())
    assert found[-1].startswith(f"{len(all_ops())} ops; with a gradient ")


def test_patterns_and_filters(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, "matmul*", "--backend", "numpy")
    assert found[1].split()[:3] == ["MatMul", "yes", "yes"]
    assert all("none" in line or "error" in line for line in lines(capsys, "--no-gradient")[1:-2])


def test_one_op_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(lines(capsys, "Reshape"))
    assert "input   shape: Tshape (on the host: it decides shapes)" in text
    assert "attr    Tshape: type of int32, int64 = int32" in text
    assert "gradient: yes" in text


def test_nothing_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["NoSuchOp*"]) == 1
    assert "no op fits NoSuchOp*" in capsys.readouterr().out
