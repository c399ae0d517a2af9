import numpy as np
import pytest

import weft
from weft.graph.errors import InvalidArgumentError
from weft.graph.ops import ctc
from weft.graph.samples import floats

from .harness import OpTests


class TestCtc(OpTests):
    family = ctc


def test_loss_gradient_against_differences() -> None:
    lengths = np.array([5, 3], np.int32)
    with weft.Graph().as_default(), weft.Session() as session:
        x = weft.placeholder(weft.float64, [5, 2, 4])
        labels = weft.SparseTensor([[0, 0], [0, 1], [0, 2], [1, 0]], np.array([1, 1, 0, 2], np.int32), [2, 3])
        loss = weft.nn.ctc_loss(labels, x, lengths)
        grad = weft.gradients(loss, x, grad_ys=np.array([1.0, -2.0]))[0]
        at = floats(5, 2, 4, dtype=np.float64)
        got = session.run(grad, {x: at})
        for index in np.ndindex(*at.shape):
            step = np.zeros_like(at)
            step[index] = 1e-5
            high, low = session.run(loss, {x: at + step}), session.run(loss, {x: at - step})
            np.testing.assert_allclose(got[index], (high - low) @ [1.0, -2.0] / 2e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("rows", "values", "lengths", "message"),
    [
        ([[0, 0], [0, 1]], [0, 1], [3, 3], "sequence 1 has no labels"),
        ([[0, 0], [1, 0]], [0, -1], [3, 3], "labels must not be negative"),
        ([[0, 0], [1, 0], [1, 1]], [0, 3, 1], [3, 3], "comes after one that is not below 3"),
        ([[0, 0], [1, 0]], [0, 1], [4, 3], r"sequence_length must be in \[0, 3\], got 4"),
        ([[0, 0], [0, 1], [1, 0]], [0, 1, 1], [1, 3], "not enough time"),
        ([[0, 0], [2, 0]], [0, 1], [3, 3], "labels_indices must name sequences"),
    ],
)
def test_bad_labels(rows: list[list[int]], values: list[int], lengths: list[int], message: str) -> None:
    with weft.Graph().as_default(), weft.Session() as session:
        loss, _ = ctc.CTCLoss(floats(3, 2, 4), np.array(rows, np.int64), values, lengths)
        with pytest.raises(InvalidArgumentError, match=message):
            session.run(loss)
