"""Images as files' bytes and back, through Pillow, on the host; declared in `graph/ops/image_codecs.py`.

What a file is, is told from its first bytes, and any op that decodes one image takes PNG, JPEG and GIF, as
TensorFlow's do.
"""

from __future__ import annotations

import io
import threading
import warnings
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError, UnimplementedError
from .png16 import bit_depth, decode16, encode16
from .registry import KernelContext, kernel

_NO_PILLOW = (
    "decoding and encoding images needs Pillow, which is not installed. It comes with the extra `examples`: "
    "pip install 'weft[examples]'"
)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_TRUNCATED = threading.Lock()
"""Held while Pillow's process-wide switch for truncated files is set."""


def _pillow(c: KernelContext) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise UnimplementedError(
            c.node.name, f"{c.node.op} '{c.node.name}': {_NO_PILLOW}", "", c.node.source
        ) from None
    return Image


def _fail(c: KernelContext, rule: str) -> Any:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def _contents(value: Any) -> bytes:
    found = np.asarray(value, object).item()
    return bytes(found)


def file_type(data: bytes) -> str:
    """ "png", "jpeg", "gif", "bmp", or "" for anything else."""
    starts = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"BM", "bmp"))
    return next((kind for start, kind in starts if data.startswith(start)), "")


def _opened(c: KernelContext, data: bytes, *allowed: str) -> Any:
    """The file as a Pillow image whose pixels are not read yet."""
    kind = file_type(data)
    if not kind:
        _fail(
            c, f"contents are no PNG, JPEG, GIF or BMP file ({len(data)} bytes, beginning with {data[:8]!r})"
        )
    if kind not in allowed:
        _fail(c, f"contents are a {kind.upper()} file; it decodes {', '.join(a.upper() for a in allowed)}")
    image = _pillow(c)
    return _guarded(c, kind, lambda: image.open(io.BytesIO(data), formats=[kind.upper()]))


def _guarded(c: KernelContext, kind: str, read: Any) -> Any:
    """What `read` gives; any error of Pillow's says that the file is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except (InvalidArgumentError, UnimplementedError, MemoryError):
        raise
    except Exception as error:
        return _fail(c, f"damaged {kind.upper()} file: {error}")


def _pixels(image: Any, channels: int) -> Any:
    """The image as `(height, width, channels)`; 0 for as many channels as the file has."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        grey = np.clip(np.asarray(image, np.int64), 0, 65535) >> 8
        image = _from_array(grey.astype(np.uint8))
    if not channels:
        transparent = "transparency" in image.info
        natural = {"1": 1, "L": 2 if transparent else 1, "LA": 2, "RGBA": 4, "PA": 4}
        channels = natural.get(image.mode, 4 if transparent else 3)
    mode = _MODES[channels]
    found = np.array(image if image.mode == mode else image.convert(mode), np.uint8)
    return found.reshape(*found.shape[:2], channels)


def _from_array(pixels: Any) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def _decoded(c: KernelContext, data: bytes, channels: int, *allowed: str) -> Any:
    kind = file_type(data)
    opened = _opened(c, data, *allowed)

    def read() -> Any:
        if kind == "jpeg":
            return _jpeg_pixels(opened, channels, 1)
        return _pixels(opened, channels)

    return _guarded(c, kind, read)


