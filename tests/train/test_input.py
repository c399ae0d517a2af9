"""Input pipelines: names of files → reader → decoder → batches, on one device and on several, and bad files."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf


def _threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name.startswith("QueueRunner")}


def _collect(fetch: Any, session: Any, most: int = 1000) -> list[Any]:
    """Runs until the input ends; no thread may be left then."""
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    got = []
    try:
        while not coord.should_stop() and len(got) < most:
            got.append(session.run(fetch))
    except tf.errors.OutOfRangeError:
        pass
    finally:
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=20)
    assert not _threads()
    return got


def _lines(tmp_path: Path, files: int = 3, lines: int = 4) -> list[str]:
    paths = []
    for f in range(files):
        path = tmp_path / f"{f}.txt"
        path.write_text("".join(f"{f},{i}\n" for i in range(lines)), encoding="utf-8")
        paths.append(str(path))
    return paths


def test_lines_come_in_order_and_end(tmp_path: Path) -> None:
    names = tf.train.string_input_producer(_lines(tmp_path), num_epochs=2, shuffle=False)
    reader = tf.TextLineReader()
    key, value = reader.read(names)
    with tf.Session() as session:
        got = _collect([key, value, reader.num_records_produced()], session)
    assert [v.decode() for _, v, _ in got] == [f"{f},{i}" for f in range(3) for i in range(4)] * 2
    assert got[0][0].decode().endswith("0.txt:1")


def test_names_are_shuffled_anew_each_time(tmp_path: Path) -> None:
    names = tf.train.string_input_producer([str(i) for i in range(20)], num_epochs=2, seed=5)
    with tf.Session() as session:
        got = [int(v) for v in _collect(names.dequeue(), session)]
    assert sorted(got[:20]) == sorted(got[20:]) == list(range(20))
    assert got[:20] != got[20:] != list(range(20))


def test_slices_stay_together() -> None:
    x, y = np.arange(10), np.arange(10) * 10
    a, b = tf.train.slice_input_producer([x, y], num_epochs=1, seed=1)
    with tf.Session() as session:
        got = _collect([a, b], session)
    assert sorted(int(u) for u, _ in got) == list(range(10))
    assert all(v == 10 * u for u, v in got)


@pytest.mark.parametrize("fewer", [False, True])
def test_batches(fewer: bool) -> None:
    number = tf.train.range_input_producer(10, num_epochs=1, shuffle=False).dequeue()
    made = tf.train.batch({"n": number, "twice": number * 2}, 4, allow_smaller_final_batch=fewer)
    with tf.Session() as session:
        got = _collect(made, session)
    assert [len(b["n"]) for b in got] == ([4, 4, 2] if fewer else [4, 4])
    for part in got:
        np.testing.assert_array_equal(part["twice"], 2 * part["n"])


def test_batches_of_many_and_of_different_lengths() -> None:
    number = tf.train.range_input_producer(6, num_epochs=1, shuffle=False).dequeue()
    ragged = tf.train.batch([tf.range(number)], 3, dynamic_pad=True, shapes=[[None]])
    with tf.Session() as session:
        got = _collect(ragged, session)
    assert [g.shape for g in got] == [(3, 2), (3, 5)]
    with tf.Graph().as_default(), tf.Session() as session:
        rows = tf.train.limit_epochs(tf.reshape(tf.range(6), [3, 2]), num_epochs=2)
        got = _collect(tf.train.batch([rows], 4, enqueue_many=True, capacity=10), session)
        np.testing.assert_array_equal(got[0], [[0, 1], [2, 3], [4, 5], [0, 1]])


def test_shuffled_batches_keep_everything() -> None:
    number = tf.train.range_input_producer(40, num_epochs=1, shuffle=False).dequeue()
    made = tf.train.shuffle_batch([number], 8, capacity=30, min_after_dequeue=10, seed=2)
    with tf.Session() as session:
        got = np.concatenate(_collect(made, session))
    assert sorted(got.tolist()) == list(range(40))
    assert got.tolist() != list(range(40))


def test_several_readers_join(tmp_path: Path) -> None:
    names = tf.train.string_input_producer(_lines(tmp_path, files=6), num_epochs=1)
    examples = [
        tf.decode_csv(tf.TextLineReader().read(names)[1], record_defaults=[[0], [0]]) for _ in range(3)
    ]
    files, lines = tf.train.batch_join(examples, 5, allow_smaller_final_batch=True)
    with tf.Session() as session:
        got = _collect([files, lines], session)
    pairs = sorted((int(f), int(i)) for fs, ls in got for f, i in zip(fs, ls, strict=True))
    assert pairs == [(f, i) for f in range(6) for i in range(4)]


@pytest.mark.parametrize("target", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_several_workers_read_for_one(target: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """File names on one device; reader, decoder and preprocessing on each of two others; batches on the first."""
    if target == "ray":
        request.getfixturevalue("ray_cluster")
    with tf.device("/job:ps/task:0"):
        names = tf.train.string_input_producer(_lines(tmp_path, files=4), num_epochs=1)
    examples = []
    for task in range(2):
        with tf.device(f"/job:worker/task:{task}"):
            _, value = tf.TextLineReader().read(names)
            f, i = tf.decode_csv(value, record_defaults=[[0], [0]])
            examples.append([f, tf.to_float(i) / 2.0, tf.constant(task)])
    with tf.device("/job:ps/task:0"):
        batch = tf.train.batch_join(examples, 4)
    with tf.Session(target, cluster={"ps": 1, "worker": 2}) as session:
        got = _collect(batch, session)
    pairs = sorted((int(f), float(i)) for b in got for f, i in zip(b[0], b[1], strict=True))
    assert pairs == [(f, i / 2) for f in range(4) for i in range(4)]


def test_records_and_examples(tmp_path: Path) -> None:
    path = str(tmp_path / "r.tfrecord")
    with tf.python_io.TFRecordWriter(path) as writer:
        for i in range(5):
            features = {
                "x": tf.train.Feature(float_list=tf.train.FloatList(value=[i, -i])),
                "name": tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(i).encode()])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    names = tf.train.string_input_producer([path], num_epochs=1)
    _, record = tf.TFRecordReader().read(names)
    parsed = tf.parse_single_example(
        record, {"x": tf.FixedLenFeature([2], tf.float32), "name": tf.FixedLenFeature([], tf.string)}
    )
    made = tf.train.batch(parsed, 5)
    with tf.Session() as session:
        (got,) = _collect(made, session)
    np.testing.assert_array_equal(got["x"], [[i, -i] for i in range(5)])
    assert got["name"].tolist() == [str(i).encode() for i in range(5)]


def test_fixed_lengths_whole_files_and_names(tmp_path: Path) -> None:
    path = tmp_path / "b"
    path.write_bytes(b"HEAD" + b"aabbcc" + b"FT")
    with tf.Session() as session:
        names = tf.train.string_input_producer([str(path)], num_epochs=1)
        reader = tf.FixedLengthRecordReader(record_bytes=2, header_bytes=4, footer_bytes=2)
        got = _collect(tf.decode_raw(reader.read(names)[1], tf.uint8), session)
        assert [bytes(g) for g in got] == [b"aa", b"bb", b"cc"]
    with tf.Graph().as_default(), tf.Session() as session:
        names = tf.train.string_input_producer([str(path)], num_epochs=1)
        assert _collect(tf.WholeFileReader().read(names), session)[0][1] == b"HEADaabbccFT"
    with tf.Graph().as_default(), tf.Session() as session:
        names = tf.train.string_input_producer(["x"], num_epochs=1)
        assert _collect(tf.IdentityReader().read(names), session) == [(b"x", b"x")]


# --- bad input ---


def _fails(fetch: Any, kind: type[Exception], match: str) -> None:
    """The consumer, or the coordinator, reports the error, and all threads end."""
    with tf.Session() as session, pytest.raises(kind, match=match):
        session.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        try:
            while not coord.should_stop():
                session.run(fetch)
        except tf.errors.OutOfRangeError:
            pass
        finally:
            coord.request_stop()
        coord.join(threads, stop_grace_period_secs=20)
    assert not _threads()


def test_a_missing_file(tmp_path: Path) -> None:
    names = tf.train.string_input_producer([str(tmp_path / "none.txt")], num_epochs=1)
    _, value = tf.TextLineReader().read(names)
    _fails(tf.train.batch([value], 2), tf.errors.NotFoundError, "none.txt")


@pytest.mark.parametrize(("cut", "flip"), [(3, None), (None, -6), (None, 2)])
def test_damaged_records(tmp_path: Path, cut: int | None, flip: int | None) -> None:
    path = tmp_path / "r"
    with tf.python_io.TFRecordWriter(str(path)) as writer:
        for i in range(3):
            writer.write(b"record %d" % i)
    data = bytearray(path.read_bytes())
    if flip is not None:
        data[flip] ^= 1
    path.write_bytes(data[: -cut if cut else None])
    names = tf.train.string_input_producer([str(path)], num_epochs=1)
    _, value = tf.TFRecordReader().read(names)
    _fails(tf.train.batch([value], 1), tf.errors.DataLossError, r"corrupted record at \d+")


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"", "0 bytes"), (b"not a picture", "no PNG, JPEG"), ("cut", "DecodeImage"), ("short", "DecodeImage")],
    ids=["empty", "text", "cut", "short"],
)
def test_damaged_pictures(tmp_path: Path, data: Any, match: str) -> None:
    from weft.io import decode_image, encode_png

    if isinstance(data, str):
        with tf.Session() as session:
            picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
            whole = session.run(encode_png(picture))
            data = whole[:-40] if data == "cut" else whole[:20]
    path = tmp_path / "p.png"
    path.write_bytes(data)
    names = tf.train.string_input_producer([str(path)], num_epochs=1)
    _, content = tf.WholeFileReader().read(names)
    picture = decode_image(content, channels=3)
    picture.set_shape([20, 20, 3])
    _fails(tf.train.batch([picture], 1), tf.errors.InvalidArgumentError, match)


def test_bad_fields_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("1,2\n1,x\n", encoding="utf-8")
    names = tf.train.string_input_producer([str(path)], num_epochs=1)
    fields = tf.decode_csv(tf.TextLineReader().read(names)[1], record_defaults=[[0], [0]])
    _fails(tf.train.batch(fields, 1), tf.errors.InvalidArgumentError, "x")


def test_an_example_without_a_feature() -> None:
    text = tf.constant(tf.train.Example().SerializeToString())
    parsed = tf.parse_single_example(text, {"x": tf.FixedLenFeature([], tf.int64)})
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="x"):
        session.run(parsed)


def test_no_names_at_all() -> None:
    with pytest.raises(ValueError, match="at least one"):
        tf.train.string_input_producer([])
    empty = tf.placeholder_with_default(tf.constant([], tf.string), [None])
    names = tf.train.string_input_producer(empty, num_epochs=1)
    _fails(names.dequeue(), tf.errors.InvalidArgumentError, "no strings")


def test_unknown_shapes_cannot_be_batched() -> None:
    with pytest.raises(ValueError, match="set_shape"):
        tf.train.batch([tf.placeholder(tf.float32)], 2)
