import io
from typing import Any

import numpy as np
import pytest

import weft
from weft.graph.errors import InvalidArgumentError
from weft.graph.opdef import get_op
from weft.graph.ops import image_codecs
from weft.graph.samples import ints
from weft.kernels.png16 import decode16, encode16

from .harness import OpTests

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


class TestImageCodecs(OpTests):
    family = image_codecs


def _run(op_type: str, *inputs: Any, **attrs: Any) -> Any:
    with weft.Graph().as_default(), weft.Session() as session:
        return session.run(get_op(op_type)(*inputs, **attrs))


def _file(kind: str, pixels: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


PIXELS = ints(11, 7, 3, high=256, dtype=np.uint8)


@pytest.mark.parametrize("kind", ["png", "bmp"])
def test_lossless_files_give_their_pixels(kind: str) -> None:
    np.testing.assert_array_equal(_run("DecodeImage", _file(kind, PIXELS), channels=3), PIXELS)


def test_png_round_trip_of_a_batch() -> None:
    batch = ints(2, 3, 5, 4, 3, high=256, dtype=np.uint8)
    files = _run("EncodePng", batch)
    assert files.shape == (2, 3)
    np.testing.assert_array_equal(_run("DecodePng", files[1, 2]), batch[1, 2])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_round_trip(channels: int) -> None:
    image = ints(6, 5, channels, high=65536, dtype=np.uint16)
    data = _run("EncodePng", image)
    np.testing.assert_array_equal(_run("DecodePng", data, dtype=np.uint16), image)


@pytest.mark.parametrize("kind", range(5))
def test_16_bit_png_filters(kind: int) -> None:
    """Rows predicted in each of the ways that the format knows, written here by its definition."""
    import struct
    import zlib

    image = ints(4, 6, 3, high=65536, dtype=np.uint16)
    plain = image.astype(">u2").reshape(4, -1).view(np.uint8).astype(int)
    step, rows = 6, []
    for y, line in enumerate(plain):
        up = plain[y - 1] if y else np.zeros_like(line)
        left, corner = (np.concatenate([np.zeros(step, int), v[:-step]]) for v in (line, up))
        estimate = left + up - corner
        distances = np.stack([abs(estimate - v) for v in (left, up, corner)])
        paeth = np.choose(distances.argmin(0), [left, up, corner])
        guess = [0 * line, left, up, (left + up) // 2, paeth][kind]
        rows.append(bytes([kind]) + ((line - guess) % 256).astype(np.uint8).tobytes())
    data = encode16(image)
    body = zlib.compress(b"".join(rows))
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    np.testing.assert_array_equal(decode16(data[:33] + chunk), image)


@pytest.mark.parametrize(
    ("op_type", "contents", "message"),
    [
        ("DecodePng", b"no image at all", "no PNG, JPEG, GIF or BMP file"),
        ("DecodePng", b"", "no PNG, JPEG, GIF or BMP file"),
        ("DecodePng", _file("png", PIXELS)[:90], "damaged PNG file"),
        ("DecodeJpeg", _file("jpeg", PIXELS)[:60], "damaged JPEG file"),
        ("DecodeGif", b"GIF89a" + bytes(9), "damaged GIF file"),
        ("DecodeBmp", _file("png", PIXELS), "a PNG file; it decodes BMP"),
        ("ExtractJpegShape", _file("png", PIXELS), "a PNG file; it decodes JPEG"),
        ("DecodeImage", b"BM" + bytes(20), "damaged BMP file"),
    ],
)
def test_bad_files(op_type: str, contents: bytes, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        _run(op_type, contents)


def test_a_damaged_16_bit_file_is_an_error_and_not_garbage() -> None:
    data = bytearray(encode16(ints(6, 5, 3, high=65536, dtype=np.uint16)))
    data[60] ^= 0xFF
    with pytest.raises(InvalidArgumentError, match="damaged"):
        _run("DecodePng", bytes(data), dtype=np.uint16)


def test_crop_window_must_be_within_the_image() -> None:
    with pytest.raises(InvalidArgumentError, match="crop_window"):
        _run("DecodeAndCropJpeg", _file("jpeg", PIXELS), [5, 0, 8, 3])


def test_jpeg_quality_changes_the_size() -> None:
    image = ints(64, 64, 3, high=256, dtype=np.uint8)
    sizes = [len(_run("EncodeJpeg", image, quality=q)) for q in (10, 50, 95)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]
