"""`weft run`: programs written for TensorFlow 1, unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.api.test_idx_files import write_idx
from weft import served
from weft.__main__ import main

PROGRAMS = Path(__file__).parent / "tf1"


@pytest.fixture(autouse=True)
def no_tensorflow() -> Iterator[None]:
    """A process that has not imported TensorFlow itself, as the programs need it; tests of parity have, in this one."""
    held = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "tensorflow"}
    for name in held:
        del sys.modules[name]
    yield
    sys.modules.update(held)


def _run(*words: str, target: str = "local") -> str:
    """Runs a program in a process of its own; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "weft", "run", "--target", target, *words],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=PROGRAMS,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_line_through_points() -> None:
    assert _run(str(PROGRAMS / "regression.py")).splitlines()[-1] == "W=0.10 b=0.30"


def test_the_digits_tutorial(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    raw = load_digits()
    pictures, labels = raw.images * 255 / 16, raw.target
    for name, part in (("train", slice(300, None)), ("t10k", slice(0, 300))):
        write_idx(tmp_path / f"{name}-images-idx3-ubyte.gz", pictures[part])
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte.gz", labels[part])
    logs = tmp_path / "logs"
    script = str(PROGRAMS / "mnist_fully_connected_feed.py")
    said = _run(script, "--input_data_dir", str(tmp_path), "--log_dir", str(logs), "--batch_size=60")
    assert float(said.split("Precision @ 1: ")[1]) > 0.85
    assert (logs / "model.ckpt-300.index").exists()
    assert list(logs.glob("events.out.tfevents.*"))


def test_lines_through_queues(tmp_path: Path) -> None:
    for number in range(2):
        rows = "".join(f"{i},{number},{i}\n" for i in range(5))
        (tmp_path / f"{number}.csv").write_text(f"a,b,label\n{rows}", encoding="utf-8")
    said = _run(
        "--cluster", "worker=1", str(PROGRAMS / "queues.py"), "--", f"--files={tmp_path}/*.csv", "--epochs=3"
    )
    assert "read 30 rows, labels add up to 60" in said


def test_slim_layers_and_a_monitored_session(tmp_path: Path) -> None:
    said = _run(str(PROGRAMS / "slim_layers.py"), f"--train_dir={tmp_path / 'out'}")
    assert float(said.split("accuracy ")[1].split()[0]) > 0.8
    assert said.strip().endswith("True")


def test_a_cluster_from_the_command_line(tmp_path: Path) -> None:
    said = _run("--cluster", "ps=1,worker=2", str(PROGRAMS / "ps_worker.py"))
    assert said.strip() == "w [1.0, 2.0, 3.0] devices 3"
    file = tmp_path / "cluster.json"
    file.write_text('{"jobs": {"ps": 1, "worker": 3}, "resources": {"worker": {"CPU": 1}}}', encoding="utf-8")
    assert _run(f"--cluster={file}", str(PROGRAMS / "ps_worker.py")).strip().endswith("devices 4")


@pytest.mark.ray
def test_the_same_on_ray(ray_cluster: object) -> None:
    said = _run("--cluster", "ps=1,worker=2", str(PROGRAMS / "ps_worker.py"), target="ray")
    assert "w [1.0, 2.0, 3.0] devices 3" in said


def test_the_exit_status_is_the_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "p.py"
    program.write_text("import sys, tensorflow\nprint(sys.argv[1:])\nsys.exit(4)\n", encoding="utf-8")
    assert main(["run", str(program), "--x", "y"]) == 4
    assert capsys.readouterr().out == "['--x', 'y']\n"
    assert not any(isinstance(m, served._Served) for m in sys.modules.values())
    assert main(["run", str(tmp_path / "none.py")]) == 2
    assert main(["run", "--cluster", "nonsense", str(program)]) == 2
    program.write_text("raise SystemExit('no data')", encoding="utf-8")
    assert main(["run", str(program)]) == 1
    assert "no data" in capsys.readouterr().err


def test_an_error_in_the_program_is_shown_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text(
        "import tensorflow as tf\ntf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"MatMul.*p\.py:2"):
        main(["run", str(program)])


@pytest.mark.parametrize("name", sorted(n for n, s in served._PYTHON.items() if s != ("data",)))
def test_modules_of_tensorflow_are_there(name: str) -> None:
    import importlib

    served.serve()
    try:
        module = importlib.import_module(f"tensorflow.python.{name}")
        assert module is not None and dir(module)
    finally:
        served.stop()


def test_what_is_not_served_says_so() -> None:
    import importlib

    served.serve()
    try:
        for name in ("tensorflow.keras.layers", "tensorflow.contrib.tpu", "tensorflow.python.nothing"):
            with pytest.raises(ModuleNotFoundError, match="not among what weft serves"):
                importlib.import_module(name)
        assert importlib.import_module("tensorflow").__version__.startswith("1.")
        np.testing.assert_equal(
            importlib.import_module("tensorflow.compat.v1").float32, importlib.import_module("weft").float32
        )
    finally:
        served.stop()
