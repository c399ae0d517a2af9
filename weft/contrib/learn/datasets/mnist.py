"""Pictures and labels in IDX files, the format of MNIST, from users' own folders.

Nothing is downloaded: the four files (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
`t10k-labels-idx1-ubyte`, with or without `.gz`) must be in the folder.

Source:
    http://yann.lecun.com/exdb/mnist/ (the format), `tensorflow.examples.tutorials.mnist.input_data` (the names)
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np

from ....graph.dtypes import as_dtype
from ....graph.errors import DataLossError, InvalidArgumentError, NotFoundError
from .base import Datasets

__all__ = [
    "DataSet",
    "Datasets",
    "dense_to_one_hot",
    "extract_images",
    "extract_labels",
    "load_mnist",
    "read_data_sets",
    "read_idx",
]

Array = np.ndarray[Any, Any]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


def read_idx(path: str | os.PathLike[str] | BinaryIO) -> Array:
    """The array in an IDX file.

    Args:
        path: the file, compressed with gzip or not, or one that is open.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it is no IDX file, or is cut short or damaged.
    """
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else str(getattr(path, "name", "the file"))
    try:
        if isinstance(path, (str, os.PathLike)):
            with open(path, "rb") as file:
                data = file.read()
        else:
            data = path.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise NotFoundError(None, f"{name}: no such file") from None
    except (EOFError, OSError, zlib.error) as error:
        raise DataLossError(None, f"{name} is damaged: {error}") from None
    if len(data) < 4 or data[:2] != b"\x00\x00" or data[2] not in _TYPES:
        raise DataLossError(None, f"{name} is no IDX file: it begins with {data[:4].hex()}")
    rank, kind = data[3], np.dtype(_TYPES[data[2]])
    head = 4 + 4 * rank
    if len(data) < head:
        raise DataLossError(None, f"{name} is cut short")
    shape = struct.unpack(f">{rank}I", data[4:head])
    if len(data) != head + math.prod(shape) * kind.itemsize:
        raise DataLossError(
            None, f"{name} is damaged: an array of shape {list(shape)} needs "
            f"{math.prod(shape) * kind.itemsize} bytes, there are {len(data) - head}"
        )  # fmt: skip
    return np.frombuffer(data, kind, offset=head).reshape(shape).astype(kind.newbyteorder("="))


def extract_images(f: Any) -> Array:
    """Pictures `(n, rows, columns, 1)` of an IDX file, values 0 to 255.

    Args:
        f: the file, open or by its path.

    Raises:
        InvalidArgumentError: the file holds no pictures.
    """
    found = read_idx(f)
    if found.ndim != 3:
        raise InvalidArgumentError(None, f"expected pictures (n, rows, columns), the file has {found.shape}")
    return found[..., np.newaxis]


def extract_labels(f: Any, one_hot: bool = False, num_classes: int = 10) -> Array:
    """Labels `(n,)` of an IDX file, or `(n, num_classes)` with a one in each row.

    Args:
        f: the file, open or by its path.
        one_hot: whether rows are given.
        num_classes: how long they are.

    Raises:
        InvalidArgumentError: the file holds no labels.
    """
    found = read_idx(f)
    if found.ndim != 1:
        raise InvalidArgumentError(None, f"expected labels (n,), the file has {found.shape}")
    return dense_to_one_hot(found, num_classes) if one_hot else found


def dense_to_one_hot(labels_dense: Array, num_classes: int) -> Array:
    """Rows `(n, num_classes)` with a one where each label says.

    Args:
        labels_dense: labels `(n,)`, from 0.
        num_classes: how many classes there are.
    """
    return np.eye(num_classes)[np.asarray(labels_dense, np.int64)]


class DataSet:
    """Pictures and labels that are gone through in batches, in a new order each time.

    Args:
        images: `(n, rows, columns, 1)`, values 0 to 255.
        labels: `(n,)` or `(n, classes)`.
        fake_data: gives made-up rows.
        one_hot: whether made-up labels are rows.
        dtype: float32 for values from 0 to 1, uint8 for 0 to 255.
        reshape: whether each picture is made one row `(rows * columns,)`.
        seed: seed of the order.

    Raises:
        InvalidArgumentError: there are not as many labels as pictures.
    """

    def __init__(
        self,
        images: Array,
        labels: Array,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = "float32",
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        kind = as_dtype(dtype).name
        if kind not in ("float32", "uint8"):
            raise TypeError(f"dtype must be float32 or uint8, got {kind}.")
        self._fake, self._one_hot = fake_data, one_hot
        self._random = np.random.RandomState(seed)
        self._epochs, self._position = 0, 0
        if fake_data:
            self._count = 10000
            self._images = self._labels = np.zeros((0,))
            return
        if len(images) != len(labels):
            raise InvalidArgumentError(None, f"there are {len(images)} pictures and {len(labels)} labels")
        self._count = len(images)
        if reshape:
            images = images.reshape(len(images), math.prod(images.shape[1:]))
        if kind == "float32":
            images = np.multiply(images, np.float32(1.0 / 255.0), dtype=np.float32)
        self._images, self._labels = images, np.asarray(labels)

    @property
    def images(self) -> Array:
        return self._images

    @property
    def labels(self) -> Array:
        return self._labels

    @property
    def num_examples(self) -> int:
        return self._count

    @property
    def epochs_completed(self) -> int:
        """How often all of it was gone through."""
        return self._epochs

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """The next pictures and labels; a batch may end one time through and begin the next.

        Args:
            batch_size: how many.
            fake_data: gives made-up rows.
            shuffle: whether each time through has a new order.

        Raises:
            InvalidArgumentError: there are not so many.
        """
        if fake_data or self._fake:
            label: Any = [1] + [0] * 9 if self._one_hot else 0
            return [[1] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
        if not 0 < batch_size <= self._count:
            raise InvalidArgumentError(None, f"batch_size must be from 1 to {self._count}, got {batch_size}")
        if self._epochs == 0 and self._position == 0 and shuffle:
            self._shuffle()
        end = self._position + batch_size
        if end <= self._count:
            rows = slice(self._position, end)
            self._position = end
            return self._images[rows], self._labels[rows]
        rest_x, rest_y = self._images[self._position :], self._labels[self._position :]
        self._epochs += 1
        if shuffle:
            self._shuffle()
        self._position = end - self._count
        return (
            np.concatenate([rest_x, self._images[: self._position]]),
            np.concatenate([rest_y, self._labels[: self._position]]),
        )

    def _shuffle(self) -> None:
        order = self._random.permutation(self._count)
        self._images, self._labels = self._images[order], self._labels[order]


def _find(folder: str, name: str) -> str:
    for ending in ("", ".gz"):
        for spelled in (name, name.replace("-idx", ".idx")):
            path = os.path.join(folder, spelled + ending)
            if os.path.isfile(path):
                return path
    raise NotFoundError(
        None, f"{folder} has no {name} (or {name}.gz): put the IDX files there; nothing is downloaded"
    )


def read_data_sets(
    train_dir: str | os.PathLike[str],
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = "float32",
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = "",
) -> Datasets:
    """The pictures and labels in the four IDX files of a folder.

    Args:
        train_dir: the folder.
        fake_data: gives made-up rows, without files.
        one_hot: whether labels are rows with a one in them.
        dtype: float32 for values from 0 to 1, uint8 for 0 to 255.
        reshape: whether each picture is one row.
        validation_size: how many of the training pictures are set apart.
        seed: seed of the order of batches.
        source_url: accepted for TensorFlow's sake; nothing is downloaded.

    Raises:
        NotFoundError: a file is not there.
        DataLossError: one is damaged.
        InvalidArgumentError: there are fewer pictures than `validation_size`, or not as many labels.
    """
    del source_url
    options = {"one_hot": one_hot, "dtype": dtype, "reshape": reshape, "seed": seed}
    if fake_data:
        empty = np.zeros((0,))
        return Datasets(*(DataSet(empty, empty, True, **options) for _ in range(3)))
    folder = os.fspath(train_dir)
    images = extract_images(_find(folder, TRAIN_IMAGES))
    labels = extract_labels(_find(folder, TRAIN_LABELS), one_hot)
    test = extract_images(_find(folder, TEST_IMAGES)), extract_labels(_find(folder, TEST_LABELS), one_hot)
    if not 0 <= validation_size <= len(images):
        raise InvalidArgumentError(
            None, f"validation_size must be from 0 to {len(images)}, got {validation_size}"
        )
    cut = validation_size
    return Datasets(
        DataSet(images[cut:], labels[cut:], **options),
        DataSet(images[:cut], labels[:cut], **options),
        DataSet(*test, **options),
    )


def load_mnist(train_dir: str = "MNIST-data") -> Datasets:
    """`read_data_sets` with the defaults.

    Args:
        train_dir: the folder.
    """
    return read_data_sets(train_dir)
