"""Random numbers: for given seeds the ones that TensorFlow gives."""

from __future__ import annotations

from typing import Any

from .graph import dtypes
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.dtypes import as_dtype
from .graph.elements import Tensor
from .graph.opdef import get_op
from .graph.ops import math as math_ops
from .graph.ops import random as ops
from .graph.random_seed import get_seed, set_random_seed
from .graph.shapes import TensorShape

__all__ = [
    "categorical",
    "gamma",
    "get_seed",
    "multinomial",
    "normal",
    "parameterized_truncated_normal",
    "poisson",
    "random_crop",
    "random_gamma",
    "random_normal",
    "random_poisson",
    "random_shuffle",
    "random_uniform",
    "set_random_seed",
    "shuffle",
    "stateless_multinomial",
    "stateless_normal",
    "stateless_random_normal",
    "stateless_random_uniform",
    "stateless_truncated_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]


def _seeds(seed: int | None) -> dict[str, int]:
    first, second = get_seed(seed)
    return {"seed": first or 0, "seed2": second or 0}


def _dims(shape: Any) -> Tensor:
    """A shape argument as a 1-D integer tensor."""
    if isinstance(shape, TensorShape):
        shape = list(shape.known())
    if isinstance(shape, (list, tuple)) and not any(isinstance(d, Tensor) for d in shape):
        return convert_to_tensor([int(d) for d in shape], dtypes.int32, name="shape")
    return convert_to_tensor(shape, name="shape", preferred_dtype=dtypes.int32)


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers evenly distributed in [minval, maxval).

    Args:
        shape: shape of the result.
        minval: smallest value; for floating types it broadcasts with `shape`.
        maxval: end of the range, 1 by default; must be given for integers.
        dtype: half, bfloat16, float32, float64, int32 or int64.
        seed: the op's seed; see `set_random_seed`.
        name: name of the op.

    Raises:
        ValueError: `maxval` is missing, or the type is none of those.
    """
    dtype = as_dtype(dtype)
    if not (dtype.is_floating or dtype in (dtypes.int32, dtypes.int64)):
        raise ValueError(f"random_uniform gives floating types, int32 and int64, not {dtype.name}.")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    whole = isinstance(minval, int) and minval == 0, isinstance(maxval, int) and maxval == 1
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        dims = _dims(shape)
        if not all(whole) or dtype.is_integer:
            minval = convert_to_tensor(minval, dtype, name="min")
            maxval = convert_to_tensor(maxval, dtype, name="max")
        seeds = _seeds(seed)
        if dtype.is_integer:
            return ops.RandomUniformInt(dims, minval, maxval, name=scope, **seeds)  # type: ignore[no-any-return]
        drawn: Tensor = ops.RandomUniform(dims, dtype=dtype, **seeds)
        if all(whole):
            return drawn
        if whole[0]:
            return math_ops.Mul(drawn, maxval)  # type: ignore[no-any-return]
        return math_ops.AddV2(drawn * (maxval - minval), minval, name=scope)  # type: ignore[no-any-return]


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of a normal distribution.

    Args:
        shape: shape of the result.
        mean, stddev: of the distribution; they broadcast with `shape`.
        dtype: a floating type.
        seed: the op's seed; see `set_random_seed`.
        name: name of the op.
    """
    with name_scope(name, "random_normal", [shape, mean, stddev]) as scope:
        return _scaled(ops.RandomStandardNormal, shape, mean, stddev, dtype, seed, scope)


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of a normal distribution; those more than two deviations from the mean are drawn again.

    Args:
        shape: shape of the result.
        mean, stddev: of the distribution before it is truncated; they broadcast with `shape`.
        dtype: a floating type.
        seed: the op's seed; see `set_random_seed`.
        name: name of the op.
    """
    with name_scope(name, "truncated_normal", [shape, mean, stddev]) as scope:
        return _scaled(ops.TruncatedNormal, shape, mean, stddev, dtype, seed, scope)


def _scaled(op: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None, scope: str) -> Tensor:
    dims = _dims(shape)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    drawn = op(dims, dtype=as_dtype(dtype), **_seeds(seed))
    return math_ops.AddV2(drawn * stddev, mean, name=scope)  # type: ignore[no-any-return]


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal numbers between given bounds.

    Args:
        shape: shape of the result, `(batches, ...)`.
        means, stddevs, minvals, maxvals: scalars, or one number for each of the batches.
        dtype: a floating type.
        seed: the op's seed; see `set_random_seed`.
        name: name scope of the ops.
    """
    with name_scope(name, "parameterized_truncated_normal", [shape]):
        values = [convert_to_tensor(v, dtype) for v in (means, stddevs, minvals, maxvals)]
        made: Tensor = get_op("ParameterizedTruncatedNormal")(_dims(shape), *values, **_seeds(seed))
        return made


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows of a tensor, along its first dimension, in random order.

    Args:
        value: a tensor.
        seed: the op's seed; see `set_random_seed`.
        name: name of the op.
    """
    made: Tensor = get_op("RandomShuffle")(value, name=name, **_seeds(seed))
    return made


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A part of a tensor, of that size, at a random place.

    Args:
        value: a tensor.
        size: shape of the part, 1-D, of the rank of `value`; no dimension may be larger than that of `value`.
        seed: the op's seed; see `set_random_seed`.
        name: name of the op.
    """
    from .checks import _all
    from .control_flow import Assert, with_dependencies
    from .graph.ops.array import Shape, Slice
    from .graph.ops.compare import GreaterEqual

    with name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        shape = Shape(value)
        fits = Assert(
            _all(GreaterEqual(shape, size)), ["Need value.shape >= size, got ", shape, size], summarize=1000
        )
        shape = with_dependencies([fits], shape)
        drawn = random_uniform(Shape(shape), maxval=size.dtype.max, dtype=size.dtype, seed=seed)
        return Slice(value, drawn % (shape - size + 1), size, name=scope)  # type: ignore[no-any-return]


def multinomial(
    logits: Any, num_samples: Any, seed: int | None = None, name: str | None = None, output_dtype: Any = None
) -> Tensor:
    """Class numbers drawn from rows of unnormalized log-probabilities.

    Args:
        logits: `(batch, classes)`.
        num_samples: how many to draw from each row.
        seed: the op's seed; see `set_random_seed`.
        name: name scope of the ops.
        output_dtype: int64 (the default) or int32.

    Returns:
        `(batch, num_samples)`.
    """
    with name_scope(name, "multinomial", [logits]):
        return _drawn_classes(logits, num_samples, output_dtype, seed)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Class numbers drawn from rows of unnormalized log-probabilities; see `multinomial`."""
    with name_scope(name, "categorical", [logits]):
        return _drawn_classes(logits, num_samples, dtype, seed)


def _drawn_classes(logits: Any, num_samples: Any, dtype: Any, seed: int | None) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    made: Tensor = get_op("Multinomial")(
        logits, num_samples, output_dtype=as_dtype(dtype or dtypes.int64), **_seeds(seed)
    )
    return made


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of gamma distributions.

    Args:
        shape: how many to draw of each distribution.
        alpha: shape parameters of the distributions.
        beta: inverse scales, 1 by default; they broadcast with `alpha`.
        dtype: half, float32 or float64.
        seed: the op's seed; see `set_random_seed`.
        name: name scope of the ops.

    Returns:
        Of shape `(*shape, *alpha's and beta's shape)`.
    """
    import numpy as np

    from .graph.shapes import broadcast_shapes

    dtype = as_dtype(dtype)
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        dims = _dims(shape)
        alpha = convert_to_tensor(alpha, dtype, name="alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
        if broadcast_shapes(alpha.shape, beta.shape).dims != alpha.shape.dims or alpha.shape.rank is None:
            alpha = alpha + get_op("ZerosLike")(beta)
        drawn = get_op("RandomGamma")(dims, alpha, **_seeds(seed))
        smallest = convert_to_tensor(np.finfo(dtype.np).tiny, dtype)
        made: Tensor = get_op("Maximum")(smallest, drawn / beta)
        return made


def random_poisson(
    lam: Any,
    shape: Any,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of Poisson distributions.

    Args:
        lam: rates of the distributions.
        shape: how many to draw of each.
        dtype: element type of the result.
        seed: the op's seed; see `set_random_seed`.
        name: name scope of the ops.

    Returns:
        Of shape `(*shape, *lam's shape)`.
    """
    with name_scope(name, "random_poisson", [lam, shape]):
        rate = convert_to_tensor(lam, name="lam")
        made: Tensor = get_op("RandomPoissonV2")(_dims(shape), rate, dtype=as_dtype(dtype), **_seeds(seed))
        return made


def stateless_random_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Numbers evenly distributed in [minval, maxval), the same for the same seed.

    Args:
        shape: shape of the result.
        seed: two integers.
        minval, maxval: the range; both None for the whole range of an integer type.
        dtype: a floating type, int32, int64, uint32 or uint64.
        name: name of the op.
    """
    dtype = as_dtype(dtype)
    with name_scope(name, "stateless_random_uniform", [shape, seed]) as scope:
        dims = _dims(shape)
        if dtype.is_integer and minval is None and maxval is None:
            return ops.StatelessRandomUniformFullInt(  # type: ignore[no-any-return]
                dims, seed, dtype=dtype, name=scope
            )
        if maxval is None:
            if dtype.is_integer:
                raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
            maxval = 1
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        if dtype.is_integer:
            return ops.StatelessRandomUniformInt(  # type: ignore[no-any-return]
                dims, seed, minval, maxval, name=scope
            )
        drawn = ops.StatelessRandomUniform(dims, seed, dtype=dtype)
        return math_ops.AddV2(drawn * (maxval - minval), minval, name=scope)  # type: ignore[no-any-return]


def stateless_random_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Normal numbers, the same for the same seed; see `random_normal`."""
    with name_scope(name, "stateless_random_normal", [shape, seed]) as scope:
        return _stateless_scaled(ops.StatelessRandomNormal, shape, seed, mean, stddev, dtype, scope)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Normal numbers within two deviations, the same for the same seed; see `truncated_normal`."""
    with name_scope(name, "stateless_truncated_normal", [shape, seed]) as scope:
        return _stateless_scaled(ops.StatelessTruncatedNormal, shape, seed, mean, stddev, dtype, scope)


def _stateless_scaled(
    op: Any, shape: Any, seed: Any, mean: Any, stddev: Any, dtype: Any, scope: str
) -> Tensor:
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    drawn = op(_dims(shape), seed, dtype=as_dtype(dtype))
    return math_ops.AddV2(drawn * stddev, mean, name=scope)  # type: ignore[no-any-return]


def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Class numbers drawn from rows of logits, the same for the same seed; see `multinomial`."""
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        logits = convert_to_tensor(logits, name="logits")
        made: Tensor = get_op("StatelessMultinomial")(
            logits, num_samples, seed, output_dtype=as_dtype(output_dtype)
        )
        return made


uniform = random_uniform
normal = random_normal
gamma = random_gamma
poisson = random_poisson
shuffle = random_shuffle
stateless_uniform = stateless_random_uniform
stateless_normal = stateless_random_normal
