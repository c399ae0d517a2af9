"""Images as files' bytes and back."""

from __future__ import annotations

from typing import Any

from ..elementwise import equal
from ..graph import dtypes
from ..graph.default_graph import name_scope
from ..graph.dtypes import as_dtype
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..string_ops import substr
from .colors import convert_image_dtype

__all__ = [
    "decode_and_crop_jpeg",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "extract_jpeg_shape",
    "is_jpeg",
]


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:
    """The pixels of a PNG, JPEG, GIF or BMP file, told apart by how they begin.

    Args:
        contents: bytes of the file, a string scalar.
        channels: how many channels the result is to have; None or 0 for those of the file.
        dtype: type of the pixels, scaled as by `convert_image_dtype`.
        name: name scope of the ops.
        expand_animations: whether a GIF file gives all its frames, `(frames, height, width, 3)`; if not, the first.

    Returns:
        `(height, width, channels)`, or the frames of a GIF file.

    Source:
        `tf.compat.v1.image.decode_image`.
    """
    with name_scope(name, "decode_image"):
        count, target = channels or 0, as_dtype(dtype)
        direct = target in (dtypes.float32, dtypes.uint8, dtypes.uint16)
        image = get_op("DecodeImage")(
            contents,
            channels=count,
            dtype=target if direct else dtypes.uint16,
            expand_animations=expand_animations,
        )
        if not direct:
            image = convert_image_dtype(image, target)
        if not expand_animations:
            image.set_shape([None, None, count or None])
        return image


def decode_png(
    contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None
) -> Tensor:
    """The pixels of a PNG file.

    Args:
        contents: bytes of the file, a string scalar.
        channels: 0 for those of the file, 1 for gray, 3 for colours, 4 for colours and opacity.
        dtype: uint8 or uint16.
        name: name of the op.

    Returns:
        `(height, width, channels)`.

    Source:
        TensorFlow's op DecodePng.
    """
    made: Tensor = get_op("DecodePng")(contents, channels=channels, dtype=as_dtype(dtype), name=name)
    return made


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG file.

    Args:
        contents: bytes of the file, a string scalar.
        channels: 0 for those of the file, 1 for gray, 3 for colours.
        ratio: by how much the image is made smaller: 1, 2, 4 or 8.
        fancy_upscaling: whether colours are interpolated where the file has fewer of them.
        try_recover_truncated: whether a file that ends early gives what it has.
        acceptable_fraction: share of the lines that such a file must have.
        dct_method: accepted for TensorFlow's sake; the transform is always the accurate one.
        name: name of the op.

    Returns:
        uint8 of shape `(height, width, channels)`.

    Source:
        TensorFlow's op DecodeJpeg.
    """
    made: Tensor = get_op("DecodeJpeg")(
        contents,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=float(acceptable_fraction),
        dct_method=dct_method,
        name=name,
    )
    return made


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """A part of the pixels of a JPEG file.

    Args:
        contents: bytes of the file, a string scalar.
        crop_window: top, left, height and width of the part, int32 of shape `(4,)`.
        channels, ratio, fancy_upscaling, try_recover_truncated, acceptable_fraction, dct_method: see `decode_jpeg`.
        name: name of the op.

    Returns:
        uint8 of shape `(crop height, crop width, channels)`.

    Source:
        TensorFlow's op DecodeAndCropJpeg.
    """
    made: Tensor = get_op("DecodeAndCropJpeg")(
        contents,
        crop_window,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=float(acceptable_fraction),
        dct_method=dct_method,
        name=name,
    )
    return made


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """The pixels of a BMP file.

    Args:
        contents: bytes of the file, a string scalar.
        channels: 0 for those of the file, 3 for colours, 4 for colours and opacity.
        name: name of the op.

    Returns:
        uint8 of shape `(height, width, channels)`.

    Source:
        TensorFlow's op DecodeBmp.
    """
    made: Tensor = get_op("DecodeBmp")(contents, channels=channels, name=name)
    return made


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """The frames of a GIF file.

    Args:
        contents: bytes of the file, a string scalar.
        name: name of the op.

    Returns:
        uint8 of shape `(frames, height, width, 3)`.

    Source:
        TensorFlow's op DecodeGif.
    """
    made: Tensor = get_op("DecodeGif")(contents, name=name)
    return made


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """An image as a PNG file.

    Args:
        image: uint8 or uint16 `(..., height, width, channels)` with 1 to 4 channels.
        compression: 0 for fastest to 9 for smallest, -1 for the usual.
        name: name of the op.

    Returns:
        The bytes of the file, a string scalar; for a batch of images one each.

    Source:
        TensorFlow's op EncodePng.
    """
    made: Tensor = get_op("EncodePng")(image, compression=compression, name=name)
    return made


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """An image as a JPEG file.

    Args:
        image: uint8 `(height, width, channels)`.
        format: "grayscale", "rgb", or "" to go by the number of channels.
        quality: 0 to 100.
        progressive: whether the file begins with a coarse image.
        optimize_size: whether time is spent to make the file smaller.
        chroma_downsampling: whether colours are kept at half the resolution.
        density_unit: "in" or "cm".
        x_density, y_density: pixels per unit.
        xmp_metadata: text that goes into the file.
        name: name of the op.

    Returns:
        The bytes of the file, a string scalar.

    Source:
        TensorFlow's op EncodeJpeg.
    """
    made: Tensor = get_op("EncodeJpeg")(
        image,
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )
    return made


def extract_jpeg_shape(contents: Any, output_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Height, width and channels of a JPEG file, without decoding it.

    Args:
        contents: bytes of the file, a string scalar.
        output_type: int32 or int64.
        name: name of the op.

    Source:
        TensorFlow's op ExtractJpegShape.
    """
    made: Tensor = get_op("ExtractJpegShape")(contents, output_type=as_dtype(output_type), name=name)
    return made


def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether bytes begin as a JPEG file does.

    Args:
        contents: bytes of a file, a string scalar.
        name: name scope of the ops.

    Source:
        `tf.compat.v1.image.is_jpeg`.
    """
    with name_scope(name, "is_jpeg"):
        return equal(substr(contents, 0, 3), b"\xff\xd8\xff")
