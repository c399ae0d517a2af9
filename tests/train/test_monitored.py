"""Monitored sessions, their hooks, and the Supervisor."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf


def _model() -> tuple[Any, Any]:
    w = tf.get_variable("w", initializer=4.0)
    loss = tf.square(w, name="loss")
    step = tf.train.get_or_create_global_step()
    return loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)


def _values(folder: Path, tag: str) -> list[tuple[int, float]]:
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in tf.train.summary_iterator(path):
            found += [(event.step, v.simple_value) for v in event.summary.value if v.tag == tag]
    return found


def test_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for last in (5, 8):
        with tf.Graph().as_default():
            loss, train = _model()
            tf.summary.scalar("loss", loss)
            before = threading.active_count()
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=str(tmp_path),
                hooks=[tf.train.StopAtStepHook(last_step=last)],
                save_summaries_steps=1,
                save_checkpoint_secs=None,
                save_checkpoint_steps=2,
                log_step_count_steps=None,
            ) as session:
                while not session.should_stop():
                    session.run(train)
            assert threading.active_count() <= before + 1
    assert tf.train.latest_checkpoint(tmp_path).endswith("-8")
    assert tf.train.load_variable(tmp_path, "w") == pytest.approx(4 * 0.8**8, rel=1e-5)
    steps = [s for s, _ in _values(tmp_path, "loss")]
    assert steps == sorted(set(steps)) and max(steps) == 8
    assert (tmp_path / "graph.pbtxt").exists()


class Recorder(tf.train.SessionRunHook):
    """Notes which of its methods are called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begin(self) -> None:
        self.calls.append("begin")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.calls.append("created")

    def before_run(self, run_context: Any) -> Any:
        self.calls.append("before")
        return tf.train.SessionRunArgs({"double": self.double}, feed_dict={self.x: 3.0})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.calls.append(f"after {run_values.results['double']:.0f}")
        if len(self.calls) > 5:
            run_context.request_stop()

    def end(self, session: Any) -> None:
        self.calls.append("end")


def test_the_order_of_a_hooks_calls() -> None:
    hook = Recorder()
    hook.x = tf.placeholder(tf.float32, [])
    hook.double = hook.x * 2
    nothing = tf.no_op()
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        while not session.should_stop():
            session.run(nothing)
    assert hook.calls == ["begin", "created", "before", "after 6", "before", "after 6", "end"]


def test_hooks_may_not_feed_the_same_tensor_as_the_caller() -> None:
    hook = Recorder()
    hook.x = tf.placeholder(tf.float32, [])
    hook.double = hook.x * 2
    with (
        pytest.raises(RuntimeError, match="feed"),
        tf.train.MonitoredSession(hooks=[hook]) as session,
    ):
        session.run(hook.double, {hook.x: 1.0})


def test_an_error_in_a_step_closes_without_end() -> None:
    hook = Recorder()
    hook.x = tf.placeholder(tf.float32, [])
    hook.double = hook.x * 2
    bad = tf.check_numerics(hook.x / 0.0, "bad")
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="bad"),
        tf.train.MonitoredSession(hooks=[hook]) as session,
    ):
        session.run(bad)
    assert "end" not in hook.calls


def test_the_end_of_the_input_is_a_clean_end() -> None:
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    got = []
    with tf.train.MonitoredTrainingSession() as session:
        while not session.should_stop():
            got.append(int(session.run(number)))
    assert got == [0, 1, 2]
    assert not [t for t in threading.enumerate() if t.name.startswith("QueueRunner")]


def test_a_graph_is_finalized() -> None:
    with tf.train.MonitoredTrainingSession(), pytest.raises(RuntimeError, match="finalized"):
        tf.constant(1.0)


def test_nan_losses() -> None:
    x = tf.placeholder(tf.float32, [])
    for fail in (True, False):
        hook = tf.train.NanTensorHook(x, fail_on_nan_loss=fail)
        session = tf.train.SingularMonitoredSession(hooks=[hook])
        session.run(x, {x: 1.0})
        if fail:
            with pytest.raises(tf.train.NanLossDuringTrainingError):
                session.run(x, {x: np.nan})
        else:
            session.run(x, {x: np.nan})
            assert session.should_stop()
        session.close()


