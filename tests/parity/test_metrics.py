"""Streaming metrics give TensorFlow's numbers after every batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft
from weft import metrics as weft_metrics

pytestmark = pytest.mark.tensorflow

_RNG = np.random.default_rng(5)
BATCHES = 3
SHARES = _RNG.uniform(size=(BATCHES, 8)).astype(np.float32)
NOISY = np.clip(SHARES + _RNG.normal(size=SHARES.shape, scale=0.3), 0, 1).astype(np.float32)
BITS = _RNG.integers(0, 2, (BATCHES, 8)).astype(np.int64)
OTHER_BITS = _RNG.integers(0, 2, (BATCHES, 8)).astype(np.int64)
CLASSES = _RNG.integers(0, 4, (BATCHES, 8)).astype(np.int64)
OTHER_CLASSES = _RNG.integers(0, 4, (BATCHES, 8)).astype(np.int64)
WEIGHTS = _RNG.uniform(size=(BATCHES, 8)).astype(np.float32)
SCORES = _RNG.normal(size=(BATCHES, 8, 5)).astype(np.float32)
LABEL_ROWS = np.sort(_RNG.integers(0, 5, (BATCHES, 8, 2)), -1).astype(np.int64)

Feeds = tuple[np.ndarray[Any, Any], ...]
Make = Callable[..., Any]

METRICS: dict[str, tuple[Feeds, Make]] = {
    "mean": ((NOISY,), lambda m, a: m.mean(a)),
    "weighted mean": ((NOISY, WEIGHTS), lambda m, a, w: m.mean(a, w)),
    "mean tensor": ((NOISY, WEIGHTS), lambda m, a, w: m.mean_tensor(a, w)),
    "accuracy": ((CLASSES, OTHER_CLASSES), lambda m, a, b: m.accuracy(a, b)),
    "absolute": ((SHARES, NOISY), lambda m, a, b: m.mean_absolute_error(a, b)),
    "squared": ((SHARES, NOISY, WEIGHTS), lambda m, a, b, w: m.mean_squared_error(a, b, w)),
    "root": ((SHARES, NOISY), lambda m, a, b: m.root_mean_squared_error(a, b)),
    "relative": ((SHARES, NOISY), lambda m, a, b: m.mean_relative_error(a, b, a)),
    "cosine": ((SHARES, NOISY), lambda m, a, b: m.mean_cosine_distance(a, b, 0)),
    "below": ((SHARES,), lambda m, a: m.percentage_below(a, 0.5)),
    "iou": ((CLASSES, OTHER_CLASSES), lambda m, a, b: m.mean_iou(a, b, 4)),
    "per class": (
        (CLASSES, OTHER_CLASSES, WEIGHTS),
        lambda m, a, b, w: m.mean_per_class_accuracy(a, b, 4, w),
    ),
    "true positives": ((BITS, OTHER_BITS), lambda m, a, b: m.true_positives(a, b)),
    "false negatives": ((BITS, OTHER_BITS, WEIGHTS), lambda m, a, b, w: m.false_negatives(a, b, w)),
    "precision": ((BITS, OTHER_BITS, WEIGHTS), lambda m, a, b, w: m.precision(a, b, w)),
    "recall": ((BITS, OTHER_BITS), lambda m, a, b: m.recall(a, b)),
    "tn thresholds": ((BITS, SHARES), lambda m, a, b: m.true_negatives_at_thresholds(a, b, [0.2, 0.7])),
    "precisions": (
        (BITS, SHARES, WEIGHTS),
        lambda m, a, b, w: m.precision_at_thresholds(a, b, [0.2, 0.7], w),
    ),
    "recalls": ((BITS, SHARES), lambda m, a, b: m.recall_at_thresholds(a, b, [0.2, 0.7])),
    "auc": ((BITS, SHARES), lambda m, a, b: m.auc(a, b)),
    "auc pr": (
        (BITS, SHARES, WEIGHTS),
        lambda m, a, b, w: m.auc(a, b, w, 30, curve="PR", summation_method="careful_interpolation"),
    ),
    "auc minoring": ((BITS, SHARES), lambda m, a, b: m.auc(a, b, summation_method="minoring")),
    "sensitivity": ((BITS, SHARES), lambda m, a, b: m.sensitivity_at_specificity(a, b, 0.6)),
    "specificity": ((BITS, SHARES), lambda m, a, b: m.specificity_at_sensitivity(a, b, 0.6)),
    "precision at k": ((LABEL_ROWS, SCORES), lambda m, a, b: m.precision_at_k(a, b, 2)),
    "precision of a class": ((LABEL_ROWS, SCORES), lambda m, a, b: m.precision_at_k(a, b, 3, class_id=1)),
    "recall at k": ((LABEL_ROWS, SCORES, WEIGHTS), lambda m, a, b, w: m.recall_at_k(a, b, 2, weights=w)),
    "average precision": ((LABEL_ROWS, SCORES), lambda m, a, b: m.average_precision_at_k(a, b, 3)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", METRICS)
def test_same_metrics(name: str) -> None:
    import tensorflow.compat.v1 as tf

    feeds, make = METRICS[name]
    ours, our_names = _values(weft, weft_metrics, feeds, make)
    theirs, their_names = _values(tf, tf.metrics, feeds, make)
    # TensorFlow numbers this one's variables by the ops around them.
    if name != "average precision":
        assert our_names == their_names
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


def _values(tf: Any, metrics: Any, feeds: Feeds, make: Make) -> tuple[list[Any], list[str]]:
    with tf.Graph().as_default(), tf.Session() as session:
        places = [tf.placeholder(a.dtype, a.shape[1:]) for a in feeds]
        value, update = make(metrics, *places)
        session.run(tf.local_variables_initializer())
        seen = []
        for step in range(BATCHES):
            fed = {p: a[step] for p, a in zip(places, feeds, strict=True)}
            seen += [session.run(update, fed), session.run(value, fed)]
        return seen, sorted(v.name for v in tf.local_variables())
