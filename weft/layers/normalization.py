"""Batch normalization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import nn
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.dtypes import bfloat16, float16, float32
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..graph.shapes import TensorShape, as_shape
from ..initializers import Ones, Zeros
from ..variables import Variable
from .base import InputSpec, Layer
from .smart import known_bool, smart_cond

__all__ = ["BatchNormalization", "batch_normalization"]

Function = Callable[..., Any]
_ZEROS, _ONES = Zeros(), Ones()


class BatchNormalization(Layer):
    """Normalizes each channel over the batch in training, and by moving averages otherwise.

    The updates of the averages are added to `GraphKeys.UPDATE_OPS`; the training operation must depend on them.

    Args:
        axis: axis of the channels, or a list of axes.
        momentum: share of the moving averages that each step keeps.
        epsilon: added to the variance.
        center: whether an offset `beta` is added.
        scale: whether a factor `gamma` is applied.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: initializers.
        beta_regularizer, gamma_regularizer: functions from the variable to a loss.
        beta_constraint, gamma_constraint: functions from the variable to a value, applied after updates.
        renorm: corrects the batch's statistics towards the moving averages.
        renorm_clipping: from "rmax", "rmin", "dmax" to bounds of the corrections.
        renorm_momentum: share of the averages used for the corrections that each step keeps.
        fused: whether one op does it all; by default where the input is a picture and nothing stands against it.
        trainable: whether optimizers change beta and gamma by default.
        virtual_batch_size: normalizes over parts of the batch of this size.
        adjustment: function from the input's shape to a factor and an offset, applied in training.
        name: name of the layer.

    Source:
        Ioffe and Szegedy, "Batch Normalization", 2015; Ioffe, "Batch Renormalization", 2017.
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = _ZEROS,
        gamma_initializer: Any = _ONES,
        moving_mean_initializer: Any = _ZEROS,
        moving_variance_initializer: Any = _ONES,
        beta_regularizer: Function | None = None,
        gamma_regularizer: Function | None = None,
        beta_constraint: Function | None = None,
        gamma_constraint: Function | None = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, Any] | None = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Function | None = None,
        name: str | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(trainable, name, **keywords)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else [int(axis)]
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.renorm = renorm
        self.renorm_clipping = dict(renorm_clipping or {})
        self.renorm_momentum = renorm_momentum
        self.fused = fused
        self.virtual_batch_size = virtual_batch_size
        self.adjustment = adjustment
        self.beta: Any = None
        self.gamma: Any = None
        unknown = set(self.renorm_clipping) - {"rmax", "rmin", "dmax"}
        if unknown:
            raise ValueError(f"renorm_clipping has rmax, rmin and dmax, got {sorted(unknown)}.")
        if fused and (renorm or virtual_batch_size is not None or adjustment is not None):
            raise ValueError("fused goes with neither renorm nor virtual_batch_size nor adjustment.")

    def build(self, input_shape: Any) -> None:
        shape = as_shape(input_shape)
        rank = shape.rank
        if rank is None:
            raise ValueError("the rank of the input must be known")
        self.axis = [a + rank if a < 0 else a for a in self.axis]
        if any(not 0 <= a < rank for a in self.axis):
            raise ValueError(f"axis {self.axis} lies outside of the input of shape {shape}")
        sizes = {a: shape[a] for a in self.axis}
        if None in sizes.values():
            raise ValueError(f"the size along axis {self.axis} must be known, got shape {shape}")
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        self._decide_fused(rank)
        single = len(self.axis) == 1
        dims = (
            [int(sizes[a] or 0) for a in self.axis]
            if single
            else [int(sizes.get(a) or 1) for a in range(rank)]
        )
        self._make_weights(dims)
        super().build(input_shape)

    def _decide_fused(self, rank: int) -> None:
        able = (
            rank == 4
            and self.axis in ([1], [3])
            and not self.renorm
            and self.virtual_batch_size is None
            and self.adjustment is None
        )
        if self.fused and not able:
            raise ValueError(
                f"fused needs an input of rank 4 and axis 1 or 3, got rank {rank} and {self.axis}"
            )
        self.fused = able if self.fused is None else self.fused

    def _make_weights(self, dims: list[int]) -> None:
        dtype = float32 if self.dtype in (float16, bfloat16) else self.dtype
        self._param_dtype = dtype
        if self.scale:
            self.gamma = self.add_weight(
                "gamma",
                dims,
                dtype,
                self.gamma_initializer,
                self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                "beta",
                dims,
                dtype,
                self.beta_initializer,
                self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        self.moving_mean = self.add_weight(
            "moving_mean", dims, dtype, self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            "moving_variance", dims, dtype, self.moving_variance_initializer, trainable=False
        )
        if self.renorm:
            self.renorm_mean = self.add_weight("renorm_mean", dims, dtype, _ZEROS, trainable=False)
            self.renorm_stddev = self.add_weight("renorm_stddev", dims, dtype, _ONES, trainable=False)

    def call(self, inputs: Tensor, training: Any = False, **arguments: Any) -> Tensor:
        """The normalized input.

        Args:
            inputs: floats.
            training: a bool or boolean scalar: whether by the batch's statistics, which the averages then follow.
        """
        if self.virtual_batch_size is not None:
            return self._in_virtual_batches(inputs, training)
        if self.fused:
            return self._fused(inputs, training)
        return self._normalized(inputs, training)

    def _fused(self, inputs: Tensor, training: Any) -> Tensor:
        depth = inputs.shape[self.axis[0]]
        gamma = self.gamma.value() if self.scale else _constant(1.0, depth, self._param_dtype)
        beta = self.beta.value() if self.center else _constant(0.0, depth, self._param_dtype)
        layout = "NHWC" if self.axis == [3] else "NCHW"

        def from_batch() -> Any:
            return nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=layout)

        def from_averages() -> Any:
            return nn.fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=self.moving_mean.value(),
                variance=self.moving_variance.value(),
                epsilon=self.epsilon,
                data_format=layout,
                is_training=False,
            )

        output, mean, variance = smart_cond(training, from_batch, from_averages)
        self._follow(training, mean, variance)
        output.set_shape(inputs.shape)
        return output  # type: ignore[no-any-return]

    def _normalized(self, inputs: Tensor, training: Any) -> Tensor:
        rank = len(inputs.shape)
        axes = [i for i in range(rank) if i not in self.axis]
        broadcast = [1] * rank
        for axis in self.axis:
            broadcast[axis] = int(inputs.shape[axis])
        needs_reshape = len(self.axis) == 1 and self.axis != [rank - 1]

        def spread(value: Any) -> Any:
            if value is None or not needs_reshape:
                return value
            return get_op("Reshape")(value, broadcast)

        scale = self.gamma.value() if self.scale else None
        offset = self.beta.value() if self.center else None
        if self.adjustment is not None:
            scale, offset = _composed(*self._adjusted(inputs, training), scale, offset)
        if known_bool(training) is False:
            mean, variance = self.moving_mean.value(), self.moving_variance.value()
        else:
            mean, variance = self._statistics(inputs, axes, training)
            if self.renorm:
                scale, offset = _composed(*self._corrections(*self._batch_values, training), scale, offset)
            self._follow(training, *self._batch_values)
        return self._apply_statistics(inputs, spread(mean), spread(variance), spread(offset), spread(scale))

    def _apply_statistics(self, inputs: Tensor, mean: Any, variance: Any, offset: Any, scale: Any) -> Tensor:
        def cast(value: Any) -> Any:
            if value is None or value.dtype is inputs.dtype:
                return value
            return get_op("Cast")(value, DstT=inputs.dtype)

        outputs = nn.batch_normalization(
            inputs, cast(mean), cast(variance), cast(offset), cast(scale), self.epsilon
        )
        outputs.set_shape(inputs.shape)
        return outputs

    def _statistics(self, inputs: Tensor, axes: list[int], training: Any) -> tuple[Tensor, Tensor]:
        """Mean and variance to normalize by; keeps those of the batch for the averages."""
        keep = len(self.axis) > 1
        wide = inputs if inputs.dtype is self._param_dtype else get_op("Cast")(inputs, DstT=self._param_dtype)
        mean, variance = nn.moments(wide, axes, keep_dims=keep)
        self._batch_values = (mean, variance)
        if known_bool(training):
            return mean, variance
        moving = self.moving_mean.value(), self.moving_variance.value()
        return (
            smart_cond(training, lambda: get_op("Identity")(mean), lambda: get_op("Identity")(moving[0])),
            smart_cond(training, lambda: get_op("Identity")(variance), lambda: get_op("Identity")(moving[1])),
        )

    def _adjusted(self, inputs: Tensor, training: Any) -> tuple[Any, Any]:
        assert self.adjustment is not None
        scale, bias = self.adjustment(get_op("Shape")(inputs))
        return (
            smart_cond(training, lambda: get_op("Identity")(scale), lambda: get_op("OnesLike")(scale)),
            smart_cond(training, lambda: get_op("Identity")(bias), lambda: get_op("ZerosLike")(bias)),
        )

    def _corrections(self, mean: Tensor, variance: Tensor, training: Any) -> tuple[Tensor, Tensor]:
        """Factor and offset that bring the batch's normalization towards that of the averages."""
        stddev = get_op("Sqrt")(variance + self.epsilon)
        kept_mean, kept_stddev = self.renorm_mean.value(), self.renorm_stddev.value()
        r = stddev / kept_stddev
        d = (mean - kept_mean) / kept_stddev
        bounds = {k: convert_to_tensor(v, stddev.dtype) for k, v in self.renorm_clipping.items()}
        if "rmin" in bounds:
            r = get_op("Maximum")(r, bounds["rmin"])
        if "rmax" in bounds:
            r = get_op("Minimum")(r, bounds["rmax"])
        if "dmax" in bounds:
            d = get_op("Minimum")(get_op("Maximum")(d, -bounds["dmax"]), bounds["dmax"])
        self._update(training, self.renorm_mean, mean, self.renorm_momentum)
        self._update(training, self.renorm_stddev, stddev, self.renorm_momentum)
        r = smart_cond(training, lambda: get_op("Identity")(r), lambda: get_op("OnesLike")(r))
        d = smart_cond(training, lambda: get_op("Identity")(d), lambda: get_op("ZerosLike")(d))
        return get_op("StopGradient")(r), get_op("StopGradient")(d)

    def _in_virtual_batches(self, inputs: Tensor, training: Any) -> Tensor:
        """Normalizes parts of the batch, each by its own statistics."""
        size = self.virtual_batch_size
        assert size is not None
        if known_bool(training) is False:
            return self._normalized(inputs, training)
        shape = inputs.shape
        split = [-1, size, *(int(d) for d in shape[1:].known())]
        parts = get_op("Reshape")(inputs, split)
        axes = [i + 1 for i in range(len(shape)) if i not in self.axis]
        mean, variance = nn.moments(parts, axes, keep_dims=True)
        self._follow(training, _mean_of_parts(mean, len(self.axis)), _mean_of_parts(variance, len(self.axis)))
        broadcast = [1, 1] + [int(d) if i in self.axis else 1 for i, d in enumerate(shape) if i]
        scale = get_op("Reshape")(self.gamma, broadcast) if self.scale else None
        offset = get_op("Reshape")(self.beta, broadcast) if self.center else None
        outputs = self._apply_statistics(parts, mean, variance, offset, scale)
        return get_op("Reshape")(outputs, get_op("Shape")(inputs))  # type: ignore[no-any-return]

    def _follow(self, training: Any, mean: Tensor, variance: Tensor) -> None:
        """Adds the updates of the moving averages."""
        if known_bool(training) is False:
            return
        self._update(training, self.moving_mean, mean, self.momentum)
        self._update(training, self.moving_variance, variance, self.momentum)

    def _update(self, training: Any, average: Variable, value: Tensor, momentum: float) -> None:
        if known_bool(training) is False:
            return
        graph = get_default_graph()
        with graph.name_scope("AssignMovingAvg"), graph.colocate_with(average.op):
            keep = smart_cond(
                training,
                lambda: convert_to_tensor(1.0 - momentum, average.dtype),
                lambda: convert_to_tensor(0.0, average.dtype),
            )
            delta = (average.value() - value) * keep
            self.add_update(get_op("AssignSubVariableOp")(average.handle, delta))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return as_shape(input_shape)


