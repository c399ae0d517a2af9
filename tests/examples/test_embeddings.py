"""Word vectors: words that stand in the same places become neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from examples import embeddings


def test_words_of_the_library() -> None:
    words = embeddings.library_words(30)
    assert len(words) > 2000 and "the" in words
    corpus = embeddings.Corpus.of(words, 100)
    assert len(corpus.words) == 100 and corpus.text.max() == 99
    centre, around = next(corpus.pairs(32, 3, seed=0))
    assert centre.shape == around.shape == (32,) and centre.min() > 0


@pytest.mark.parametrize("target", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_neighbours(target: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Sentences generated from a seed: animals eat, vehicles drive; each kind keeps to itself."""
    if target == "ray":
        request.getfixturevalue("ray_cluster")
    rng = np.random.default_rng(0)
    animals, vehicles = ["dog", "cat", "cow", "hen"], ["car", "bus", "van", "cab"]
    text: list[str] = []
    for _ in range(1500):
        kind, verb, thing = (animals, "eats", "food") if rng.random() < 0.5 else (vehicles, "drives", "road")
        text += [str(rng.choice(kind)), verb, thing, "today"]
    corpus = embeddings.Corpus.of(text, 14)
    result = embeddings.run(target, corpus, 500, 64, 8, tmp_path, ["dog", "bus"])
    assert np.mean(result.losses[-20:]) < 0.6 * result.losses[0]
    assert len(set(result.nearest["dog"][:5]) & {*animals, "eats", "food"}) >= 3
    assert len(set(result.nearest["bus"][:5]) & {*vehicles, "drives", "road"}) >= 3
    assert np.loadtxt(tmp_path / "vectors.tsv").shape == (len(corpus.words), 8)
    assert (tmp_path / "words.tsv").read_text(encoding="utf-8").split() == corpus.words
    assert "vectors.tsv" in (tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8")
