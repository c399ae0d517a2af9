"""Functions of `tf.image` give TensorFlow's values, gradients and static shapes, and refuse what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft

from .both import Call, agree, flat

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(5)
BATCH = RNG.uniform(0.05, 0.95, (2, 6, 8, 3)).astype(np.float32)
IMAGE = RNG.uniform(0.05, 0.95, (5, 7, 3)).astype(np.float32)
GRAY = IMAGE[..., :1]
BYTES = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)
LARGE = RNG.uniform(0, 1, (2, 40, 44, 2)).astype(np.float32)
NEAR = np.clip(LARGE + RNG.normal(0, 0.1, LARGE.shape), 0, 1).astype(np.float32)
BOXES = np.array([[0.1, 0.2, 0.6, 0.9], [0.15, 0.2, 0.65, 0.9], [0.5, 0.1, 0.9, 0.4]], np.float32)
SCORES = np.array([0.7, 0.9, 0.5], np.float32)


def _seeded(make: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The case with a seed of the graph."""

    def seeded(tf: Any, *inputs: Any) -> Any:
        tf.set_random_seed(7)
        return make(tf, *inputs)

    return seeded


IMAGES = (BATCH, IMAGE)
CALLS = [
    Call("flips", lambda tf, a, b: [f(x) for x in (a, b) for f in _turns(tf)], IMAGES),
    Call("rot90", lambda tf, a, b: [tf.image.rot90(x, k) for x in (a, b) for k in (-1, 0, 1, 2, 3)], IMAGES),
    Call(
        "random_flips",
        _seeded(
            lambda tf, a, b: [
                f(x, seed=s)
                for x in (a, b)
                for s in (1, 2, 3)
                for f in (tf.image.random_flip_left_right, tf.image.random_flip_up_down)
            ]
        ),
        IMAGES,
    ),
    Call(
        "crops",
        lambda tf, a, b: [
            tf.image.crop_to_bounding_box(a, 1, 2, 3, 4),
            tf.image.crop_to_bounding_box(b, tf.constant(1), 0, 2, tf.constant(5)),
            tf.image.pad_to_bounding_box(a, 1, 2, 9, 12),
            tf.image.pad_to_bounding_box(b, 0, tf.constant(3), tf.constant(8), 11),
            tf.image.central_crop(a, 0.5),
            tf.image.central_crop(b, 0.61),
            tf.image.central_crop(b, tf.placeholder_with_default(0.5, [])),
            tf.image.central_crop(b, 1.0),
        ],
        IMAGES,
    ),
    Call(
        "crop_or_pad",
        lambda tf, a, b: [
            tf.image.resize_image_with_crop_or_pad(a, 4, 11),
            tf.image.resize_image_with_crop_or_pad(b, 8, 4),
            tf.image.resize_with_crop_or_pad(b, tf.constant(3), tf.constant(10)),
        ],
        IMAGES,
    ),
    Call(
        "resize_images",
        lambda tf, a, b: [
            *(tf.image.resize_images(a, [4, 5], m) for m in (0, 1, 2)),
            *(tf.image.resize_images(b, [9, 8], m, align_corners=True) for m in (0, 1, 2)),
            tf.image.resize_images(b, [5, 7]),
            tf.image.resize(a, [12, 9], "bicubic"),
            tf.image.resize_images(a, [12, 9], preserve_aspect_ratio=True),
        ],
        IMAGES,
    ),
    Call("resize_area", lambda tf, a, b: tf.image.resize_images(a, [3, 5], 3), IMAGES, gradient=False),
    Call(
        "resize_forms",
        lambda tf, a, b: [
            f(a, [9, 5], half_pixel_centers=h)
            for h in (False, True)
            for f in (
                tf.image.resize_bilinear,
                tf.image.resize_bicubic,
                tf.image.resize_nearest_neighbor,
            )
        ],
        IMAGES,
    ),
    Call(
        "resize_image_with_pad",
        lambda tf, a, b: [
            tf.image.resize_image_with_pad(a, 10, 10),
            tf.image.resize_image_with_pad(b, 4, 12, method=1),
        ],
        IMAGES,
    ),
    Call(
        "crop_and_resize",
        lambda tf, a, b: [
            tf.image.crop_and_resize(a, BOXES, [0, 1, 1], [3, 4]),
            tf.image.crop_and_resize(a, BOXES, box_indices=[0, 1, 0], crop_size=[2, 2], method="nearest"),
        ],
        IMAGES,
    ),
    Call(
        "glimpse",
        lambda tf, a, b: tf.image.extract_glimpse(a, [3, 4], [[0.1, -0.2], [0.3, 0.0]]),
        IMAGES,
        gradient=False,
    ),
    Call(
        "patches",
        lambda tf, a, b: [
            tf.image.extract_image_patches(a, [1, 2, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
            tf.image.extract_patches(a, [1, 3, 3, 1], [1, 2, 2, 1], [1, 2, 1, 1], "SAME"),
        ],
        IMAGES,
    ),
    Call(
        "colour_spaces",
        lambda tf, a, b: [
            f(x)
            for x in (a, b)
            for f in (
                tf.image.rgb_to_hsv,
                tf.image.rgb_to_yiq,
                tf.image.yiq_to_rgb,
                tf.image.rgb_to_yuv,
                tf.image.yuv_to_rgb,
                tf.image.rgb_to_grayscale,
                tf.image.per_image_standardization,
            )
        ],
        IMAGES,
        tolerance=1e-4,
    ),
    Call(
        "without_gradient",
        lambda tf, a, b: [
            *(tf.image.hsv_to_rgb(x) for x in (a, b)),
            *(tf.image.adjust_contrast(x, 1.7) for x in (a, b)),
            tf.image.random_contrast(a, 0.5, 1.5, seed=4),
            tf.image.adjust_hue(a, 0.2),
            tf.image.adjust_saturation(b, 0.6),
            tf.image.random_hue(a, 0.2, seed=5),
            tf.image.random_saturation(b, 0.5, 1.5, seed=6),
        ],
        IMAGES,
        gradient=False,
    ),
    Call("grayscale_to_rgb", lambda tf, x: tf.image.grayscale_to_rgb(x), (GRAY,)),
    Call(
        "adjusted",
        lambda tf, a, b: [
            tf.image.adjust_brightness(a, 0.2),
            tf.image.adjust_gamma(b, 1.5, 0.8),
        ],
        IMAGES,
        tolerance=1e-4,
    ),
    Call(
        "adjusted_bytes",
        lambda tf: [
            tf.image.adjust_brightness(BYTES, -0.3),
            tf.image.adjust_contrast(BYTES, 1.7),
            tf.image.adjust_gamma(BYTES, 2),
            tf.image.rgb_to_grayscale(BYTES),
            tf.image.grayscale_to_rgb(tf.constant(BYTES[..., :1])),
            tf.image.resize_images(BYTES, [4, 9]),
            tf.image.flip_up_down(BYTES),
            tf.image.per_image_standardization(BYTES),
        ],
        tolerance=1e-4,
    ),
    Call(
        "random_adjusted",
        _seeded(
            lambda tf, a, b: [
                tf.image.random_brightness(a, 0.3, seed=3),
                tf.image.random_crop(b, [3, 3, 3], seed=8),
            ]
        ),
        IMAGES,
        tolerance=1e-4,
    ),
    Call(
        "convert_image_dtype",
        lambda tf: [
            tf.image.convert_image_dtype(x, t, saturate=s)
            for x in (IMAGE, IMAGE.astype(np.float64), BYTES, BYTES.astype(np.int16))
            for t in (tf.uint8, tf.int16, tf.int32, tf.uint16, tf.float32, tf.float16, tf.float64)
            for s in (False, True)
        ],
        tolerance=1e-3,
    ),
    Call(
        "boxes",
        lambda tf, a, b: [
            tf.image.draw_bounding_boxes(a, np.stack([BOXES, BOXES])),
            tf.image.draw_bounding_boxes(a, np.stack([BOXES, BOXES]), colors=[[1.0, 0.0, 0.5]]),
        ],
        IMAGES,
        gradient=False,
    ),
    Call(
        "non_max_suppression",
        lambda tf: [
            tf.image.non_max_suppression(BOXES, SCORES, 3),
            tf.image.non_max_suppression(BOXES, SCORES, 2, 0.95, 0.6),
            tf.image.non_max_suppression_with_scores(BOXES, SCORES, 3, soft_nms_sigma=0.5),
            tf.image.non_max_suppression_padded(tf.constant(BOXES), SCORES, 3, pad_to_max_output_size=True),
            tf.image.non_max_suppression_padded(tf.constant(BOXES), SCORES, 3),
            tf.image.non_max_suppression_padded(
                tf.constant(np.stack([BOXES, BOXES[::-1]])),
                np.stack([SCORES, SCORES[::-1]]),
                3,
                pad_to_max_output_size=True,
            ),
            tf.image.non_max_suppression_overlaps(np.eye(3, dtype=np.float32), SCORES, 2),
            tf.image.combined_non_max_suppression(BOXES[None, :, None], SCORES[None, :, None], 3, 4),
        ],
    ),
    Call(
        "sample_distorted_bounding_box",
        lambda tf: [
            tf.image.sample_distorted_bounding_box([60, 80, 3], BOXES[None], seed=3, seed2=4),
            tf.image.sample_distorted_bounding_box(
                [60, 80, 3],
                BOXES[None],
                seed=5,
                min_object_covered=0.3,
                aspect_ratio_range=[0.5, 2.0],
                area_range=[0.2, 0.9],
                max_attempts=20,
            ),
        ],
    ),
    Call(
        "differences",
        lambda tf, a, b: [
            tf.image.total_variation(a),
            tf.image.total_variation(b),
            tf.image.image_gradients(a),
            tf.image.sobel_edges(a),
        ],
        IMAGES,
    ),
    Call(
        "ssim",
        lambda tf, a, b: [
            tf.image.ssim(a, b, 1.0),
            tf.image.ssim(a, b, 2.0, filter_size=5, filter_sigma=1.0, k1=0.02, k2=0.05),
            tf.image.ssim(a, b, 1.0, return_index_map=True),
            tf.image.psnr(a, b, 1.0),
        ],
        (LARGE, NEAR),
        tolerance=5e-4,
    ),
    Call(
        "ssim_multiscale",
        lambda tf, a, b: tf.image.ssim_multiscale(a, b, 1.0, (0.3, 0.3, 0.4), filter_size=7),
        (LARGE[:, :37], NEAR[:, :37]),
        tolerance=5e-4,
    ),
    Call(
        "ssim_bytes",
        lambda tf: [
            tf.image.psnr(BYTES, BYTES[::-1].copy(), 255),
            tf.image.ssim(BYTES, BYTES[::-1].copy(), 255, filter_size=3),
        ],
        tolerance=1e-4,
    ),
]


def _turns(tf: Any) -> list[Any]:
    return [tf.image.flip_left_right, tf.image.flip_up_down, tf.image.transpose, tf.image.transpose_image]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_values_and_gradients(call: Call, tf1: Any) -> None:
    agree(call)


def _shapes(tf: Any, call: Call, hidden: int) -> list[Any]:
    """Static shapes of the results when so many of the last but one dimensions are not known."""
    with tf.Graph().as_default():
        inputs = []
        for value in call.inputs:
            dims = list(np.shape(value))
            dims[-3 : -3 + hidden] = [None] * hidden
            inputs.append(tf.placeholder(np.asarray(value).dtype, dims))
        made = flat(call.make(tf, *inputs))
        return [None if t.shape.rank is None else t.shape.as_list() for t in made]


@pytest.mark.parametrize("hidden", [0, 2])
@pytest.mark.parametrize("call", [c for c in CALLS if c.inputs], ids=lambda call: call.name)
def test_static_shapes(call: Call, hidden: int, tf1: Any) -> None:
    """Every dimension that TensorFlow knows is known, and is the same."""
    for got, expected in zip(_shapes(weft, call, hidden), _shapes(tf1, call, hidden), strict=True):
        if expected is None:
            continue
        assert got is not None and len(got) == len(expected)
        assert all(e is None or g == e for g, e in zip(got, expected, strict=True)), (got, expected)


ERRORS: dict[str, Callable[[Any], Any]] = {
    "rank_2": lambda tf: tf.image.flip_left_right(np.zeros((3, 4), np.float32)),
    "rank_5": lambda tf: tf.image.flip_up_down(np.zeros((1, 1, 3, 4, 1), np.float32)),
    "no_pixels": lambda tf: tf.image.rot90(np.zeros((0, 4, 3), np.float32)),
    "crop_outside": lambda tf: tf.image.crop_to_bounding_box(IMAGE, 3, 0, 4, 4),
    "crop_negative": lambda tf: tf.image.crop_to_bounding_box(IMAGE, -1, 0, 4, 4),
    "pad_too_small": lambda tf: tf.image.pad_to_bounding_box(IMAGE, 1, 0, 5, 9),
    "fraction": lambda tf: tf.image.central_crop(IMAGE, 1.5),
    "no_target": lambda tf: tf.image.resize_image_with_crop_or_pad(IMAGE, 0, 4),
    "method": lambda tf: tf.image.resize_images(IMAGE, [3, 3], 9),
    "size": lambda tf: tf.image.resize_images(IMAGE, [3, 3, 3]),
    "resize_rank": lambda tf: tf.image.resize_images(IMAGE[0], [3, 3]),
    "gray": lambda tf: tf.image.grayscale_to_rgb(tf.constant(IMAGE)),
    "hue": lambda tf: tf.image.random_hue(IMAGE, 0.7),
    "brightness": lambda tf: tf.image.random_brightness(IMAGE, -0.1),
    "contrast": lambda tf: tf.image.random_contrast(IMAGE, 1.0, 0.5),
    "saturation": lambda tf: tf.image.random_saturation(IMAGE, -1.0, 0.5),
    "jpeg_range": lambda tf: tf.image.random_jpeg_quality(IMAGE, 90, 10),
    "gamma": lambda tf: tf.image.adjust_gamma(IMAGE, -1),
    "variation": lambda tf: tf.image.total_variation(tf.zeros([3, 3])),
    "gradients": lambda tf: tf.image.image_gradients(tf.zeros([3, 3, 3])),
    "unlike": lambda tf: tf.image.psnr(IMAGE, IMAGE[:4], 1.0),
}


@pytest.mark.parametrize("name", ERRORS)
def test_refused_alike(name: str, tf1: Any) -> None:
    for tf in (weft, tf1):
        with tf.Graph().as_default(), pytest.raises(ValueError):
            ERRORS[name](tf)


def test_bool_pixels_are_refused(tf1: Any) -> None:
    for tf in (weft, tf1):
        with tf.Graph().as_default(), pytest.raises(AttributeError, match="floating point or integer"):
            tf.image.convert_image_dtype(IMAGE, tf.bool)


def test_checks_in_the_step() -> None:
    """What is known only in the step is an error of the step."""
    top = weft.placeholder(weft.int32, [])
    cropped = weft.image.crop_to_bounding_box(IMAGE, top, 0, 4, 4)
    with weft.Session() as session:
        np.testing.assert_array_equal(session.run(cropped, {top: 1}), IMAGE[1:5, :4])
        with pytest.raises(weft.errors.InvalidArgumentError, match=r"height must be >= target \+ offset"):
            session.run(cropped, {top: 2})


def test_images_of_unknown_rank() -> None:
    x = weft.placeholder(weft.float32)
    turned = [weft.image.flip_left_right(x), weft.image.transpose(x), weft.image.rot90(x)]
    with weft.Session() as session:
        for value, axis in ((BATCH, 2), (IMAGE, 1)):
            got = session.run(turned, {x: value})
            np.testing.assert_array_equal(got[0], np.flip(value, axis))
            np.testing.assert_array_equal(got[1], np.swapaxes(value, axis - 1, axis))
            np.testing.assert_array_equal(got[2], np.rot90(value, axes=(axis - 1, axis)))


def test_codecs(tf1: Any) -> None:
    """Files that one library wrote, read by the other."""
    smooth = np.kron(BYTES, np.ones((6, 6, 1), np.uint8))
    values = {}
    for name, tf in (("weft", weft), ("tensorflow", tf1)):
        with tf.Graph().as_default(), tf.Session() as session:
            files = session.run([tf.image.encode_png(BYTES), tf.image.encode_jpeg(smooth, quality=90)])
            decoded = [
                tf.image.decode_png(files[0]),
                tf.image.decode_image(files[0], channels=3, dtype=tf.float32),
                tf.image.decode_image(files[0], dtype=tf.int32),
                tf.image.decode_jpeg(files[1], dct_method="INTEGER_ACCURATE"),
                tf.image.decode_and_crop_jpeg(files[1], [3, 4, 12, 9], dct_method="INTEGER_ACCURATE"),
                tf.image.extract_jpeg_shape(files[1]),
                *(tf.image.is_jpeg(f) for f in files),
            ]
            values[name] = session.run(decoded)
    for got, expected in zip(values["weft"], values["tensorflow"], strict=True):
        assert got.dtype == expected.dtype and got.shape == expected.shape
        # Two encoders may round a coefficient of a JPEG file differently.
        assert np.abs(got.astype(float) - expected.astype(float)).max() <= (
            8 if got.dtype == np.uint8 else 1e-6
        )


def test_jpeg_quality() -> None:
    """A lower quality is further from the image; the random one is drawn from the range."""
    smooth = np.kron(IMAGE, np.ones((8, 8, 1), np.float32))
    with weft.Session() as session:
        off = [
            np.abs(session.run(weft.image.adjust_jpeg_quality(smooth, q)) - smooth).mean()
            for q in (95, 60, 10)
        ]
        assert off[0] < off[1] < off[2]
        drawn = session.run(weft.image.random_jpeg_quality(smooth, 40, 90, seed=1))
        assert drawn.shape == smooth.shape and drawn.dtype == np.float32
        assert off[0] / 2 < np.abs(drawn - smooth).mean() < off[2]
