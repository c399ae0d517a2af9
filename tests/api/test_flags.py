"""Flags of the command line, as TensorFlow 1's programs define and read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft import app, flags


@pytest.fixture
def values() -> flags.FlagValues:
    made = flags.FlagValues()
    flags.DEFINE_string("name", "nobody", "a text", made)
    flags.DEFINE_integer("steps", 10, "a number", lower_bound=1, flag_values=made)
    flags.DEFINE_float("rate", 0.5, "a rate", flag_values=made)
    flags.DEFINE_boolean("fast", False, "a switch", made)
    flags.DEFINE_enum("kind", "a", ["a", "b"], "one of two", made)
    flags.DEFINE_list("hosts", "x,y", "texts", made)
    flags.DEFINE_multi_integer("size", [1], "numbers", made)
    return made


def test_defaults_need_no_command_line(values: flags.FlagValues) -> None:
    values.mark_as_parsed()
    assert values.flag_values_dict() == {
        "name": "nobody",
        "steps": 10,
        "rate": 0.5,
        "fast": False,
        "kind": "a",
        "hosts": ["x", "y"],
        "size": [1],
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--name=me", "--steps", "3"], {"name": "me", "steps": 3}),
        (["-rate", "-2e-3", "rest"], {"rate": -0.002}),
        (["--fast"], {"fast": True}),
        (["--fast=no"], {"fast": False}),
        (["--nofast"], {"fast": False}),
        (["--kind=b", "--hosts=", "--size=2", "--size=3"], {"kind": "b", "hosts": [], "size": [2, 3]}),
        (["--steps=0x10"], {"steps": 16}),
    ],
)
def test_command_lines(values: flags.FlagValues, words: list[str], expected: dict[str, Any]) -> None:
    rest = values(["program", *words])
    assert rest == ["program", *[w for w in words if w == "rest"]]
    assert {n: getattr(values, n) for n in expected} == expected


def test_what_follows_two_dashes_is_the_programs_own(values: flags.FlagValues) -> None:
    assert values(["p", "a", "--steps=2", "--", "--steps=3"]) == ["p", "a", "--steps=3"]
    assert values.steps == 2


@pytest.mark.parametrize(
    ("word", "error", "text"),
    [
        ("--stepps=3", flags.UnrecognizedFlagError, "stepps.*steps"),
        ("--steps=three", flags.IllegalFlagValueError, "steps=three"),
        ("--steps=0", flags.IllegalFlagValueError, "from 1"),
        ("--kind=c", flags.IllegalFlagValueError, "a, b"),
        ("--fast=perhaps", flags.IllegalFlagValueError, "boolean"),
        ("--name", flags.IllegalFlagValueError, "needs a value"),
    ],
)
def test_wrong_flags(values: flags.FlagValues, word: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        values(["p", word])


def test_unknown_flags_can_be_passed_on(values: flags.FlagValues) -> None:
    assert values(["p", "--other=1", "--steps=4"], known_only=True) == ["p", "--other=1"]
    assert values.steps == 4


def test_flags_are_read_when_first_asked_for(
    monkeypatch: pytest.MonkeyPatch, values: flags.FlagValues
) -> None:
    monkeypatch.setattr("sys.argv", ["p", "--steps=7", "--of-somebody-else"])
    assert values.steps == 7
    flags.DEFINE_string("late", None, "defined afterwards", values)
    monkeypatch.setattr("sys.argv", ["p", "--late=x"])
    assert values.late == "x"


def test_values_can_be_set(values: flags.FlagValues) -> None:
    values.mark_as_parsed()
    values.steps = 99
    assert values["steps"].value == 99
    with pytest.raises(AttributeError, match="nothing"):
        values.nothing = 1
    with pytest.raises(AttributeError, match="steps"):
        _ = values.step


def test_a_flag_belongs_to_one_module(values: flags.FlagValues) -> None:
    flags.DEFINE_integer("steps", 11, "again, here", flag_values=values)
    values.mark_as_parsed()
    assert values.steps == 11
    code = compile("flags.DEFINE_integer('steps', 1, '', flag_values=values)", "elsewhere.py", "exec")
    with pytest.raises(flags.DuplicateFlagError, match="elsewhere"):
        exec(code, {"flags": flags, "values": values})


def test_validators(values: flags.FlagValues) -> None:
    flags.register_validator("steps", lambda n: n % 2 == 0, "must be even", values)
    with pytest.raises(flags.ValidationError, match="must be even"):
        values(["p", "--steps=3"])
    flags.DEFINE_string("needed", None, "", values)
    flags.mark_flag_as_required("needed", values)
    with pytest.raises(flags.ValidationError, match="needed"):
        values(["p"])
    values(["p", "--needed=x"])


def test_flags_from_a_file(values: flags.FlagValues, tmp_path: Path) -> None:
    path = tmp_path / "flags"
    path.write_text("# comment\n--steps=5\n\n--nofast\n", encoding="utf-8")
    values(["p", f"--flagfile={path}", "--rate=1"])
    assert (values.steps, values.fast, values.rate) == (5, False, 1.0)


def test_aliases(values: flags.FlagValues) -> None:
    flags.DEFINE_alias("n", "steps", values)
    values(["p", "--n=6"])
    assert values.steps == values.n == 6


PROGRAM = """
import weft as tf
flags = tf.app.flags
flags.DEFINE_integer("steps", 1, "how many")
FLAGS = flags.FLAGS
def main(argv):
    print(FLAGS.steps, argv[1:])
    return 3
if __name__ == "__main__":
    tf.app.run()
"""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [(["--steps=2", "x"], 3, "2 ['x']"), (["--steps=x"], 1, "steps=x"), (["--help"], 1, "how many")],
)
def test_a_program_is_run(
    tmp_path: Path, run_python: Callable[..., Any], words: list[str], status: int, said: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = run_python(
        f"import subprocess, sys; d = subprocess.run([sys.executable, {str(program)!r}, *{words!r}], "
        "capture_output=True, text=True); print(d.returncode, d.stdout, d.stderr)"
    )
    assert done.stdout.startswith(str(status))
    assert said in done.stdout


def test_run_takes_a_function() -> None:
    seen = []
    with pytest.raises(SystemExit) as end:
        app.run(seen.append, ["p", "a"])
    assert seen == [["p", "a"]]
    assert end.value.code is None
