"""Kills device actors at random moments of a training that must end with the bits of an undisturbed one.

`python -m tests.chaos.kill --kills 100 --seed 1` starts a Ray of its own, trains over a parameter server and two
workers, and kills one of their processes again and again: a random while into a step, while a checkpoint is written,
at any time, or at once after the kill before, while the devices still recover from it. Every loss on the way, every
checkpoint and the variables at the end are compared, bit by bit, with the same program in one process.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PATHS = {"channels": ("channels",), "messages": ()}
"""Transports that a session may use, for each way of running it."""

_SAVE_EVERY = 15
_SNAPSHOT_EVERY = 6


@dataclass
class Outcome:
    """What a disturbed run did.

    Attributes:
        steps: how many it ran.
        kills: processes killed.
        recoveries: times that the session started devices again.
        losses: what it fetched in each step.
        weights: the variables at the end.
        saved: variables found in each checkpoint, by step.
        seconds: from a kill to the end of the next step, for each kill.
        saving: whether a checkpoint is being written.
    """

    steps: int = 0
    kills: int = 0
    recoveries: int = 0
    losses: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    saved: dict[int, list[Any]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    saving: bool = False


def build(tf: Any, size: int) -> tuple[Any, ...]:
    """Noisy training with momentum: weights on the parameter server, random numbers on two workers."""
    tf.set_random_seed(5)
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", initializer=np.ones((size, 3), np.float32))
        b = tf.get_variable("b", initializer=np.zeros(3, np.float32))
    x = tf.placeholder(tf.float32, [4, size])
    losses = []
    for task in range(2):
        with tf.device(f"/job:worker/task:{task}"):
            noise = tf.random_normal([4, 3])
            losses.append(tf.reduce_mean(tf.square(tf.matmul(x, w) + b - noise)))
    with tf.device("/job:worker/task:0"):
        loss = tf.add_n(losses)
    train = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
    return x, loss, train, [w, b], tf.train.Saver()


def batch(step: int, size: int) -> Any:
    return np.random.default_rng(step).random((4, size), dtype=np.float32)


def undisturbed(tf: Any, steps: int, size: int) -> Outcome:
    """The same steps in one process."""
    made = Outcome(steps=steps)
    with tf.Graph().as_default() as graph:
        x, loss, train, variables, _ = build(tf, size)
        cluster = tf.train.ClusterSpec({"ps": 1, "worker": 2})
        with tf.Session("local", graph=graph, cluster=cluster) as sess:
            sess.run(tf.global_variables_initializer())
            for step in range(steps):
                made.losses.append(sess.run([loss, train], {x: batch(step, size)})[0])
                if (step + 1) % _SAVE_EVERY == 0:
                    made.saved[step + 1] = sess.run(variables)
            made.weights = sess.run(variables)
    return made


class Killer(threading.Thread):
    """Kills a random device of a session again and again, at random moments.

    Args:
        target: the session's target.
        made: the run; its `steps` and `saving` say how far it is.
        kills: how many to kill.
        rng: where the moments come from.
    """

    def __init__(self, target: Any, made: Outcome, kills: int, rng: random.Random) -> None:
        super().__init__(daemon=True)
        self._target, self._made, self._left, self._rng = target, made, kills, rng
        self.kills = 0
        self.times: list[float] = []

    def run(self) -> None:
        while self._left:
            self._wait()
            pids = self._target.pids
            name = self._rng.choice(sorted(pids))
            seen = self._target.recoveries
            try:
                os.kill(pids[name], signal.SIGKILL)
            except ProcessLookupError:
                time.sleep(0.01)
                continue
            self.times.append(time.monotonic())
            self.kills += 1
            self._left -= 1
            if self._rng.random() < 0.85:
                while self._target.recoveries == seen and self._left:
                    time.sleep(0.001)

    def _wait(self) -> None:
        """Until the next moment."""
        kind, rng, made = self._rng.random(), self._rng, self._made
        if kind < 0.6:
            steps = made.steps + rng.randint(1, 20)
            while made.steps < steps:
                time.sleep(0.0002)
            time.sleep(rng.random() * 0.005)
        elif kind < 0.8:
            while not made.saving:
                time.sleep(0.0002)
            time.sleep(rng.random() * 0.02)
        elif kind < 0.9:
            time.sleep(rng.random())


def disturbed(tf: Any, path: str, kills: int, rng: random.Random, size: int) -> Outcome:
    """Trains until all kills are done and some steps have followed."""
    config = tf.ConfigProto(
        recover=True, snapshot_steps=_SNAPSHOT_EVERY, transports=PATHS[path], plan_seconds=0.1
    )
    made = Outcome()
    folder = tempfile.TemporaryDirectory()
    with folder, tf.Graph().as_default() as graph:
        x, loss, train, variables, saver = build(tf, size)
        cluster = tf.train.ClusterSpec({"ps": 1, "worker": 2})
        with tf.Session("ray", graph=graph, config=config, cluster=cluster) as sess:
            killer = Killer(sess._target, made, kills, rng)
            killer.start()
            sess.run(tf.global_variables_initializer())
            more = 10
            while killer.is_alive() or more:
                more -= not killer.is_alive()
                made.losses.append(sess.run([loss, train], {x: batch(made.steps, size)})[0])
                done = time.monotonic()
                made.steps += 1
                while len(made.seconds) < len(killer.times):
                    made.seconds.append(done - killer.times[len(made.seconds)])
                if made.steps % _SAVE_EVERY == 0:
                    made.saving = True
                    where = saver.save(sess, f"{folder.name}/model", global_step=made.steps)
                    made.saving = False
                    reader = tf.train.load_checkpoint(where)
                    made.saved[made.steps] = [reader.get_tensor(n) for n in ("w", "b")]
            made.weights = sess.run(variables)
            made.kills, made.recoveries = killer.kills, sess._target.recoveries
    return made


def difference(ours: Outcome, theirs: Outcome) -> str | None:
    """The first thing in which two runs differ, or None."""
    for step, (a, b) in enumerate(zip(ours.losses, theirs.losses, strict=True)):
        if np.asarray(a).tobytes() != np.asarray(b).tobytes():
            return f"the loss of step {step} is {a!r} where the undisturbed run has {b!r}"
    for step, values in ours.saved.items():
        for a, b in zip(values, theirs.saved[step], strict=True):
            if np.asarray(a).tobytes() != np.asarray(b).tobytes():
                return f"the checkpoint of step {step} differs"
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        if a.tobytes() != b.tobytes():
            return "the variables at the end differ"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=600, help="rows of the weights")
    parser.add_argument("--paths", nargs="*", default=list(PATHS), choices=list(PATHS))
    parser.add_argument("--round", type=int, default=10, help="kills in one session")
    args = parser.parse_args(arguments)

    import weft as tf
    from benchmarks.paired import local_ray

    local_ray(8)
    rng = random.Random(args.seed)
    killed, times, failures, number = 0, [], 0, 0
    begin = time.monotonic()
    while killed < args.kills:
        path = args.paths[number % len(args.paths)]
        number += 1
        run = disturbed(tf, path, min(args.round, args.kills - killed), rng, args.size)
        found = difference(run, undisturbed(tf, run.steps, args.size))
        killed += run.kills
        times += run.seconds
        failures += found is not None
        print(
            f"{path}: {run.kills} kills, {run.recoveries} recoveries, {run.steps} steps, {len(run.saved)} "
            f"checkpoints: {found or 'the same bits'}; {killed} of {args.kills} after {time.monotonic() - begin:.0f} s",
            flush=True,
        )
    middle = sorted(times)
    print(
        f"{killed} kills in {number} sessions, {failures} with other bits; from a kill to the end of the next step "
        f"{middle[len(middle) // 2]:.2f} s (median), {middle[-1]:.2f} s (longest)"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