def _composed(scale: Tensor, offset: Tensor, then_scale: Any, then_offset: Any) -> tuple[Tensor, Tensor]:
    """Factor and offset of one linear map after another."""
    if then_scale is not None:
        scale, offset = scale * then_scale, offset * then_scale
    return scale, offset if then_offset is None else offset + then_offset


def _constant(value: float, size: Any, dtype: Any) -> Tensor:
    return get_op("Fill")([int(size)], convert_to_tensor(value, dtype))  # type: ignore[no-any-return]


def _mean_of_parts(value: Tensor, axes: int) -> Tensor:
    """The mean over virtual batches of a statistic; a vector for a single axis of channels."""
    mean = get_op("Mean")(value, [0])
    if axes > 1:
        return mean  # type: ignore[no-any-return]
    return get_op("Reshape")(mean, [-1])  # type: ignore[no-any-return]


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = _ZEROS,
    gamma_initializer: Any = _ONES,
    moving_mean_initializer: Any = _ZEROS,
    moving_variance_initializer: Any = _ONES,
    beta_regularizer: Function | None = None,
    gamma_regularizer: Function | None = None,
    beta_constraint: Function | None = None,
    gamma_constraint: Function | None = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Mapping[str, Any] | None = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Function | None = None,
) -> Tensor:
    """Normalizes each channel over the batch in training, and by moving averages otherwise.

    The updates of the averages are added to `GraphKeys.UPDATE_OPS`; the training operation must depend on them:
    `with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)): ...`.

    Args:
        inputs: floats of a known rank.
        training: a bool or boolean scalar tensor: whether by the batch's statistics.
        reuse: whether the variables of an earlier layer of that name are used.
        axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer, moving_mean_initializer,
            moving_variance_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint,
            trainable, name, renorm, renorm_clipping, renorm_momentum, fused, virtual_batch_size, adjustment: as
            for `BatchNormalization`.
    """
    layer = BatchNormalization(
        axis=axis,
        momentum=momentum,
        epsilon=epsilon,
        center=center,
        scale=scale,
        beta_initializer=beta_initializer,
        gamma_initializer=gamma_initializer,
        moving_mean_initializer=moving_mean_initializer,
        moving_variance_initializer=moving_variance_initializer,
        beta_regularizer=beta_regularizer,
        gamma_regularizer=gamma_regularizer,
        beta_constraint=beta_constraint,
        gamma_constraint=gamma_constraint,
        renorm=renorm,
        renorm_clipping=renorm_clipping,
        renorm_momentum=renorm_momentum,
        fused=fused,
        trainable=trainable,
        virtual_batch_size=virtual_batch_size,
        adjustment=adjustment,
        name=name,
        _reuse=reuse,
    )
    return layer(inputs, training=training)  # type: ignore[no-any-return]
