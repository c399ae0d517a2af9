"""The examples that read and write sentences: each learns, small, on several devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf


def tags_of(folder: Path) -> set[str]:
    """The names of the curves in a folder's event files."""
    events = [e for p in folder.glob("events.*") for e in tf.train.summary_iterator(str(p))]
    return {v.tag for e in events for v in e.summary.value}


def test_a_language_model_learns_and_writes(tmp_path: Path) -> None:
    from examples import language_model as example

    text = example.Text.of(example.library_text(4))
    result = example.run("local", text, 150, tmp_path, batch=16, window=16, units=48)
    assert np.mean(result.bits[-10:]) < 0.82 * result.bits[0]
    assert len(result.after) == 400 and set(result.after) <= set(text.signs)
    assert (tmp_path / "written.txt").read_text(encoding="utf-8") == result.after
    assert "bits_per_character" in tags_of(tmp_path)


def test_windows_follow_each_other() -> None:
    from examples.language_model import Text

    text = Text.of("abcdefghijklmnopqrstuvwxyz" * 4)
    windows = text.windows(batch=2, steps=5)
    (x1, y1, first), (x2, _, second) = next(windows), next(windows)
    np.testing.assert_array_equal(y1[:, -1], x2[:, 0])
    np.testing.assert_array_equal(x1[:, 1:], y1[:, :-1])
    assert first and not second


def test_numbers_are_translated(tmp_path: Path) -> None:
    from examples import translation as example

    data = example.Data.generated(600, largest=999, dates=0.0)
    result = example.run("local", data, 110, tmp_path, batch=32, units=48)
    assert result.right > 0.8, result.examples
    words, digits, looks = result.looks
    assert looks.shape == (len(digits), len(words))
    np.testing.assert_allclose(looks.sum(1), 1.0, rtol=1e-4)
    example.draw_looks(tmp_path / "attention.png", *result.looks)
    assert (tmp_path / "attention.png").stat().st_size > 2000 and "loss" in tags_of(tmp_path)


def test_the_generated_language_pair() -> None:
    from examples.translation import Data, number_words, sentence

    assert " ".join(number_words(412)) == "four hundred and twelve"
    assert " ".join(number_words(90017)) == "ninety thousand seventeen"
    words, digits = sentence(np.random.default_rng(3), 10, dates=1.0)
    assert words[0] == "the" and len("".join(digits)) == 10
    data = Data.generated(200, 9999, 0.5)
    assert not {tuple(p[0]) for p in data.train} & {tuple(p[0]) for p in data.test}


def test_stories_are_summarized(tmp_path: Path) -> None:
    from examples import summarization as example

    data = example.stories(1500, most=3, places=2)
    result = example.run("local", data, 150, tmp_path, batch=32, units=48, rate=0.01)
    assert np.mean(result.losses[-5:]) < 0.25 * result.losses[0]
    assert result.right > 0.4, result.examples


def test_a_summary_says_where_both_are_at_last() -> None:
    from examples.summarization import PLACES, story

    rng = np.random.default_rng(0)
    for _ in range(50):
        told, summary = story(rng, 6, len(PLACES))
        where = {}
        for line in " ".join(told).split(" ."):
            words = line.split()
            if words and words[-1] in PLACES:
                where[words[0]] = words[-1]
        named = [w for w in summary if w in PLACES]
        together = where["alice"] == where["bob"]
        assert named == ([where["alice"]] if together else [where["alice"], where["bob"]])


def test_scenes_are_described(tmp_path: Path) -> None:
    from examples import captioning as example

    train, test = (
        example.Scenes.generated(800, size=16, seed=0),
        example.Scenes.generated(40, size=16, seed=1),
    )
    result = example.run("local", train, test, 110, tmp_path, batch=32, units=48, rate=0.006)
    assert np.mean(result.losses[-10:]) < 0.35 * result.losses[0]
    assert result.words > 0.6 and all(words for words in result.said)
    example.draw(tmp_path / "captions.png", test, result.said)
    assert (tmp_path / "captions.png").stat().st_size > 10000


def test_sentences_are_parsed(tmp_path: Path) -> None:
    from examples import parsing as example

    grammars = example.Grammar(0), example.Grammar(1)
    train, test = ([g.sentence() for _ in range(n)] for g, n in zip(grammars, (300, 30), strict=True))
    result = example.run("local", train, test, 120, tmp_path, batch=96, beam=3)
    assert result.greedy[0] > 0.85 and result.beam[0] > 0.85
    assert result.beam[1] <= result.beam[0]
    example.draw(tmp_path / "tree.png", test[0], result.states[0])
    assert (tmp_path / "tree.png").stat().st_size > 4000
    lines = (tmp_path / "parsed.conllu").read_text(encoding="utf-8").splitlines()
    assert sum(bool(line) for line in lines) == sum(len(t.words) for t in test)


def test_transitions_make_the_trees_that_they_are_read_off() -> None:
    from examples.parsing import LABELS, Grammar, State, oracle

    grammar = Grammar(5)
    for _ in range(60):
        tree = grammar.sentence()
        state: Any = State(len(tree.words))
        for move in oracle(tree):
            assert state.allowed()[move]
            state.apply(move)
        assert state.done and state.heads[1:] == tree.heads
        assert [LABELS[n] for n in state.labels[1:]] == tree.labels
        assert tree.heads.count(0) == 1


@pytest.mark.ray
def test_a_language_model_on_ray(ray_cluster: Any, tmp_path: Path) -> None:
    from examples import language_model as example

    text = example.Text.of(example.library_text(1))
    result = example.run("ray", text, 25, tmp_path, batch=8, window=8, units=16)
    assert np.mean(result.bits[-5:]) < result.bits[0]
