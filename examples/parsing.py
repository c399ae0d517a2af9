"""Dependency parsing in the manner of Parsey McParseface: arc-standard transitions, chosen by a feed-forward network.

The treebank is generated from a seed by a small grammar: its sentences have noun phrases, prepositional phrases and
relative clauses. From words and tags around the top of the stack the network scores the next transition; a beam keeps
the best few sequences of transitions. The embeddings are cut over two parameter servers, two workers compute gradients.
Run it with `python -m examples.parsing`.

Source:
    Chen and Manning, "A Fast and Accurate Dependency Parser using Neural Networks", 2014; Andor et al., "Globally
    Normalized Transition-Based Neural Networks", 2016.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import weft as tf

from .common import arguments, progress

CLUSTER = {"ps": 2, "worker": 2}
Array = np.ndarray[Any, Any]

WORDS = {
    "DET": ["the", "a", "this", "every"],
    "ADJ": ["small", "old", "red", "quiet", "strange"],
    "NOUN": ["cat", "dog", "teacher", "garden", "telescope", "book", "river", "child"],
    "VERB": ["saw", "likes", "found", "follows", "sold"],
    "INTR": ["sleeps", "laughs", "waits"],
    "ADP": ["in", "near", "behind", "with"],
    "PRON": ["that"],
    "ADV": ["often", "today", "slowly"],
    "PUNCT": ["."],
}
LABELS = ("root", "det", "amod", "nsubj", "obj", "case", "nmod", "obl", "acl", "advmod", "punct")
TAGS = ("<none>", "<root>", *WORDS)
SHIFT = 0
"""The first transition; then a left arc and a right arc for each label."""


@dataclass
class Tree:
    """A sentence: words, tags, and for each word its head (0 for the root, counted from 1) and the label of the arc."""

    words: list[str]
    tags: list[str]
    heads: list[int]
    labels: list[str]


@dataclass
class _Phrase:
    """A phrase: words with tags, heads within the phrase (-1 for the phrase's own), labels, place of its own head."""

    rows: list[tuple[str, str, int, str]] = field(default_factory=list)
    head: int = 0


def _joined(parts: Sequence[tuple[_Phrase, str]], main: int) -> _Phrase:
    """Phrases side by side; the heads of all but the main one hang on the main one's head with their labels."""
    starts = np.cumsum([0, *(len(p.rows) for p, _ in parts)])
    head = int(starts[main]) + parts[main][0].head
    rows = []
    for number, (phrase, label) in enumerate(parts):
        for word, tag, at, own in phrase.rows:
            if at >= 0:
                rows.append((word, tag, int(starts[number]) + at, own))
            else:
                rows.append((word, tag, -1 if number == main else head, label))
    return _Phrase(rows, head)


class Grammar:
    """Draws sentences with their trees.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def word(self, tag: str, values: Sequence[str] = ()) -> _Phrase:
        values = values or WORDS[tag]
        return _Phrase([(values[int(self.rng.integers(len(values)))], tag, -1, "")])

    def noun_phrase(self, depth: int = 0) -> _Phrase:
        parts = [(self.word("DET"), "det")]
        parts += [(self.word("ADJ"), "amod") for _ in range(int(self.rng.integers(0, 3)))]
        main = len(parts)
        parts.append((self.word("NOUN"), ""))
        if depth < 2 and self.rng.random() < 0.3:
            parts.append((self.prepositional(depth + 1), "nmod"))
        if depth < 1 and self.rng.random() < 0.2:
            clause = [
                (self.word("PRON"), "nsubj"),
                (self.word("VERB"), ""),
                (self.noun_phrase(depth + 1), "obj"),
            ]
            parts.append((_joined(clause, 1), "acl"))
        return _joined(parts, main)

    def prepositional(self, depth: int, of_verb: bool = False) -> _Phrase:
        """What "with" begins belongs to the verb, however near a noun is; the other ones belong to the noun."""
        values = WORDS["ADP"][-1:] if of_verb else WORDS["ADP"][:-1]
        return _joined([(self.word("ADP", values), "case"), (self.noun_phrase(depth), "")], 1)

    def sentence(self) -> Tree:
        parts = [(self.noun_phrase(), "nsubj")]
        if self.rng.random() < 0.3:
            parts.append((self.word("ADV"), "advmod"))
        main = len(parts)
        if self.rng.random() < 0.7:
            parts += [(self.word("VERB"), ""), (self.noun_phrase(), "obj")]
            if self.rng.random() < 0.4:
                parts.append((self.prepositional(1, of_verb=True), "obl"))
        else:
            parts += [(self.word("INTR"), ""), (self.prepositional(1), "obl")]
        parts.append((self.word("PUNCT"), "punct"))
        rows = _joined(parts, main).rows
        return Tree(
            [w for w, *_ in rows],
            [t for _, t, *_ in rows],
            [h + 1 for _, _, h, _ in rows],
            ["root" if h < 0 else label for _, _, h, label in rows],
        )


class State:
    """A parser's state: a stack and a buffer of places (0 for the root), and the arcs so far."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.stack = [0]
        self.next = 1
        self.heads = [-1] * (length + 1)
        self.labels = [0] * (length + 1)

    def copy(self) -> State:
        made = State.__new__(State)
        made.length, made.next = self.length, self.next
        made.stack, made.heads, made.labels = self.stack[:], self.heads[:], self.labels[:]
        return made

    @property
    def done(self) -> bool:
        return self.next > self.length and len(self.stack) == 1

    def allowed(self) -> Array:
        """Which transitions are possible, `(transitions,)`."""
        found = np.zeros(1 + 2 * len(LABELS), bool)
        found[SHIFT] = self.next <= self.length
        if len(self.stack) >= 2:
            # The root takes one word, at the very end.
            found[1 : 1 + len(LABELS)] = self.stack[-2] != 0
            found[1 + len(LABELS) :] = self.stack[-2] != 0 or self.next > self.length
        return found

    def apply(self, move: int) -> None:
        """Shifts the next word, or draws an arc between the two words on top of the stack."""
        if move == SHIFT:
            self.stack.append(self.next)
            self.next += 1
            return
        right, label = divmod(move - 1, len(LABELS))
        child, head = (self.stack[-1], self.stack[-2]) if right else (self.stack[-2], self.stack[-1])
        self.stack.remove(child)
        self.heads[child], self.labels[child] = head, label

    def features(self, words: Array, tags: Array) -> list[int]:
        """Codes of words, then of tags: three of the stack, three of the buffer, outer children of the top two.

        Args:
            words, tags: codes of the sentence; 0 stands for nothing, 1 for the root.
        """
        at = [self.stack[-i] if len(self.stack) >= i else -1 for i in (1, 2, 3)]
        at += [p if p <= self.length else -1 for p in range(self.next, self.next + 3)]
        for top in at[:2]:
            children = [c for c in range(1, self.length + 1) if self.heads[c] == top] if top >= 0 else []
            left, right = [c for c in children if c < top], [c for c in children if c > top]
            at += [left[0] if left else -1, right[-1] if right else -1]
        return [int(words[p + 1]) for p in at] + [int(tags[p + 1]) for p in at]


FEATURES = 10
"""Places that the network looks at."""


def oracle(tree: Tree) -> list[int]:
    """The transitions that make a tree."""
    state, moves = State(len(tree.words)), []
    heads = [-1, *tree.heads]
    waiting = [heads.count(p) for p in range(len(heads))]
    while not state.done:
        move = SHIFT
        if len(state.stack) >= 2:
            top, below = state.stack[-1], state.stack[-2]
            if below and heads[below] == top and not waiting[below]:
                move = 1 + LABELS.index(tree.labels[below - 1])
            elif heads[top] == below and not waiting[top]:
                move = 1 + len(LABELS) + LABELS.index(tree.labels[top - 1])
        if move != SHIFT:
            waiting[state.stack[-1] if move <= len(LABELS) else state.stack[-2]] -= 1
        state.apply(move)
        moves.append(move)
    return moves


class Lexicon:
    """Codes of words and tags: 0 for nothing, 1 for the root, 2 for words that are not known."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.words = ["<none>", "<root>", "<unknown>", *sorted({w for t in trees for w in t.words})]
        self._index = {w: i for i, w in enumerate(self.words)}

    def codes(self, words: Sequence[str], tags: Sequence[str]) -> tuple[Array, Array]:
        """Codes of a sentence, with nothing and the root before its first word."""
        found = [0, 1, *(self._index.get(w, 2) for w in words)]
        return np.array(found), np.array([0, 1, *(TAGS.index(t) for t in tags)])

    def rows(self, trees: Sequence[Tree]) -> tuple[Array, Array]:
        """What the network sees before each transition of the trees, `(n, 2 * FEATURES)`, and the transitions."""
        seen, moves = [], []
        for tree in trees:
            state = State(len(tree.words))
            codes = self.codes(tree.words, tree.tags)
            for move in oracle(tree):
                seen.append(state.features(*codes))
                moves.append(move)
                state.apply(move)
        return np.array(seen, np.int32), np.array(moves, np.int32)


@dataclass
class Model:
    """The graph: inputs of each worker, one step, the loss; and scores of transitions for features that are asked."""

    inputs: list[tuple[tf.Tensor, tf.Tensor]]
    train: tf.Operation
    loss: tf.Tensor
    asked: tf.Tensor
    scores: tf.Tensor


def build(words: int, units: int, rate: float, seed: int = 1) -> Model:
    """The graph: embeddings in parts and weights on the parameter servers, a tower on each worker."""
    tf.set_random_seed(seed)
    moves = 1 + 2 * len(LABELS)
    with tf.device(tf.train.replica_device_setter(cluster=CLUSTER)):
        parts = tf.fixed_size_partitioner(CLUSTER["ps"])
        random = tf.random_uniform_initializer(-0.1, 0.1)
        of_words = tf.get_variable("words", [words, 24], initializer=random, partitioner=parts)
        of_tags = tf.get_variable("tags", [len(TAGS), 12], initializer=random)
        hidden = tf.get_variable("hidden/kernel", [FEATURES * 36, units])
        bias = tf.get_variable("hidden/bias", [units], initializer=tf.constant_initializer(0.1))
        output = tf.get_variable("output/kernel", [units, moves])

    def scores_of(features: tf.Tensor) -> tf.Tensor:
        word, tag = tf.split(features, 2, axis=1)
        seen = tf.concat(
            [
                tf.nn.embedding_lookup(of_words, word, partition_strategy="div"),
                tf.nn.embedding_lookup(of_tags, tag),
            ],
            2,
        )
        flat = tf.reshape(seen, [-1, FEATURES * 36])
        return tf.matmul(tf.nn.relu(tf.matmul(flat, hidden) + bias), output)

    inputs, losses = [], []
    for task in range(CLUSTER["worker"]):
        with tf.device(f"/job:worker/task:{task}"):
            x = tf.placeholder(tf.int32, [None, 2 * FEATURES], name=f"features{task}")
            y = tf.placeholder(tf.int32, [None], name=f"move{task}")
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=scores_of(x))
            losses.append(tf.reduce_mean(loss))
            inputs.append((x, y))
    loss = tf.add_n(losses) / len(losses)
    train = tf.train.AdamOptimizer(rate).minimize(loss, tf.train.get_or_create_global_step(), name="train")
    with tf.device("/job:worker/task:0"):
        asked = tf.placeholder(tf.int32, [None, 2 * FEATURES], name="asked")
        scores = tf.nn.log_softmax(scores_of(asked))
    tf.summary.scalar("loss", loss)
    return Model(inputs, train, loss, asked, scores)


def parse(
    session: tf.Session, model: Model, lexicon: Lexicon, trees: Sequence[Tree], beam: int
) -> list[State]:
    """The best state of each sentence, by a beam search over transitions; all sentences go forward together."""
    codes = [lexicon.codes(t.words, t.tags) for t in trees]
    beams: list[list[tuple[float, State]]] = [[(0.0, State(len(t.words)))] for t in trees]
    while True:
        open_states = [(i, log, s) for i, kept in enumerate(beams) for log, s in kept if not s.done]
        if not open_states:
            return [kept[0][1] for kept in beams]
        rows = np.array([s.features(*codes[i]) for i, _, s in open_states], np.int32)
        scores = session.run(model.scores, {model.asked: rows})
        nexts: list[list[tuple[float, int, State]]] = [
            [(log, -1, s) for log, s in kept if s.done] for kept in beams
        ]
        for (i, log, state), row in zip(open_states, scores, strict=True):
            possible = np.where(state.allowed(), row, -np.inf)
            for move in np.argsort(-possible)[:beam]:
                if np.isfinite(possible[move]):
                    nexts[i].append((log + float(possible[move]), int(move), state))
        for i, found in enumerate(nexts):
            best = sorted(found, key=lambda n: -n[0])[:beam]
            beams[i] = [(log, _moved(state, move)) for log, move, state in best]


def _moved(state: State, move: int) -> State:
    if move < 0:
        return state
    made = state.copy()
    made.apply(move)
    return made


def attachment(trees: Sequence[Tree], states: Sequence[State]) -> tuple[float, float]:
    """Share of words with the right head, and of those with the right label too."""
    heads, labelled, words = 0, 0, 0
    for tree, state in zip(trees, states, strict=True):
        for place, (head, label) in enumerate(zip(tree.heads, tree.labels, strict=True), 1):
            right = state.heads[place] == head
            heads += right
            labelled += right and LABELS[state.labels[place]] == label
            words += 1
    return heads / words, labelled / words


def draw(path: Path, tree: Tree, state: State) -> None:
    """A picture of a sentence with its arcs; wrong ones in red."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    figure = Figure(figsize=(max(6, 0.9 * len(tree.words)), 4), layout="constrained")
    axes = figure.add_subplot()
    for place, (word, tag) in enumerate(zip(tree.words, tree.tags, strict=True), 1):
        axes.text(place, 0, f"{word}\n{tag}", ha="center", va="top")
        head, label = state.heads[place], LABELS[state.labels[place]]
        colour = "black" if head == tree.heads[place - 1] else "red"
        if head <= 0:
            axes.annotate(
                label, (place, 0.05), (place, 2.5), color=colour, ha="center", arrowprops={"arrowstyle": "->"}
            )
            continue
        height = 0.35 * abs(head - place)
        bend = -0.5 if place > head else 0.5
        arrow = FancyArrowPatch(
            (head, 0.05), (place, 0.05), connectionstyle=f"arc3,rad={bend}", arrowstyle="->", mutation_scale=9
        )
        arrow.set_color(colour)
        axes.add_patch(arrow)
        axes.text((head + place) / 2, 0.1 + 0.7 * height, label, ha="center", fontsize=8, color=colour)
    axes.set_xlim(0, len(tree.words) + 1)
    axes.set_ylim(-1, 3)
    axes.set_axis_off()
    figure.savefig(path)


def write_conll(path: Path, trees: Sequence[Tree], states: Sequence[State]) -> None:
    """The parses as CoNLL-U: one word in a line, an empty line behind each sentence."""
    lines = []
    for tree, state in zip(trees, states, strict=True):
        for place, (word, tag) in enumerate(zip(tree.words, tree.tags, strict=True), 1):
            label = LABELS[state.labels[place]]
            lines.append(f"{place}\t{word}\t_\t{tag}\t_\t_\t{state.heads[place]}\t{label}\t_\t_")
        lines.append("")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass
class Result:
    """What came of it: losses; right heads, and heads with labels, without and with a beam; the parses."""

    losses: list[float]
    greedy: tuple[float, float]
    beam: tuple[float, float]
    states: list[State]


def _batches(features: Array, moves: Array, size: int, seed: int) -> Iterator[tuple[Array, Array]]:
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(features))
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            yield features[rows], moves[rows]


