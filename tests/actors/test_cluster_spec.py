"""Cluster specs in the forms in which programs give them."""

from __future__ import annotations

from typing import Any

import pytest

import weft as tf
from weft import errors


def test_lists_dicts_and_counts() -> None:
    spec = tf.train.ClusterSpec({"ps": ["a:1", "b:1"], "worker": {0: "c:1", 7: "d:1"}, "eval": 3})
    assert spec.jobs == ["ps", "worker", "eval"]
    assert spec.num_tasks("ps") == 2
    assert spec.task_indices("worker") == [0, 7]
    assert spec.task_address("worker", 7) == "d:1"
    assert spec.job_tasks("worker")[:2] == ["c:1", None]
    assert spec.as_dict() == {"ps": ["a:1", "b:1"], "worker": {0: "c:1", 7: "d:1"}, "eval": ["", "", ""]}
    assert tf.train.ClusterSpec(spec) == spec
    assert len(spec.tasks()) == 7


def test_resources_and_backends() -> None:
    spec = tf.train.ClusterSpec(
        {"ps": 2, "worker": 8},
        resources={"worker": {"GPU": 1, "accelerator_type": "H100"}, "ps": {"CPU": 4, "memory": "8GiB"}},
        backends={"worker": "jax"},
    )
    assert spec.resources["ps"]["memory"] == 8 * 2**30
    assert spec.backends == {"worker": "jax"}


@pytest.mark.parametrize(
    ("cluster", "keywords", "error", "text"),
    [
        ("ps", {}, TypeError, "dict"),
        ({"ps": 0}, {}, errors.InvalidArgumentError, "at least one task"),
        ({"ps": 1.5}, {}, TypeError, "'ps'"),
        ({"p s": 1}, {}, errors.InvalidArgumentError, "job name"),
        ({"ps": {-1: "a:1"}}, {}, errors.InvalidArgumentError, "-1"),
        ({"ps": [3]}, {}, TypeError, "strings"),
        ({"ps": 1}, {"resources": {"worker": {}}}, errors.InvalidArgumentError, "no job 'worker'"),
        ({"ps": 1}, {"resources": {"ps": {"RAM": 1}}}, errors.InvalidArgumentError, "unknown resource 'RAM'"),
        ({"ps": 1}, {"resources": {"ps": {"memory": "lots"}}}, errors.InvalidArgumentError, "8GiB"),
        ({"ps": 1}, {"strategy": "clump"}, errors.InvalidArgumentError, "spread"),
    ],
)
def test_impossible_specs(cluster: Any, keywords: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        tf.train.ClusterSpec(cluster, **keywords)


def test_unknown_jobs_and_tasks() -> None:
    spec = tf.train.ClusterSpec({"ps": 1})
    with pytest.raises(ValueError, match="No such job"):
        spec.num_tasks("worker")
    with pytest.raises(ValueError, match="index 4"):
        spec.task_address("ps", 4)
