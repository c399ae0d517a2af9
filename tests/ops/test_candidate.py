import numpy as np
import pytest

import weft
from weft.graph.errors import InvalidArgumentError
from weft.graph.ops import candidate

from .harness import OpTests


class TestCandidate(OpTests):
    family = candidate


def test_learned_sampler_draws_what_it_has_seen() -> None:
    with weft.Graph().as_default(), weft.Session() as session:
        true = weft.placeholder(weft.int64, [None, 1])
        sampled, expected, _ = weft.nn.learned_unigram_candidate_sampler(true, 1, 50, False, 100, seed=1)
        many = np.full((2000, 1), 7)
        session.run(sampled, {true: many})
        got, share = session.run([sampled, expected], {true: [[7], [8]]})
    assert (got == 7).sum() > 40
    np.testing.assert_allclose(share[:, 0], [50 * 2001 / 2100, 50 / 2100], rtol=1e-5)


def test_unique_draws_need_as_many_classes() -> None:
    with weft.Graph().as_default(), pytest.raises(InvalidArgumentError, match="11 different classes"):
        weft.nn.uniform_candidate_sampler(np.zeros((1, 1), np.int64), 1, 11, True, 10)


def test_weights_must_be_as_many_as_classes() -> None:
    with weft.Graph().as_default(), weft.Session() as session:
        sampled, _, _ = weft.nn.fixed_unigram_candidate_sampler(
            np.zeros((1, 1), np.int64), 1, 2, False, 10, unigrams=[1.0, 2.0], seed=1
        )
        with pytest.raises(InvalidArgumentError, match="range_max is 10, there are weights for 2"):
            session.run(sampled)
