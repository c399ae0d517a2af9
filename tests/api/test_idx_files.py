"""IDX files in users' own folders, in MNIST's form."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.contrib.learn.datasets import base, mnist


def write_idx(path: Path, array: Any) -> None:
    """An IDX file of bytes; compressed where the name says so."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    data = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", rng.integers(0, 256, (50, 4, 3)))
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(50) % 10)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", rng.integers(0, 256, (20, 4, 3)))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", np.arange(20) % 10)
    return tmp_path


def test_the_parts_of_the_data(folder: Path) -> None:
    data = mnist.read_data_sets(folder, one_hot=True, validation_size=5)
    assert [d.num_examples for d in data] == [45, 5, 20]
    assert data.train.images.shape == (45, 12) and data.train.images.dtype == np.float32
    assert data.train.images.max() == 1.0
    np.testing.assert_array_equal(data.validation.labels, np.eye(10)[:5])
    plain = mnist.read_data_sets(folder, dtype=tf.uint8, reshape=False, validation_size=0)
    assert plain.test.images.shape == (20, 4, 3, 1) and plain.test.images.dtype == np.uint8


def test_batches_go_through_everything(folder: Path) -> None:
    data = mnist.read_data_sets(folder, validation_size=0, seed=1).train
    first = data.images.copy()
    seen = [data.next_batch(20) for _ in range(5)]
    assert data.epochs_completed == 1
    rows = np.concatenate([x for x, _ in seen])
    for part in (rows[:50], rows[50:]):
        np.testing.assert_array_equal(np.sort(part, 0), np.sort(first, 0))
    assert not np.array_equal(rows[:50], rows[50:])
    kept = mnist.read_data_sets(folder, validation_size=0).train
    np.testing.assert_array_equal(kept.next_batch(3, shuffle=False)[1], [0, 1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 1 to 50, got 51"):
        data.next_batch(51)


def test_made_up_data_needs_no_files() -> None:
    x, y = mnist.read_data_sets("nowhere", fake_data=True, one_hot=True).train.next_batch(2)
    assert len(x) == len(y) == 2 and len(x[0]) == 784


def test_numbers_of_other_types(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(struct.pack(">BBBBI2f", 0, 0, 0x0D, 1, 2, 1.5, -2.0))
    np.testing.assert_array_equal(mnist.read_idx(path), np.float32([1.5, -2]))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        ("gone", "nothing is downloaded"),
        ("cut", "needs 50 bytes"),
        ("kind", "no IDX file"),
        ("gzip", "damaged"),
    ],
)
def test_missing_and_damaged_files(folder: Path, damage: str, text: str) -> None:
    labels = folder / "train-labels-idx1-ubyte.gz"
    data = gzip.decompress(labels.read_bytes())
    labels.unlink()
    plain = labels.with_suffix("")
    if damage == "cut":
        plain.write_bytes(data[:-3])
    elif damage == "kind":
        plain.write_bytes(b"PNG" + data)
    elif damage == "gzip":
        labels.write_bytes(gzip.compress(data)[:-9])
    kind = tf.errors.NotFoundError if damage == "gone" else tf.errors.DataLossError
    with pytest.raises(kind, match=text):
        mnist.read_data_sets(folder)


def test_tables_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("2,3,a,b\n1.5,2,3,0\n4,5,6,1\n", encoding="utf-8")
    found = base.load_csv_with_header(path, np.int64, np.float32)
    assert found.data.tolist() == [[1.5, 2, 3], [4, 5, 6]] and found.target.tolist() == [0, 1]
    path.write_text("3,3,a,b\n1.5,2,3,0\n", encoding="utf-8")
    with pytest.raises(tf.errors.InvalidArgumentError, match="3 rows"):
        base.load_csv_with_header(path, np.int64, np.float32)
    with pytest.raises(tf.errors.NotFoundError):
        base.load_csv_without_header(tmp_path / "none", np.int64, np.float32)
