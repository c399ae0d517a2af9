"""The command line: every command that is listed runs."""

from __future__ import annotations

import importlib

import pytest

from weft.__main__ import _COMMANDS, main


@pytest.mark.parametrize("command", list(_COMMANDS))
def test_every_command_has_a_module_and_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"weft.{_COMMANDS[command][0]}")
    assert callable(module.main)
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_an_unknown_command_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "doctor" in capsys.readouterr().err


def test_doctor_says_that_a_step_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "a step in this process: works" in capsys.readouterr().out


def test_a_cluster_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "x", "--cluster", "ps=many"]) == 1
    assert "JOB=N" in capsys.readouterr().err
