"""The functions of `nn` give TensorFlow's values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weft.graph.samples import floats, ints

from .both import Call, agree

pytestmark = pytest.mark.tensorflow

X2 = floats(2, 6, 5, 4)
ROWS = floats(3, 5)


def _shares(*shape: int) -> Any:
    raw = floats(*shape, low=0.1, high=1.0, seed=3)
    return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)


ACTIVATIONS = [
    Call(name, lambda tf, x, name=name: getattr(tf.nn, name)(x), [ROWS])
    for name in (
        *("relu", "relu6", "elu", "selu", "softplus", "softsign", "sigmoid", "tanh", "leaky_relu", "crelu"),
        *("swish", "softmax", "log_softmax", "l2_loss", "zero_fraction"),
    )
] + [
    Call("leaky_relu of integers", lambda tf, x: tf.nn.leaky_relu(x, alpha=0.3), [ints(3, low=-4)]),
    Call("crelu axis", lambda tf, x: tf.nn.crelu(x, axis=0), [ROWS]),
    Call("swish beta", lambda tf, x: tf.nn.swish(x, 1.5), [ROWS]),
    Call("softmax axis", lambda tf, x: tf.nn.softmax(x, axis=1), [X2]),
    Call("log_softmax dim", lambda tf, x: tf.nn.log_softmax(x, dim=0), [X2]),
    Call("bias_add", lambda tf, x, b: tf.nn.bias_add(x, b), [X2, floats(4)]),
    Call("xw_plus_b", lambda tf, x, w, b: tf.nn.xw_plus_b(x, w, b), [ROWS, floats(5, 2), floats(2)]),
    Call("relu_layer", lambda tf, x, w, b: tf.nn.relu_layer(x, w, b), [ROWS, floats(5, 2), floats(2)]),
    Call("dropout seeded", lambda tf, x: tf.nn.dropout(x, keep_prob=0.6, seed=7), [X2]),
    Call("dropout rate", lambda tf, x: tf.nn.dropout(x, rate=0.25, seed=3, noise_shape=[2, 1, 1, 4]), [X2]),
]

LOSSES = [
    Call(
        "sigmoid_cross_entropy",
        lambda tf, z, x: tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x),
        [floats(3, 5, low=0, high=1), ROWS * 5],
    ),
    Call(
        "weighted_cross_entropy",
        lambda tf, z, x: tf.nn.weighted_cross_entropy_with_logits(z, x, 1.7),
        [floats(3, 5, low=0, high=1), ROWS * 5],
    ),
    Call(
        "softmax_cross_entropy",
        lambda tf, z, x: tf.nn.softmax_cross_entropy_with_logits(labels=z, logits=x),
        [_shares(3, 5), ROWS],
    ),
    Call(
        "softmax_cross_entropy_v2",
        lambda tf, z, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=z, logits=x),
        [_shares(2, 3, 5), floats(2, 3, 5)],
    ),
    Call(
        "softmax_cross_entropy_v2 axis",
        lambda tf, z, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=z, logits=x, axis=1),
        [np.swapaxes(_shares(2, 3, 5), 1, 2), floats(2, 5, 3)],
    ),
    Call(
        "softmax_cross_entropy half",
        lambda tf, z, x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=z, logits=x),
        [_shares(3, 5).astype(np.float16), ROWS.astype(np.float16)],
        tolerance=2e-3,
    ),
    Call(
        "sparse_softmax_cross_entropy",
        lambda tf, z, x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=z, logits=x),
        [ints(2, 3, high=5, dtype=np.int64), floats(2, 3, 5)],
    ),
    Call(
        "log_poisson_loss",
        lambda tf, z, x: tf.nn.log_poisson_loss(z, x, compute_full_loss=True),
        [floats(3, 5, low=0.1, high=6), ROWS],
    ),
]

CONVOLUTIONS = [
    Call("conv1d", lambda tf, x, w: tf.nn.conv1d(x, w, 2, "SAME"), [floats(2, 7, 3), floats(3, 3, 2)]),
    Call(
        "conv1d_transpose",
        lambda tf, x, w: tf.nn.conv1d_transpose(x, w, [2, 8, 2], 2),
        [floats(2, 4, 3), floats(3, 2, 3)],
    ),
    Call(
        "conv2d explicit",
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]),
        [X2, floats(3, 2, 4, 3)],
    ),
    Call(
        "conv2d_transpose",
        lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 12, 10, 3], [1, 2, 2, 1]),
        [X2, floats(3, 3, 3, 4)],
    ),
    Call(
        "conv3d",
        lambda tf, x, w: tf.nn.conv3d(x, w, [1, 1, 2, 1, 1], "VALID"),
        [floats(1, 3, 4, 4, 2), floats(2, 2, 2, 2, 3)],
    ),
    Call(
        "conv3d_transpose",
        lambda tf, x, w: tf.nn.conv3d_transpose(x, w, [1, 4, 4, 4, 2], [1, 2, 2, 2, 1]),
        [floats(1, 2, 2, 2, 3), floats(3, 3, 3, 2, 3)],
    ),
    Call(
        "convolution",
        lambda tf, x, w: tf.nn.convolution(x, w, "SAME", strides=[2, 1]),
        [X2, floats(3, 3, 4, 2)],
    ),
    Call(
        "convolution dilated",
        lambda tf, x, w: tf.nn.convolution(x, w, "VALID", dilation_rate=[2, 1]),
        [X2, floats(2, 3, 4, 2)],
        gradient=False,
    ),
    Call(
        "atrous_conv2d",
        lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"),
        [X2, floats(3, 3, 4, 2)],
        gradient=False,
    ),
    Call(
        "atrous_conv2d_transpose",
        lambda tf, x, w: tf.nn.atrous_conv2d_transpose(x, w, [2, 6, 5, 3], 2, "SAME"),
        [X2, floats(3, 3, 3, 4)],
    ),
    Call(
        "depthwise_conv2d",
        lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "SAME"),
        [X2, floats(3, 3, 4, 2)],
    ),
    Call(
        "depthwise_conv2d rate",
        lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", rate=[2, 2]),
        [X2, floats(3, 3, 4, 2)],
    ),
    Call(
        "separable_conv2d",
        lambda tf, x, d, p: tf.nn.separable_conv2d(x, d, p, [1, 1, 1, 1], "VALID"),
        [X2, floats(3, 3, 4, 2), floats(1, 1, 8, 3)],
    ),
    Call(
        "dilation2d",
        lambda tf, x, w: tf.nn.dilation2d(x, w, [1, 1, 1, 1], [1, 2, 1, 1], "SAME"),
        [X2, floats(2, 2, 4)],
    ),
    Call(
        "erosion2d",
        lambda tf, x, w: tf.nn.erosion2d(x, w, [1, 1, 1, 1], [1, 1, 1, 1], "VALID"),
        [X2, floats(2, 3, 4)],
    ),
]

POOLS = [
    Call("max_pool", lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), [X2]),
    Call("avg_pool", lambda tf, x: tf.nn.avg_pool(x, [1, 3, 2, 1], [1, 1, 2, 1], "SAME"), [X2]),
    Call("max_pool2d", lambda tf, x: tf.nn.max_pool2d(x, 2, 2, "VALID"), [X2]),
    Call("max_pool1d", lambda tf, x: tf.nn.max_pool1d(x, 2, 2, "VALID"), [floats(2, 7, 3)]),
    Call("avg_pool1d", lambda tf, x: tf.nn.avg_pool1d(x, 3, 2, "SAME"), [floats(2, 7, 3)]),
    Call("max_pool3d", lambda tf, x: tf.nn.max_pool3d(x, 2, 2, "SAME"), [floats(1, 3, 4, 4, 2)]),
    Call("avg_pool3d", lambda tf, x: tf.nn.avg_pool3d(x, 2, 1, "VALID"), [floats(1, 3, 4, 4, 2)]),
    Call("max_pool_v2", lambda tf, x: tf.nn.max_pool_v2(x, 2, 2, "SAME"), [X2]),
    Call("avg_pool_v2", lambda tf, x: tf.nn.avg_pool_v2(x, 2, 1, "SAME"), [floats(2, 7, 3)]),
    Call(
        "max_pool_with_argmax",
        lambda tf, x: tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        [X2],
    ),
    Call("pool", lambda tf, x: tf.nn.pool(x, [2, 3], "MAX", "VALID", strides=[2, 1]), [X2]),
    Call("pool dilated", lambda tf, x: tf.nn.pool(x, [2, 2], "AVG", "VALID", dilation_rate=[2, 3]), [X2]),
    Call("pool dilated max", lambda tf, x: tf.nn.pool(x, [3, 2], "MAX", "VALID", dilation_rate=[1, 2]), [X2]),
    Call(
        "fractional_max_pool",
        lambda tf, x: tf.nn.fractional_max_pool(x, [1.0, 1.4, 1.7, 1.0], True, True, True, seed=5, seed2=6),
        [X2],
    ),
    Call(
        "with_space_to_batch",
        lambda tf, x, w: tf.nn.with_space_to_batch(
            x,
            [2, 2],
            "SAME",
            lambda x, num_spatial_dims, padding: tf.nn.conv2d(x, w, [1, 1, 1, 1], padding),
            filter_shape=[3, 3],
        ),
        [X2, floats(3, 3, 4, 2)],
    ),
]

NORMALISATION = [
    Call("moments", lambda tf, x: tf.nn.moments(x, [0, 1, 2]), [X2]),
    Call("moments keepdims", lambda tf, x: tf.nn.moments(x, [1], keepdims=True), [X2]),
    Call(
        "weighted_moments",
        lambda tf, x, w: tf.nn.weighted_moments(x, [0, 1], w),
        [ROWS, floats(3, 1, low=0.1)],
    ),
    Call("sufficient_statistics", lambda tf, x: tf.nn.sufficient_statistics(x, [0, 2], shift=0.5), [X2]),
    Call(
        "normalize_moments",
        lambda tf, m, v: tf.nn.normalize_moments(7.0, m, v, 0.25),
        [floats(3), floats(3, low=20, high=30)],
    ),
    Call(
        "batch_normalization",
        lambda tf, x, m, v, b, g: tf.nn.batch_normalization(x, m, v, b, g, 1e-3),
        [X2, floats(4), floats(4, low=0.5), floats(4), floats(4)],
    ),
    Call(
        "fused_batch_norm",
        lambda tf, x, s, o: tf.nn.fused_batch_norm(x, s, o)[0],
        [X2, floats(4, low=0.5), floats(4)],
        tolerance=1e-4,
    ),
    Call(
        "fused_batch_norm inference",
        lambda tf, x, s, o, m, v: tf.nn.fused_batch_norm(x, s, o, m, v, is_training=False)[0],
        [X2, floats(4, low=0.5), floats(4), floats(4), floats(4, low=0.5)],
        tolerance=1e-4,
    ),
    Call("l2_normalize", lambda tf, x: tf.nn.l2_normalize(x, axis=[0, 1]), [X2]),
    Call("lrn", lambda tf, x: tf.nn.lrn(x, 2, 1.5, 0.3, 0.75), [X2]),
]

TABLE = floats(10, 3)


def _sparse_ids(tf: Any) -> Any:
    indices = [[0, 0], [0, 2], [1, 0], [3, 0], [3, 1]]
    ids = tf.SparseTensor(indices, tf.constant([1, 3, 3, 9, 0], tf.int64), [4, 3])
    weights = tf.SparseTensor(indices, tf.constant([0.5, 2.0, 1.0, 1.5, 0.25]), [4, 3])
    return ids, weights


EMBEDDINGS = [
    Call("embedding_lookup", lambda tf, t: tf.nn.embedding_lookup(t, [[1, 9], [1, 0]]), [TABLE]),
    Call(
        "embedding_lookup norm",
        lambda tf, t: tf.nn.embedding_lookup(t, [[1, 9], [1, 0]], max_norm=1.0),
        [TABLE],
    ),
    Call(
        "embedding_lookup mod",
        lambda tf, a, b, c: tf.nn.embedding_lookup([a, b, c], [[1, 9], [1, 0], [7, 5]]),
        [TABLE[0::3], TABLE[1::3], TABLE[2::3]],
    ),
    Call(
        "embedding_lookup div",
        lambda tf, a, b, c: tf.nn.embedding_lookup(
            [a, b, c], [1, 9, 4, 5], partition_strategy="div", max_norm=1.5
        ),
        [TABLE[:4], TABLE[4:7], TABLE[7:]],
    ),
    *[
        Call(
            f"embedding_lookup_sparse {combiner} {weighted}",
            lambda tf, t, combiner=combiner, weighted=weighted: tf.nn.embedding_lookup_sparse(
                t, _sparse_ids(tf)[0], _sparse_ids(tf)[1] if weighted else None, combiner=combiner
            ),
            [TABLE],
        )
        for combiner in ("sum", "mean", "sqrtn")
        for weighted in (False, True)
    ],
    *[
        Call(
            f"safe_embedding_lookup_sparse {default}",
            lambda tf, t, default=default: tf.nn.safe_embedding_lookup_sparse(
                [t],
                tf.SparseTensor(
                    [[0, 0], [0, 2], [1, 0], [3, 0]], tf.constant([1, -3, -3, 9], tf.int64), [4, 3]
                ),
                default_id=default,
            ),
            [TABLE],
        )
        for default in (None, 2)
    ],
]

_LABELS = np.array([[1, 4], [0, 9], [7, 3]], np.int64)

SAMPLED = [
    Call(
        f"{loss} {strategy} {hits}",
        lambda tf, x, a, b, c, d, loss=loss, strategy=strategy, hits=hits: getattr(tf.nn, loss)(
            [a, b],
            [c, d],
            tf.constant(_LABELS),
            x,
            6,
            10,
            num_true=2,
            sampled_values=tf.nn.log_uniform_candidate_sampler(_LABELS, 2, 6, True, 10, seed=4),
            remove_accidental_hits=hits,
            partition_strategy=strategy,
        ),
        [floats(3, 3), floats(5, 3), floats(5, 3, seed=1), floats(5), floats(5, seed=1)],
    )
    for loss in ("nce_loss", "sampled_softmax_loss")
    for strategy, hits in (("mod", False), ("div", True))
]

_LENGTHS = np.array([6, 4], np.int32)


def _ctc_labels(tf: Any) -> Any:
    return tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([1, 1, 0]), [2, 2])


CTC = [
    Call("ctc_loss", lambda tf, x: tf.nn.ctc_loss(_ctc_labels(tf), x, _LENGTHS), [floats(6, 2, 4)]),
    Call(
        "ctc_loss batch first",
        lambda tf, x: tf.nn.ctc_loss(_ctc_labels(tf), x, _LENGTHS, time_major=False),
        [floats(2, 6, 4)],
    ),
    Call(
        "ctc_loss_v2 sparse",
        lambda tf, x: tf.nn.ctc_loss_v2(_ctc_labels(tf), x, None, _LENGTHS, blank_index=2),
        [floats(6, 2, 4)],
    ),
    Call(
        "ctc_loss_v2 dense",
        lambda tf, x: tf.nn.ctc_loss_v2(tf.constant([[1, 1, 2], [3, 0, 0]]), x, [3, 1], _LENGTHS),
        [floats(6, 2, 4)],
    ),
    Call(
        "ctc_greedy_decoder",
        lambda tf, x: tf.nn.ctc_greedy_decoder(x, _LENGTHS),
        [floats(6, 2, 4)],
        gradient=False,
    ),
    Call(
        "ctc_beam_search_decoder",
        lambda tf, x: tf.nn.ctc_beam_search_decoder(x, _LENGTHS, 10, 3),
        [floats(6, 2, 4)],
        gradient=False,
    ),
]

CALLS = [*ACTIVATIONS, *LOSSES, *CONVOLUTIONS, *POOLS, *NORMALISATION, *EMBEDDINGS, *SAMPLED, *CTC]


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c.name)
def test_call(call: Call) -> None:
    agree(call)
