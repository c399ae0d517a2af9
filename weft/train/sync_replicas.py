"""Synchronous training with several workers: gradients of one step are put together before they are applied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..accumulators import ConditionalAccumulator, SparseConditionalAccumulator
from ..data_flow import FIFOQueue
from ..graph.default_graph import get_default_graph
from ..graph.elements import Operation, Tensor
from ..graph.errors import CancelledError, OpError
from ..graph.graph_keys import GraphKeys
from ..graph.indexed_slices import IndexedSlices
from ..graph.opdef import get_op
from ..variable_functions import global_variables, report_uninitialized_variables
from ..variables import Variable
from .optimizer import Optimizer, group_ops
from .queue_runner import QueueRunner
from .session_run_hook import SessionRunHook

__all__ = ["SyncReplicasOptimizer"]


class SyncReplicasOptimizer(Optimizer):
    """Has another optimizer apply the mean of the gradients of several workers, once for all of them.

    Every worker adds its gradients to accumulators beside the variables and waits for a token. The chief waits until
    there are enough gradients, applies their mean, and hands out tokens with the new global step. Gradients that were
    computed for an earlier step are dropped. With fewer gradients asked for than there are workers, the slowest workers
    of each step are backups whose gradients are dropped.

    Args:
        opt: the optimizer that applies the mean.
        replicas_to_aggregate: gradients to wait for in each step.
        total_num_replicas: workers; `replicas_to_aggregate` if None.
        variable_averages: an `ExponentialMovingAverage` to apply in each step.
        variables_to_average: the variables that it averages; needed with it.
        use_locking: accepted for TensorFlow's sake; updates are never torn.
        name: name of the operations.

    Source:
        tf.compat.v1.train.SyncReplicasOptimizer; Chen et al., Revisiting Distributed Synchronous SGD, 2016.
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        super().__init__(use_locking, name)
        total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        if variable_averages is not None and variables_to_average is None:
            raise ValueError("variables_to_average is needed with variable_averages.")
        self._opt = opt
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total
        self._tokens_per_step = max(total, replicas_to_aggregate)
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._global_step: Any = None
        self._applied = False
        self._accumulators: list[tuple[Any, str]] = []

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        """The gradients of this worker's loss; arguments as for `Optimizer.compute_gradients`."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> list[Variable]:
        """The variables of the optimizer that applies the mean."""
        made: list[Variable] = self._opt.variables()
        return made

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Variable | None = None,
        name: str | None = None,
    ) -> Operation:
        """An operation that adds a worker's gradients and waits until the step that they are for is done.

        Args:
            grads_and_vars: pairs as `compute_gradients` gives them.
            global_step: counts the steps; required.
            name: name of the operation.

        Raises:
            ValueError: there are no pairs, or no global step.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        graph = get_default_graph()
        self._global_step = global_step
        self._local_step = Variable(
            get_op("Const")(value=0, dtype=global_step.dtype.base_dtype),
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            name="sync_rep_local_step",
        )
        self.local_step_init_op = self._local_step.assign(global_step.read_value()).op
        self.ready_for_local_init_op = report_uninitialized_variables(global_variables())
        with graph.name_scope(name or self._name):
            given, means = self._accumulate(pairs)
            step_device = _device_of(global_step)
            with graph.device(step_device):
                update = self._opt.apply_gradients(
                    [(m, v) for m, (_, v) in zip(means, pairs, strict=True)], global_step
                )
                self._token_queue = FIFOQueue(
                    -1, [global_step.dtype], shapes=[[]], name="sync_token_q", shared_name="sync_token_q"
                )
                with graph.control_dependencies(given):
                    token = self._token_queue.dequeue()
            train_op = self._local_step.assign(token).op
            with graph.device(step_device):
                self._make_chief_ops(update, global_step)
        self._applied = True
        return train_op

    def _accumulate(self, pairs: list[tuple[Any, Any]]) -> tuple[list[Operation], list[Any]]:
        """What adds this worker's gradients, and the means that the chief takes."""
        graph, given, means = get_default_graph(), [], []
        step = self._local_step.read_value()
        for grad, variable in pairs:
            if grad is None:
                means.append(None)
                continue
            name, device = f"{variable.name}/grad_accum", _device_of(variable)
            with graph.device(device):
                if isinstance(grad, IndexedSlices):
                    sparse = SparseConditionalAccumulator(grad.dtype, shape=(), shared_name=name)
                    given.append(sparse.apply_indexed_slices_grad(grad, step))
                    means.append(sparse.take_indexed_slices_grad(self._replicas_to_aggregate))
                    self._accumulators.append((sparse, device))
                else:
                    if not isinstance(grad, Tensor):
                        raise ValueError(f"Unknown grad type {type(grad).__name__}!")
                    dense = ConditionalAccumulator(grad.dtype, shape=variable.shape, shared_name=name)
                    given.append(dense.apply_grad(grad, step))
                    means.append(dense.take_grad(self._replicas_to_aggregate))
                    self._accumulators.append((dense, device))
        return given, means

    def _make_chief_ops(self, update: Operation, global_step: Variable) -> None:
        graph = get_default_graph()
        tokens = get_op("Fill")([self._tokens_per_step], global_step.read_value())
        hand_out = self._token_queue.enqueue_many([tokens])
        if self._variable_averages is not None:
            with graph.control_dependencies([update]):
                update = self._variable_averages.apply(self._variables_to_average)
        self._chief_queue_runner = _ChiefRunner(self._token_queue, update, hand_out)
        chief_init = [self.local_step_init_op]
        for accumulator, device in self._accumulators:
            with graph.device(device):
                chief_init.append(accumulator.set_global_step(global_step.read_value(), name="SetGlobalStep"))
        self.chief_init_op = group_ops(chief_init, "chief_init")

    def get_chief_queue_runner(self) -> QueueRunner:
        """The thread with which the chief applies gradients and hands out tokens.

        Raises:
            ValueError: `apply_gradients` has not been called.
        """
        self._need_applied()
        return self._chief_queue_runner

    def get_init_tokens_op(self, num_tokens: int = -1) -> Operation:
        """An operation that hands out the first tokens; the chief runs it once.

        Args:
            num_tokens: how many; -1 for as many as gradients are put together.

        Raises:
            ValueError: `apply_gradients` has not been called, or the tokens do not suffice.
        """
        self._need_applied()
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(
                f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} (needed)"
            )
        graph = get_default_graph()
        with graph.device(_device_of(self._global_step)), graph.name_scope(""):
            if num_tokens <= 0:
                return get_op("NoOp")(name="no_init_tokens")  # type: ignore[no-any-return]
            tokens = get_op("Fill")([num_tokens], self._global_step.read_value())
            return self._token_queue.enqueue_many([tokens])

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """The hook that prepares a worker's session, and on the chief starts the thread that applies gradients."""
        return _SyncHook(self, is_chief, num_tokens)

    def _need_applied(self) -> None:
        if not self._applied:
            raise ValueError("Should be called after apply_gradients().")


