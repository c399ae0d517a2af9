"""`tf.sparse`: sparse tensors."""

from __future__ import annotations

from .graph.sparse_tensor import SparseTensor
from .sparse_ops import sparse_add as add
from .sparse_ops import sparse_concat as concat
from .sparse_ops import sparse_expand_dims as expand_dims
from .sparse_ops import sparse_eye as eye
from .sparse_ops import sparse_fill_empty_rows as fill_empty_rows
from .sparse_ops import sparse_mask as mask
from .sparse_ops import sparse_maximum as maximum
from .sparse_ops import sparse_merge as merge
from .sparse_ops import sparse_minimum as minimum
from .sparse_ops import sparse_placeholder as placeholder
from .sparse_ops import sparse_reduce_max as reduce_max
from .sparse_ops import sparse_reduce_max_sparse as reduce_max_sparse
from .sparse_ops import sparse_reduce_sum as reduce_sum
from .sparse_ops import sparse_reduce_sum_sparse as reduce_sum_sparse
from .sparse_ops import sparse_reorder as reorder
from .sparse_ops import sparse_reset_shape as reset_shape
from .sparse_ops import sparse_reshape as reshape
from .sparse_ops import sparse_retain as retain
from .sparse_ops import sparse_slice as slice
from .sparse_ops import sparse_softmax as softmax
from .sparse_ops import sparse_split as split
from .sparse_ops import sparse_tensor_dense_matmul as matmul
from .sparse_ops import sparse_tensor_dense_matmul as sparse_dense_matmul
from .sparse_ops import sparse_tensor_to_dense as to_dense
from .sparse_ops import sparse_to_indicator as to_indicator
from .sparse_ops import sparse_transpose as transpose

__all__ = [
    "SparseTensor",
    "add",
    "concat",
    "expand_dims",
    "eye",
    "fill_empty_rows",
    "mask",
    "matmul",
    "maximum",
    "merge",
    "minimum",
    "placeholder",
    "reduce_max",
    "reduce_max_sparse",
    "reduce_sum",
    "reduce_sum_sparse",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "slice",
    "softmax",
    "sparse_dense_matmul",
    "split",
    "to_dense",
    "to_indicator",
    "transpose",
]
