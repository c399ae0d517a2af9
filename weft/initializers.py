"""Initializers: callables from a shape and an element type to the first value of a variable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .graph.convert import constant as _tensor
from .graph.convert import make_array
from .graph.dtypes import DType, as_dtype, float32
from .graph.elements import Tensor
from .graph.shapes import as_shape

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "Identity",
    "Initializer",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "UniformUnitScaling",
    "VarianceScaling",
    "Zeros",
    "constant",
    "constant_initializer",
    "fans",
    "glorot_normal",
    "glorot_normal_initializer",
    "glorot_uniform",
    "glorot_uniform_initializer",
    "he_normal",
    "he_uniform",
    "identity_initializer",
    "lecun_normal",
    "lecun_uniform",
    "ones_initializer",
    "orthogonal_initializer",
    "random_normal_initializer",
    "random_uniform_initializer",
    "truncated_normal_initializer",
    "uniform_unit_scaling_initializer",
    "variance_scaling_initializer",
    "zeros_initializer",
]

TRUNCATED_DEVIATION = 0.87962566103423978
"""Standard deviation of a unit normal distribution cut off at two standard deviations."""


class Initializer:
    """Base of all initializers.

    Calling one with a shape, an element type and, for a part of a larger variable, a `PartitionInfo` gives
    the tensor that a variable of that shape starts with.
    """

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not say what values it gives.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this initializer again, by name."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initializer that `get_config` described."""
        return cls(**config)


class _Typed(Initializer):
    """An initializer with an element type of its own, used where the call gives none."""

    dtype: DType

    def _set_dtype(self, dtype: Any, floating: bool = True) -> None:
        self.dtype = as_dtype(dtype)
        if floating and not self.dtype.is_floating:
            raise TypeError(f"{type(self).__name__} makes floating-point values, not {self.dtype.name}.")

    def _dtype(self, dtype: Any) -> DType:
        return self.dtype if dtype is None else as_dtype(dtype)


class Zeros(_Typed):
    """Zeros; empty strings and False for those types.

    Args:
        dtype: element type.
    """

    def __init__(self, dtype: Any = float32) -> None:
        self._set_dtype(dtype, floating=False)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _filled(shape, self._dtype(dtype), 0, "zeros")

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype.name}


class Ones(_Typed):
    """Ones.

    Args:
        dtype: element type.
    """

    def __init__(self, dtype: Any = float32) -> None:
        self._set_dtype(dtype, floating=False)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _filled(shape, self._dtype(dtype), 1, "ones")

    def get_config(self) -> dict[str, Any]:
        return {"dtype": self.dtype.name}


def _filled(shape: Any, dtype: DType, value: int, name: str) -> Tensor:
    from .graph.opdef import get_op

    if isinstance(shape, Tensor):
        dims: Any = shape
    else:
        dims = _tensor(np.array(as_shape(shape).known(), dtype=np.int32), name=f"{name}/shape_as_tensor")
    fill: Any = b"" if dtype.kind == "s" else bool(value) if dtype.is_bool else value
    return get_op("Fill")(dims, _tensor(fill, dtype, name=f"{name}/Const"), name=name)  # type: ignore[no-any-return]


class Constant(_Typed):
    """Given values.

    Args:
        value: a number, or nested lists or an array; where they are fewer than the variable has elements, the
            last one is repeated.
        dtype: element type.
        verify_shape: refuses values whose shape is not the variable's.
    """

    def __init__(self, value: Any = 0, dtype: Any = float32, verify_shape: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(f"Constant initializer takes a number, list or array, got {value!r}.")
        self.value = value
        self._set_dtype(dtype, floating=False)
        self._verify_shape = verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Tensor:
        verify = self._verify_shape if verify_shape is None else verify_shape
        wanted = self._dtype(dtype)
        value = self.value
        if isinstance(value, np.ndarray):
            value = value.astype(wanted.np)
        return _tensor(make_array(value, wanted), wanted, shape, verify_shape=verify)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value, "dtype": self.dtype.name}