class _ChiefRunner(QueueRunner):
    """Applies gradients, then hands out tokens, again and again.

    The two are steps of their own: updates are seen by other programs once their step has ended, and a worker that has
    a token must see them.
    """

    def __init__(self, queue: FIFOQueue, update: Operation, hand_out: Operation) -> None:
        super().__init__(queue, [hand_out])
        self._update = update

    def _fill(self, sess: Any, enqueue_op: Operation, coord: Any) -> None:
        try:
            update, hand_out = sess.make_callable(self._update), sess.make_callable(enqueue_op)
            while coord is None or not coord.should_stop():
                update()
                hand_out()
        except (*self._ended, CancelledError, RuntimeError):
            if coord is not None:
                coord.request_stop()
        except OpError as error:
            self._fail(error, coord)
        finally:
            self._leave(sess)


class _SyncHook(SessionRunHook):
    """Prepares a worker's session for synchronous training."""

    def __init__(self, optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int) -> None:
        self._optimizer, self._is_chief, self._num_tokens = optimizer, is_chief, num_tokens
        self._runner: QueueRunner | None = None
        self._tokens: Operation | None = None

    def begin(self) -> None:
        optimizer = self._optimizer
        self._init = optimizer.local_step_init_op
        self._ready = optimizer.ready_for_local_init_op
        if self._is_chief:
            self._init = optimizer.chief_init_op
            self._runner = optimizer.get_chief_queue_runner()
            self._tokens = optimizer.get_init_tokens_op(self._num_tokens)

    def after_create_session(self, session: Any, coord: Any) -> None:
        missing = session.run(self._ready)
        if len(missing):
            raise RuntimeError(
                "Init operations did not make model ready for local_init. Variables without a value: "
                + ", ".join(n.decode() if isinstance(n, bytes) else str(n) for n in missing)
            )
        session.run(self._init)
        if self._tokens is not None:
            session.run(self._tokens)
        if self._runner is not None:
            self._runner.create_threads(session, coord=coord, daemon=True, start=True)


def _device_of(variable: Any) -> str:
    device: str = getattr(variable, "device", "") or ""
    return device
