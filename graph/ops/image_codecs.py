"""Images as files' bytes and back: PNG, JPEG, GIF, BMP."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, NoGradient, OpDecl, declare
from ..samples import ints, sample
from ..shapes import Dimension, TensorShape

__all__ = [
    "DecodeAndCropJpeg",
    "DecodeBmp",
    "DecodeGif",
    "DecodeImage",
    "DecodeJpeg",
    "DecodePng",
    "EncodeJpeg",
    "EncodeJpegVariableQuality",
    "EncodePng",
    "ExtractJpegShape",
]

_BYTES = NoGradient("one side of it is a string")
_CHANNELS = "channels: int = 0"
_JPEG = (
    _CHANNELS,
    "ratio: int = 1",
    "fancy_upscaling: bool = true",
    "try_recover_truncated: bool = false",
    "acceptable_fraction: float = 1.0",
    "dct_method: string = ''",
)


def _cost(c: CostContext) -> Cost:
    return Cost(50.0 * (c.in_elements + c.out_elements), c.in_bytes + c.out_bytes)


def _channels(c: InferContext, allowed: Sequence[int]) -> Dimension:
    count = int(c.attr("channels"))
    if count not in allowed:
        c.fail(f"channels must be one of {list(allowed)}, got {count}")
    return count or None


def _image(*allowed: int) -> Callable[[InferContext], Sequence[TensorShape]]:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        c.rank("contents", 0)
        if "ratio" in c.attrs and c.attr("ratio") not in (1, 2, 4, 8):
            c.fail(f"ratio must be 1, 2, 4 or 8, got {c.attr('ratio')}")
        return [TensorShape([None, None, _channels(c, allowed)])]

    return infer


def _with_pillow(make: Callable[[], list[Any]]) -> Callable[[], list[Any]]:
    """Sample rows that need Pillow; none where it is not installed."""

    def rows() -> list[Any]:
        return make() if importlib.util.find_spec("PIL") else []

    return rows


def _file(name: str, *shape: int, **options: Any) -> Any:
    """The bytes of a picture file, made when a sample asks for them."""
    import io

    from PIL import Image

    pixels = ints(*shape, high=256, dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, name, **options)
    return np.array(out.getvalue(), object)


def _decoder(
    name: str,
    output: str,
    attrs: Sequence[str],
    infer: Any,
    samples: Callable[[], list[Any]],
    doc: str,
    more: str = "",
) -> OpDecl:
    return declare(
        name,
        inputs=f"contents: string{more}",
        outputs=f"image: {output}",
        attrs=attrs,
        infer=infer,
        gradient=_BYTES,
        cost=_cost,
        state=PURE,
        dynamic=True,
        samples=_with_pillow(samples),
        doc=doc,
    )


DecodePng = _decoder(
    "DecodePng",
    "dtype",
    (_CHANNELS, "dtype: {uint8, uint16} = DT_UINT8"),
    _image(0, 1, 3, 4),
    lambda: [
        sample(_file("png", 5, 7, 3)),
        sample(_file("png", 5, 7)),
        sample(_file("png", 5, 7, 4), channels=3),
        sample(_file("png", 5, 7), channels=3),
        sample(_file("png", 5, 7, 3), channels=4, dtype=np.uint16),
    ],
    "The pixels of a PNG file.",
)

DecodeJpeg = _decoder(
    "DecodeJpeg",
    "uint8",
    _JPEG,
    _image(0, 1, 3),
    lambda: [
        sample(_file("jpeg", 9, 13, 3, quality=95)),
        sample(_file("jpeg", 9, 13)),
        sample(_file("jpeg", 9, 13, 3), channels=1),
        sample(_file("jpeg", 16, 24, 3), ratio=2),
    ],
    "The pixels of a JPEG file.",
)


def _crop_infer(c: InferContext) -> Sequence[TensorShape]:
    found = _image(0, 1, 3)(c)[0]
    c.merge(c.rank("crop_window", 1), TensorShape([4]), "crop_window must be top, left, height and width")
    window = c.value("crop_window")
    if window is None:
        return [found]
    return [TensorShape([int(window[2]), int(window[3]), found[2]])]


DecodeAndCropJpeg = _decoder(
    "DecodeAndCropJpeg",
    "uint8",
    _JPEG,
    _crop_infer,
    lambda: [sample(_file("jpeg", 16, 24, 3), [2, 3, 8, 9]), sample(_file("jpeg", 16, 24), [0, 0, 16, 24])],
    "A part of the pixels of a JPEG file.",
    more=", crop_window: int32",
)

DecodeBmp = _decoder(
    "DecodeBmp",
    "uint8",
    _CHANNELS,
    _image(0, 1, 3, 4),
    lambda: [sample(_file("bmp", 5, 7, 3)), sample(_file("bmp", 4, 6, 3), channels=3)],
    "The pixels of a BMP file.",
)


def _gif_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("contents", 0)
    return [TensorShape([None, None, None, 3])]


def _animation() -> Any:
    import io

    from PIL import Image

    frames = [Image.fromarray(ints(6, 8, 3, high=256, seed=s, dtype=np.uint8)) for s in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "gif", save_all=True, append_images=frames[1:])
    return np.array(out.getvalue(), object)


DecodeGif = _decoder(
    "DecodeGif",
    "uint8",
    "",
    _gif_infer,
    lambda: [sample(_animation()), sample(_file("gif", 5, 7))],
    "The frames of a GIF file, `(frames, height, width, 3)`.",
)


def _any_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("contents", 0)
    channels = _channels(c, (0, 1, 3, 4))
    return [TensorShape(None) if c.attr("expand_animations") else TensorShape([None, None, channels])]


DecodeImage = _decoder(
    "DecodeImage",
    "dtype",
    (_CHANNELS, "dtype: {uint8, uint16, float} = DT_UINT8", "expand_animations: bool = true"),
    _any_infer,
    lambda: [
        sample(_file("png", 5, 7, 3), channels=3),
        sample(_file("bmp", 5, 7, 3), channels=3),
        sample(_animation(), channels=3),
        sample(_animation(), channels=3, expand_animations=False),
        sample(_file("png", 5, 7, 3), channels=3, dtype=np.float32),
        sample(_file("png", 5, 7, 3), channels=3, dtype=np.uint16),
    ],
    "The pixels of a PNG, JPEG, GIF or BMP file.",
)


def _encode_infer(*channels: int) -> Callable[[InferContext], Sequence[TensorShape]]:
    def infer(c: InferContext) -> Sequence[TensorShape]:
        image = c.rank_at_least(0, 3)
        if image.rank is None:
            return [TensorShape(None)]
        if image[-1] is not None and image[-1] not in channels:
            c.fail(f"the image must have one of {list(channels)} channels")
        return [image[:-3]]

    return infer


EncodePng = declare(
    "EncodePng",
    inputs="image: T",
    outputs="contents: string",
    attrs=("compression: int = -1", "T: {uint8, uint16} = DT_UINT8"),
    infer=_encode_infer(1, 2, 3, 4),
    gradient=_BYTES,
    cost=_cost,
    state=PURE,
    samples=_with_pillow(
        lambda: [
            sample(ints(5, 7, 3, high=256, dtype=np.uint8)),
            sample(ints(5, 7, 1, high=256, dtype=np.uint8), compression=9),
            sample(ints(5, 7, 2, high=256, dtype=np.uint8)),
            sample(ints(5, 7, 4, high=65536, dtype=np.uint16)),
            sample(ints(2, 5, 7, 3, high=256, dtype=np.uint8)),
        ]
    ),
    doc="An image as a PNG file.",
)


def _jpeg_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank(0, 3)
    if "quality" in c.attrs and not 0 <= c.attr("quality") <= 100:
        c.fail(f"quality must be in [0, 100], got {c.attr('quality')}")
    return _encode_infer(1, 3)(c)


EncodeJpeg = declare(
    "EncodeJpeg",
    inputs="image: uint8",
    outputs="contents: string",
    attrs=(
        "format: {'', 'grayscale', 'rgb'} = ''",
        "quality: int = 95",
        "progressive: bool = false",
        "optimize_size: bool = false",
        "chroma_downsampling: bool = true",
        "density_unit: {'in', 'cm'} = 'in'",
        "x_density: int = 300",
        "y_density: int = 300",
        "xmp_metadata: string = ''",
    ),
    infer=_jpeg_infer,
    gradient=_BYTES,
    cost=_cost,
    state=PURE,
    samples=_with_pillow(
        lambda: [
            sample(ints(9, 13, 3, high=256, dtype=np.uint8)),
            sample(ints(9, 13, 1, high=256, dtype=np.uint8), quality=40, progressive=True),
            sample(ints(9, 13, 3, high=256, dtype=np.uint8), chroma_downsampling=False, optimize_size=True),
        ]
    ),
    doc="An image as a JPEG file.",
)


def _variable_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("quality", 0)
    return _jpeg_infer(c)


EncodeJpegVariableQuality = declare(
    "EncodeJpegVariableQuality",
    inputs="images: uint8, quality: int32",
    outputs="contents: string",
    attrs="",
    infer=_variable_infer,
    gradient=_BYTES,
    cost=_cost,
    state=PURE,
    samples=_with_pillow(lambda: [sample(ints(9, 13, 3, high=256, dtype=np.uint8), np.int32(60))]),
    doc="EncodeJpeg with the quality as an input.",
)


def _shape_infer(c: InferContext) -> Sequence[TensorShape]:
    c.rank("contents", 0)
    return [TensorShape([3])]


ExtractJpegShape = declare(
    "ExtractJpegShape",
    inputs="contents: string",
    outputs="image_shape: output_type",
    attrs="output_type: indextype = DT_INT32",
    infer=_shape_infer,
    gradient=_BYTES,
    cost=_cost,
    state=PURE,
    samples=_with_pillow(
        lambda: [
            sample(_file("jpeg", 9, 13, 3)),
            sample(_file("jpeg", 9, 13), output_type=np.int64),
        ]
    ),
    doc="Height, width and channels of a JPEG file.",
)