class _Random(_Typed):
    seed: int | None

    def _config(self, **arguments: Any) -> dict[str, Any]:
        return {**arguments, "seed": self.seed, "dtype": self.dtype.name}


class RandomUniform(_Random):
    """Evenly distributed numbers in [minval, maxval); `maxval` is 1 where it is None."""

    def __init__(
        self, minval: Any = 0.0, maxval: Any = None, seed: int | None = None, dtype: Any = float32
    ) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self._set_dtype(dtype, floating=False)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _random().random_uniform(shape, self.minval, self.maxval, self._dtype(dtype), seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return self._config(minval=self.minval, maxval=self.maxval)


class RandomNormal(_Random):
    """Normally distributed numbers.

    Args:
        mean: mean.
        stddev: standard deviation.
        seed: seed of the random numbers.
        dtype: element type.
    """

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: int | None = None, dtype: Any = float32
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self._set_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _random().random_normal(shape, self.mean, self.stddev, self._dtype(dtype), seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return self._config(mean=self.mean, stddev=self.stddev)


class TruncatedNormal(RandomNormal):
    """Normally distributed numbers, drawn again where they lie more than two deviations from the mean.

    Args:
        mean: mean.
        stddev: standard deviation.
        seed: seed of the random numbers.
        dtype: element type.
    """

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return _random().truncated_normal(shape, self.mean, self.stddev, self._dtype(dtype), seed=self.seed)


class UniformUnitScaling(_Random):
    """Evenly distributed numbers scaled so that the variance of `x @ W` is that of x.

    Args:
        factor: multiplies the range, which is `sqrt(3 / inputs)` either way.
        seed: seed of the numbers.
        dtype: element type.

    Source:
        Sussillo and Abbott, "Random Walk Initialization for Training Very Deep Feedforward Networks", 2014.
    """

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.factor = factor
        self.seed = seed
        self._set_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        whole = _whole_shape(shape, partition_info)
        inputs = 1.0
        for dim in whole[:-1]:
            inputs *= float(dim)
        limit = math.sqrt(3 / max(inputs, 1.0)) * self.factor
        return _random().random_uniform(shape, -limit, limit, self._dtype(dtype), seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return self._config(factor=self.factor)


class VarianceScaling(_Random):
    """Random numbers with a variance of `scale / n`, where n is a number of connections.

    Args:
        scale: positive factor.
        mode: what n counts: "fan_in" inputs, "fan_out" outputs, "fan_avg" the mean of both.
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: seed of the numbers.
        dtype: element type.

    Raises:
        ValueError: `scale` is not positive, or mode or distribution is not one of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = float32,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"scale must be positive, got {scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be fan_in, fan_out or fan_avg, got {mode!r}.")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                "distribution must be normal, uniform, truncated_normal or untruncated_normal, "
                f"got {distribution!r}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self._set_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        fan_in, fan_out = fans(_whole_shape(shape, partition_info))
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, count)
        wanted = self._dtype(dtype)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return _random().random_uniform(shape, -limit, limit, wanted, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return _random().random_normal(shape, 0.0, math.sqrt(variance), wanted, seed=self.seed)
        deviation = math.sqrt(variance) / TRUNCATED_DEVIATION
        return _random().truncated_normal(shape, 0.0, deviation, wanted, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return self._config(scale=self.scale, mode=self.mode, distribution=self.distribution)


class GlorotUniform(VarianceScaling):
    """Evenly distributed numbers within `sqrt(6 / (inputs + outputs))` of zero.

    Args:
        seed: seed of the random numbers.
        dtype: element type.

    Source:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return self._config()


class GlorotNormal(VarianceScaling):
    """Truncated normal numbers with a variance of `2 / (inputs + outputs)`; source as `GlorotUniform`."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        return self._config()


class Orthogonal(_Random):
    """A matrix with orthonormal rows or columns; dimensions before the last are taken as one.

    Args:
        gain: factor of the diagonal.
        seed: seed of the random numbers.
        dtype: element type.

    Source:
        Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear networks", 2013.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.gain = gain
        self.seed = seed
        self._set_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        from .graph.opdef import get_op

        dims = as_shape(shape).known()
        if len(dims) < 2:
            raise ValueError(f"An orthogonal matrix needs at least two dimensions, got shape {list(dims)}.")
        rows, columns = math.prod(dims[:-1]), dims[-1]
        tall = (max(rows, columns), min(rows, columns))
        wanted = self._dtype(dtype)
        q, r = get_op("Qr")(_random().random_normal(tall, dtype=wanted, seed=self.seed), full_matrices=False)
        # The sign of each column is made that of r's diagonal, so that the distribution is uniform.
        q = get_op("Mul")(q, get_op("Sign")(get_op("MatrixDiagPart")(r)))
        if rows < columns:
            q = get_op("Transpose")(q, [1, 0])
        return get_op("Mul")(get_op("Reshape")(q, list(dims)), self.gain)  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        return self._config(gain=self.gain)


class Identity(_Typed):
    """The identity matrix, times `gain`."""

    def __init__(self, gain: float = 1.0, dtype: Any = float32) -> None:
        self.gain = gain
        self._set_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        whole = _whole_shape(shape, partition_info)
        if len(whole) != 2:
            raise ValueError(f"An identity matrix needs two dimensions, got shape {list(whole)}.")
        matrix = np.eye(whole[0], whole[1], dtype=np.float64) * self.gain
        if partition_info is not None:
            parts = zip(partition_info.var_offset, as_shape(shape).known(), strict=True)
            matrix = matrix[tuple(slice(o, o + s) for o, s in parts)]
        wanted = self._dtype(dtype)
        return _tensor(matrix.astype(wanted.np), wanted)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "dtype": self.dtype.name}


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal numbers with a variance of `1 / inputs`.

    Args:
        seed: seed of the random numbers.
    """
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Evenly distributed numbers within `sqrt(3 / inputs)` of zero.

    Args:
        seed: seed of the random numbers.
    """
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal numbers with a variance of `2 / inputs`.

    Args:
        seed: seed of the random numbers.

    Source:
        He et al., "Delving Deep into Rectifiers", 2015.
    """
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Evenly distributed numbers within `sqrt(6 / inputs)` of zero; source as `he_normal`."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """How many inputs and outputs each unit of a layer with weights of that shape has.

    The last two dimensions are inputs and outputs; those before them are a convolution's window.

    Args:
        shape: shape of the weights.
    """
    dims = [float(d) for d in shape]
    if not dims:
        return 1.0, 1.0
    if len(dims) == 1:
        return dims[0], dims[0]
    window = math.prod(dims[:-2])
    return dims[-2] * window, dims[-1] * window


def _whole_shape(shape: Any, partition_info: Any) -> tuple[int, ...]:
    if partition_info is not None:
        return as_shape(partition_info.full_shape).known()
    return as_shape(shape).known()


def _random() -> Any:
    from . import random

    return random


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
orthogonal_initializer = Orthogonal
identity_initializer = Identity
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
constant = Constant
zeros = Zeros
ones = Ones
random_uniform = RandomUniform
random_normal = RandomNormal
truncated_normal = TruncatedNormal
uniform_unit_scaling = UniformUnitScaling
variance_scaling = VarianceScaling
orthogonal = Orthogonal
identity = Identity
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal

_ELSEWHERE = {
    "global_variables": ("variable_functions", "global_variables_initializer"),
    "local_variables": ("variable_functions", "local_variables_initializer"),
    "variables": ("variable_functions", "variables_initializer"),
    "tables_initializer": ("lookup", "tables_initializer"),
}
"""What TensorFlow lists here too: from a name to its module and its name there."""


def __getattr__(name: str) -> Any:
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module, own = _ELSEWHERE[name]
    return getattr(importlib.import_module(f".{module}", __package__), own)