def test_logging_counting_and_final_values(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loss, train = _model()
    final = tf.train.FinalOpsHook(loss)
    hooks = [
        tf.train.LoggingTensorHook({"the loss": loss}, every_n_iter=2, at_end=True),
        tf.train.StepCounterHook(every_n_steps=3, output_dir=str(tmp_path)),
        tf.train.SummarySaverHook(
            save_steps=2, output_dir=str(tmp_path), summary_op=tf.summary.scalar("l", loss)
        ),
        tf.train.StopAtStepHook(num_steps=7),
        final,
    ]
    with caplog.at_level("INFO", logger="weft"), tf.train.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            session.run(train)
    assert sum("the loss" in r.getMessage() for r in caplog.records) >= 4
    assert final.final_ops_values == pytest.approx(16 * 0.64**7, rel=1e-4)
    tf.summary.FileWriterCache.clear()
    assert _values(tmp_path, "global_step/sec")
    assert [s for s, _ in _values(tmp_path, "l")] == [1, 3, 5, 7]


def test_hooks_say_what_is_wrong() -> None:
    with pytest.raises(ValueError):
        tf.train.StopAtStepHook()
    with pytest.raises(ValueError):
        tf.train.StopAtStepHook(num_steps=1, last_step=2)
    with pytest.raises(ValueError):
        tf.train.LoggingTensorHook([], every_n_iter=1, every_n_secs=1)
    with pytest.raises(RuntimeError, match=r"[Gg]lobal step"):
        tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(num_steps=1)])


def test_checkpoint_listeners(tmp_path: Path) -> None:
    seen: list[Any] = []

    class Listener(tf.train.CheckpointSaverListener):
        def after_save(self, session: Any, global_step_value: int) -> bool | None:
            seen.append(global_step_value)
            return global_step_value >= 4

    _, train = _model()
    hook = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=2, listeners=[Listener()])
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        while not session.should_stop():
            session.run(train)
    assert seen[0] <= 1 and seen[-1] >= 4


def test_step_functions() -> None:
    loss, train = _model()
    values: list[Any] = []

    def step(step_context: Any) -> float:
        step_context.session.run(train)
        value = step_context.run_with_hooks(loss)
        values.append(value)
        if value < 1:
            step_context.request_stop()
        return float(value)

    with tf.train.MonitoredTrainingSession() as session:
        while not session.should_stop():
            session.run_step_fn(step)
    assert values[-1] < 1 <= values[-2]


def test_a_scaffold_initializes_and_restores(tmp_path: Path) -> None:
    v = tf.get_variable("v", initializer=1.0)
    x = tf.placeholder(tf.float32, [])
    more = v.assign_add(2.0)
    scaffold = tf.train.Scaffold(
        init_op=v.assign(x),
        init_feed_dict={x: 5.0},
        init_fn=lambda _, session: session.run(more),
    )
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold)) as session:
        assert session.run(v) == 7.0


def test_supervisor(tmp_path: Path) -> None:
    for expected in (3, 6):
        with tf.Graph().as_default():
            loss, train = _model()
            tf.summary.scalar("loss", loss)
            supervisor = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0, save_model_secs=0)
            with supervisor.managed_session() as session:
                for _ in range(3):
                    session.run(train)
                assert session.run(tf.train.get_global_step(session.graph)) == expected
                supervisor.saver.save(session, supervisor.save_path, global_step=supervisor.global_step)
    assert tf.train.latest_checkpoint(tmp_path).endswith("-6")
    assert not [t for t in threading.enumerate() if "Looper" in type(t).__name__]


def test_supervisor_passes_errors_on(tmp_path: Path) -> None:
    bad = tf.check_numerics(tf.constant(np.nan), "broken")
    supervisor = tf.train.Supervisor(logdir=str(tmp_path))
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="broken"),
        supervisor.managed_session() as session,
    ):
        while not supervisor.should_stop():
            session.run(bad)


def test_a_checkpoint_of_another_shape_is_refused_at_the_start(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("v", initializer=[1.0, 2.0])
        tf.train.create_global_step()
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "m"))
    tf.get_variable("v", [3])
    tf.train.create_global_step()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"v has shape \[2\].*\[3\]"):
        tf.train.MonitoredTrainingSession(checkpoint_dir=str(tmp_path))