def _jpeg_pixels(image: Any, channels: int, ratio: int) -> Any:
    """A JPEG's pixels; the file's own brightness where grey is asked for, and shrunk while it is decoded."""
    size = tuple(max(1, d // ratio) for d in image.size)
    image.draft("L" if channels == 1 else None, size if ratio > 1 else None)
    if not channels:
        channels = 1 if image.mode == "L" else 3
    return _pixels(image, channels)


@kernel("DecodePng", host=True)
def decode_png(c: KernelContext, contents: Any) -> Any:
    data = _contents(contents)
    if c.out_dtype == np.uint16:
        return _wide_pixels(c, data, c.attrs["channels"])
    return _decoded(c, data, c.attrs["channels"], "png", "jpeg", "gif")


def _wide_pixels(c: KernelContext, data: bytes, channels: int, *allowed: str) -> Any:
    """Pixels as uint16: a file's own 16 bits, or 8 bits spread over the range."""
    if file_type(data) == "png" and len(data) > 28 and bit_depth(data) == (16, False):
        found = _guarded(c, "png", lambda: decode16(data))
        return _with_channels(c, found, channels)
    narrow = _decoded(c, data, channels, *(allowed or ("png", "jpeg", "gif")))
    return narrow.astype(np.uint16) * np.uint16(257)


def _with_channels(c: KernelContext, image: Any, channels: int) -> Any:
    """A uint16 image with that many channels."""
    have = image.shape[2]
    if channels in (0, have):
        return image
    color, alpha = (image[..., :-1], image[..., -1:]) if have in (2, 4) else (image, None)
    if channels >= 3 and color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)
    if channels < 3 and color.shape[2] == 3:
        grey = color @ np.array([0.299, 0.587, 0.114])
        color = grey[..., None].astype(np.uint16)
    if channels == 4:
        full = np.full((*image.shape[:2], 1), 65535, np.uint16)
        return np.concatenate([color, full if alpha is None else alpha], axis=2)
    return color


@kernel("DecodeJpeg", host=True)
def decode_jpeg(c: KernelContext, contents: Any) -> Any:
    return _jpeg(c, _contents(contents))


def _jpeg(c: KernelContext, data: bytes) -> Any:
    channels, ratio = c.attrs["channels"], c.attrs["ratio"]
    if file_type(data) != "jpeg":
        return _decoded(c, data, channels, "png", "gif", "jpeg")
    if not c.attrs["try_recover_truncated"]:
        opened = _opened(c, data, "jpeg")
        return _guarded(c, "jpeg", lambda: _jpeg_pixels(opened, channels, ratio))
    from PIL import ImageFile

    with _TRUNCATED:
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            opened = _opened(c, data, "jpeg")
            return _guarded(c, "jpeg", lambda: _jpeg_pixels(opened, channels, ratio))
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


@kernel("DecodeAndCropJpeg", host=True)
def decode_and_crop_jpeg(c: KernelContext, contents: Any, window: Any) -> Any:
    image = _jpeg(c, _contents(contents))
    top, left, height, width = (int(v) for v in window)
    inside = top + height <= image.shape[0] and left + width <= image.shape[1]
    if min(top, left) < 0 or min(height, width) <= 0 or not inside:
        _fail(c, f"crop_window {[top, left, height, width]} is not within the image of shape {image.shape}")
    return np.ascontiguousarray(image[top : top + height, left : left + width])


@kernel("DecodeBmp", host=True)
def decode_bmp(c: KernelContext, contents: Any) -> Any:
    return _decoded(c, _contents(contents), c.attrs["channels"], "bmp")


@kernel("DecodeGif", host=True)
def decode_gif(c: KernelContext, contents: Any) -> Any:
    data = _contents(contents)
    if file_type(data) == "gif":
        return _frames(c, data)
    return _decoded(c, data, 3, "png", "jpeg")[None]


def _frames(c: KernelContext, data: bytes) -> Any:
    opened = _opened(c, data, "gif")

    def read() -> Any:
        found = []
        for number in range(getattr(opened, "n_frames", 1)):
            opened.seek(number)
            found.append(_pixels(opened, 3))
        return np.stack(found)

    return _guarded(c, "gif", read)


@kernel("DecodeImage", host=True)
def decode_image(c: KernelContext, contents: Any) -> Any:
    data, channels, dtype = _contents(contents), c.attrs["channels"], c.out_dtype
    kinds = ("png", "jpeg", "gif", "bmp")
    if file_type(data) == "gif":
        if channels not in (0, 3):
            _fail(c, f"a GIF file has 3 channels, not {channels}")
        frames = _frames(c, data)
        found = frames if c.attrs["expand_animations"] else frames[0]
    elif dtype == np.uint8:
        return _decoded(c, data, channels, *kinds)
    else:
        wide = _wide_pixels(c, data, channels, *kinds)
        if dtype == np.uint16:
            return wide
        return (wide.astype(np.float32) / np.float32(65535)).astype(dtype)
    if dtype == np.uint8:
        return found
    if dtype == np.uint16:
        return found.astype(np.uint16) * np.uint16(257)
    return found.astype(dtype) / dtype.type(255)


def _saved(c: KernelContext, image: Any, kind: str, **options: Any) -> bytes:
    if not image.size:
        _fail(c, f"an image of shape {image.shape} cannot be written")
    pillow = _pillow(c)
    pixels = image[..., 0] if image.shape[2] == 1 else image
    out = io.BytesIO()
    pillow.fromarray(np.ascontiguousarray(pixels)).save(out, kind, **options)
    return out.getvalue()


@kernel("EncodePng", host=True)
def encode_png(c: KernelContext, image: Any) -> Any:
    level = c.attrs["compression"]
    if not -1 <= level <= 9:
        _fail(c, f"compression must be in [-1, 9], got {level}")

    def file(pixels: Any) -> bytes:
        if pixels.dtype == np.uint16:
            return encode16(pixels, level)
        return _saved(c, pixels, "png", **({} if level < 0 else {"compress_level": level}))

    outer = image.shape[:-3]
    found = np.empty(int(np.prod(outer, dtype=np.int64)), object)
    for number, pixels in enumerate(image.reshape(-1, *image.shape[-3:])):
        found[number] = file(pixels)
    return found.reshape(outer)


def _jpeg_file(c: KernelContext, image: Any, quality: int, **options: Any) -> Any:
    return np.array(_saved(c, image, "jpeg", quality=quality, **options), object)


@kernel("EncodeJpeg", host=True)
def encode_jpeg(c: KernelContext, image: Any) -> Any:
    attrs = c.attrs
    wanted = {"grayscale": 1, "rgb": 3}.get(attrs["format"], image.shape[2])
    if image.shape[2] != wanted:
        _fail(c, f"format {attrs['format']} is for {wanted} channels, the image has {image.shape[2]}")
    per_inch = 2.54 if attrs["density_unit"] == "cm" else 1.0
    options: dict[str, Any] = {
        "progressive": attrs["progressive"],
        "optimize": attrs["optimize_size"],
        "dpi": (attrs["x_density"] * per_inch, attrs["y_density"] * per_inch),
    }
    if image.shape[2] == 3:
        options["subsampling"] = 2 if attrs["chroma_downsampling"] else 0
    if attrs["xmp_metadata"]:
        text = attrs["xmp_metadata"]
        options["xmp"] = text.encode() if isinstance(text, str) else text
    return _jpeg_file(c, image, attrs["quality"], **options)


@kernel("EncodeJpegVariableQuality", host=True)
def encode_jpeg_variable_quality(c: KernelContext, image: Any, quality: Any) -> Any:
    if not 0 <= int(quality) <= 100:
        _fail(c, f"quality must be in [0, 100], got {int(quality)}")
    return _jpeg_file(c, image, int(quality))


@kernel("ExtractJpegShape", host=True)
def extract_jpeg_shape(c: KernelContext, contents: Any) -> Any:
    image = _opened(c, _contents(contents), "jpeg")
    return np.array([image.size[1], image.size[0], len(image.getbands())], c.out_dtype)
