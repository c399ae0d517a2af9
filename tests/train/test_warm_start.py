"""Variables that begin with the values of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf


@pytest.fixture
def saved(tmp_path: Path) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("a/w", initializer=np.arange(6, dtype=np.float32).reshape(3, 2))
        tf.get_variable("a/b", initializer=[1.0, 2.0])
        tf.get_variable("words", initializer=np.arange(8, dtype=np.float32).reshape(4, 2))
        session.run(tf.global_variables_initializer())
        path: str = tf.train.Saver().save(session, str(tmp_path / "m"))
        return path


def _initialized(*variables: Any) -> list[Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run([tf.convert_to_tensor(v) for v in variables])  # type: ignore[no-any-return]


def test_by_variable_name_and_scope(saved: str) -> None:
    w, b = tf.get_variable("n/w", [3, 2]), tf.get_variable("n/b", [2])
    x = tf.get_variable("x", [2])
    tf.train.init_from_checkpoint(saved, {"a/": "n/", "a/b": x})
    got = _initialized(w, b, x)
    np.testing.assert_array_equal(got[0], [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(got[1], got[2])


def test_a_folder_and_parts(saved: str) -> None:
    w = tf.get_variable("a/w", [3, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.train.init_from_checkpoint(str(Path(saved).parent), {"a/w": "a/w"})
    np.testing.assert_array_equal(_initialized(w)[0], [[0, 1], [2, 3], [4, 5]])


def test_what_does_not_fit_is_refused(saved: str) -> None:
    tf.get_variable("v", [5])
    for mapping, text in (
        ({"a/b": "v"}, r"shape \[5\].*\[2\]"),
        ({"nothing": "v"}, "no tensor 'nothing'"),
        ({"a/b": "u"}, "no variable 'u'"),
        ({"a/": "u/"}, "no variables under"),
        ({"/": "/"}, "'v' would be set from 'v'"),
    ):
        with pytest.raises(ValueError, match=text):
            tf.train.init_from_checkpoint(saved, mapping)


def test_warm_start_by_pattern(saved: str) -> None:
    w = tf.get_variable("a/w", [3, 2])
    other = tf.get_variable("other", initializer=[7.0])
    frozen = tf.get_variable("a/b", initializer=[0.0, 0.0], trainable=False)
    tf.train.warm_start(saved, "a/.*")
    got = _initialized(w, other, frozen)
    assert got[0][2, 1] == 5 and got[1] == [7.0] and got[2].tolist() == [0, 0]


def test_warm_start_under_another_name(saved: str) -> None:
    b = tf.get_variable("bias", [2])
    tf.train.warm_start(saved, ["bias"], var_name_to_prev_var_name={"bias": "a/b"})
    assert _initialized(b)[0].tolist() == [1, 2]
    with pytest.raises(ValueError, match="unknown"):
        tf.train.warm_start(saved, ["bias"], var_name_to_prev_var_name={"unknown": "a/b"})


def test_rows_follow_their_words(saved: str, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("a\nb\nc\nd\n", encoding="utf-8")
    (tmp_path / "new").write_text("d\nx\na\n", encoding="utf-8")
    table = tf.get_variable("words", [4, 2])
    info = tf.train.VocabInfo(
        str(tmp_path / "new"), 3, 1, str(tmp_path / "old"), backup_initializer=tf.constant_initializer(-1.0)
    )
    tf.train.warm_start(saved, None, {"words": info})
    np.testing.assert_array_equal(_initialized(table)[0], [[6, 7], [-1, -1], [0, 1], [-1, -1]])


def test_old_names_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    from weft import old_names

    old_names._TOLD.clear()
    with caplog.at_level("WARNING", logger="weft"):
        assert tf.train.SummaryWriter is tf.summary.FileWriter
        assert tf.train.SummaryWriter is tf.summary.FileWriter
    assert [r.getMessage() for r in caplog.records] == [
        "tf.train.SummaryWriter is an old name; use tf.summary.FileWriter"
    ]


def test_events_are_read_back(tmp_path: Path) -> None:
    with tf.summary.FileWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="t", simple_value=step)]), step)
    (file,) = tmp_path.iterdir()
    events = list(tf.train.summary_iterator(file))
    assert [e.summary.value[0].simple_value for e in events[1:]] == [0, 1, 2]
    data = file.read_bytes()
    file.write_bytes(data[:-3])
    seen = []
    with pytest.raises(tf.errors.DataLossError, match="ends inside"):
        seen.extend(iter(tf.train.summary_iterator(file)))
    file.write_bytes(data[:30] + b"x" + data[31:])
    with pytest.raises(tf.errors.DataLossError, match="checksum"):
        list(tf.train.summary_iterator(file))
    with pytest.raises(tf.errors.NotFoundError):
        list(tf.train.summary_iterator(tmp_path / "none"))