def run(
    target: str,
    train: Sequence[Tree],
    test: Sequence[Tree],
    steps: int,
    out: Path,
    batch: int = 128,
    beam: int = 4,
) -> Result:
    """Trains and parses; event files and the parses go to `out`."""
    lexicon = Lexicon(train)
    source = _batches(*lexicon.rows(train), batch, seed=0)
    with tf.Graph().as_default():
        model = build(len(lexicon.words), units=96, rate=0.005)
        summary = tf.summary.merge_all()
        with (
            tf.Session(target, cluster=CLUSTER) as session,
            tf.summary.FileWriter(out, session.graph) as writer,
        ):
            session.run(tf.global_variables_initializer())
            losses = []
            for step in (bar := progress(steps)):
                feeds: dict[Any, Any] = {}
                for x, y in model.inputs:
                    feeds[x], feeds[y] = next(source)
                value, events, _ = session.run([model.loss, summary, model.train], feeds)
                losses.append(float(value))
                if step % 20 == 0:
                    writer.add_summary(events, step)
                    bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}", refresh=False)
            greedy = parse(session, model, lexicon, test, 1)
            states = parse(session, model, lexicon, test, beam)
    write_conll(out / "parsed.conllu", test, states)
    return Result(losses, attachment(test, greedy), attachment(test, states), states)


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments(__doc__, "parsing", 1500, sentences=4000, beam=8)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    train, test = Grammar(0), Grammar(1)
    trees, others = ([g.sentence() for _ in range(n)] for g, n in ((train, args.sentences), (test, 200)))
    print(f"{len(trees):,} generated sentences to learn from, {len(others)} others to try")
    result = run(args.target, trees, others, args.steps, args.out, beam=args.beam)
    longest = max(range(len(others)), key=lambda i: len(others[i].words))
    draw(args.out / "tree.png", others[longest], result.states[longest])
    print(f"loss {result.losses[0]:.2f} to {np.mean(result.losses[-20:]):.3f}")
    for text, (heads, labels) in (("greedy", result.greedy), (f"beam of {args.beam}", result.beam)):
        print(f"{text:10}: {heads:.1%} of the heads are right, {labels:.1%} with their labels")
    print(
        f"parses: {args.out / 'parsed.conllu'}, {args.out / 'tree.png'}; curves: tensorboard --logdir {args.out}"
    )
    return 0 if result.beam[0] > 0.85 else 1


if __name__ == "__main__":
    sys.exit(main())
