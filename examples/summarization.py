"""Abstractive summarization: a story in many sentences becomes one sentence. Where are Alice and Bob?

The stories are generated from a seed: Alice and Bob go from place to place, pick things up, talk about the weather. The
summary says where they are at the end, and together if they are in one place: in words of its own, not in sentences of
the story. The network is that of `examples/translation.py`: an encoder in both directions on one worker, a decoder
with attention on another, summaries by beam search. Run it with `python -m examples.summarization`.

Source:
    Rush et al., "A Neural Attention Model for Abstractive Sentence Summarization", 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from .common import arguments
from .translation import Data, Pair, Vocabulary, draw_looks, run

PEOPLE = ("alice", "bob")
PLACES = ("kitchen", "garden", "hall", "office", "cellar")
MOVES = ("went to the", "walked to the", "ran into the", "is now in the")
THINGS = ("apple", "book", "lamp", "hat")
DEEDS = ("picked up the", "looked at the", "forgot the")
WEATHER = ("it was raining", "the sun came out", "it got dark")


def story(rng: np.random.Generator, sentences: int, places: int) -> Pair:
    """A story in words, and its summary.

    Args:
        rng: draws it.
        sentences: how many sentences; both people go somewhere at least once.
        places: how many places there are.
    """

    def one_of(values: Sequence[str]) -> str:
        return values[int(rng.integers(len(values)))]

    where: dict[str, str] = {}
    told: list[str] = []

    def move(person: str) -> None:
        where[person] = one_of(PLACES[:places])
        told.append(f"{person} {one_of(MOVES)} {where[person]} .")

    for person in rng.permutation(PEOPLE):
        move(str(person))
    while len(told) < sentences:
        draw = rng.random()
        if draw < 0.5:
            move(one_of(PEOPLE))
        elif draw < 0.8:
            told.append(f"{one_of(PEOPLE)} {one_of(DEEDS)} {one_of(THINGS)} .")
        else:
            told.append(f"{one_of(WEATHER)} .")
    alice, bob = (where[p] for p in PEOPLE)
    if alice == bob:
        summary = f"alice and bob are together in the {alice} ."
    else:
        summary = f"alice is in the {alice} and bob is in the {bob} ."
    return " ".join(told).split(), summary.split()


def stories(count: int, most: int, places: int, seed: int = 0) -> Data:
    """Stories of two to `most` sentences to learn from, and a few others to try."""
    rng = np.random.default_rng(seed)
    pairs = [story(rng, int(rng.integers(2, most + 1)), places) for _ in range(count)]
    kept = min(200, max(20, count // 20))
    known = {tuple(p[0]) for p in pairs[kept:]}
    test = [p for p in pairs[:kept] if tuple(p[0]) not in known]
    return Data(pairs[kept:], test, *(Vocabulary.of([p[side] for p in pairs]) for side in (0, 1)), joint=" ")


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "summarization", 3000, stories=20000, sentences=6, places=5, units=128)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    data = stories(args.stories, args.sentences, args.places)
    print(f"{len(data.train):,} generated stories to learn from, {len(data.test)} others to try")
    result = run(args.target, data, args.steps, args.out, units=args.units, rate=0.005)
    for told, summary, got in result.examples[:4]:
        wrong = "" if got == summary else f"  (wrong: {summary})"
        print(f"  {told}\n    -> {got}{wrong}")
    draw_looks(args.out / "attention.png", *result.looks)
    print(f"loss {result.losses[0]:.2f} to {np.mean(result.losses[-20:]):.3f}")
    print(f"{result.right:.1%} of the new stories are summarized without a mistake")
    print(f"where it looks: {args.out / 'attention.png'}; curves: tensorboard --logdir {args.out}")
    return 0 if result.right > 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
