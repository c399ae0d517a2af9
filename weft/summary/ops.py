"""Functions that add summary ops to the graph and to the collection that `merge_all` merges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.convert import constant, convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.graph_keys import GraphKeys
from ..graph.ops import summary_ops

__all__ = ["audio", "histogram", "image", "merge", "merge_all", "scalar", "tensor_summary", "text"]


def _tag(name: str, family: str | None) -> tuple[str, str]:
    """Name of the op and tag of the summary: the name within its scope, the family before both."""
    clean = name.replace(" ", "_")
    scope = get_default_graph().get_name_scope()
    inner = f"{family}/{clean}" if family else clean
    tag = f"{scope}/{inner}" if scope else inner
    return inner, f"{family}/{tag}" if family else tag


def _collected(summary: Tensor, collections: Sequence[str] | None) -> Tensor:
    keys = [GraphKeys.SUMMARIES] if collections is None else collections
    get_default_graph().add_to_collections(keys, summary)
    return summary


def scalar(
    name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of one number.

    Args:
        name: tag in TensorBoard, within the name scope.
        tensor: a real scalar.
        collections: collections to add the summary to; None for the one that `merge_all` merges.
        family: groups the tag with others in TensorBoard.

    Returns:
        A scalar string tensor: a serialized Summary.

    Source: ScalarSummary
    """
    op, tag = _tag(name, family)
    return _collected(summary_ops.ScalarSummary(constant(tag), tensor, name=op), collections)


def histogram(
    name: str, values: Any, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of how the elements of a real tensor of any shape are distributed; see `scalar`.

    Source: HistogramSummary
    """
    op, tag = _tag(name, family)
    return _collected(summary_ops.HistogramSummary(constant(tag), values, name=op), collections)


def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary of pictures; see `scalar`.

    Args:
        name, collections, family: as for `scalar`.
        tensor: `(batch, height, width, channels)` with 1, 3 or 4 channels; uint8 as it is, floating values
            scaled to fill the range of each picture.
        max_outputs: pictures of the batch that are kept.

    Source: ImageSummary
    """
    op, tag = _tag(name, family)
    made = summary_ops.ImageSummary(constant(tag), tensor, max_images=max_outputs, name=op)
    return _collected(made, collections)


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary of audio; see `scalar`.

    Args:
        name, collections, family: as for `scalar`.
        tensor: `(batch, frames)` or `(batch, frames, channels)`, float32 from -1 to 1.
        sample_rate: frames per second.
        max_outputs: clips of the batch that are kept.

    Source: AudioSummaryV2
    """
    op, tag = _tag(name, family)
    rate = convert_to_tensor(sample_rate, "float32", name="sample_rate")
    made = summary_ops.AudioSummaryV2(constant(tag), tensor, rate, max_outputs=max_outputs, name=op)
    return _collected(made, collections)


def text(name: str, tensor: Any, collections: Sequence[str] | None = None) -> Tensor:
    """A summary of text: a string tensor, shown as Markdown; see `scalar`.

    Source: TensorSummaryV2 with the text plugin's metadata
    """
    value = convert_to_tensor(tensor)
    if value.dtype.name != "string":
        raise ValueError(f"Expected tensor {value.name} to have dtype string, got {value.dtype.name}")
    return tensor_summary(name, value, collections=collections, plugin="text")


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Sequence[str] | None = None,
    family: str | None = None,
    plugin: str = "",
) -> Tensor:
    """A summary of a tensor of any type and shape, for a plugin of TensorBoard.

    Args:
        name, collections, family: as for `scalar`.
        tensor: the tensor.
        summary_description: what it is, in Markdown.
        plugin: name of the plugin that shows it.

    Source: TensorSummaryV2
    """
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

    metadata = SummaryMetadata(summary_description=summary_description or "")
    if plugin:
        metadata.plugin_data.plugin_name = plugin
    op, tag = _tag(name, family)
    made = summary_ops.TensorSummaryV2(constant(tag), tensor, constant(metadata.SerializeToString()), name=op)
    return _collected(made, collections)


def merge(
    inputs: Sequence[Tensor], collections: Sequence[str] | None = None, name: str | None = None
) -> Tensor:
    """Several summaries in one.

    Args:
        inputs: serialized summaries.
        collections: collections to add the result to; none by default.
        name: name of the op.

    Raises:
        InvalidArgumentError: when run, if two of them have the same tag.

    Source: MergeSummary
    """
    made: Tensor = summary_ops.MergeSummary(list(inputs), name=name or "Merge/MergeSummary")
    return _collected(made, collections or [])


def merge_all(
    key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None
) -> Tensor | None:
    """All summaries of a collection in one; None if there are none.

    Args:
        key: name of the collection of summaries.
        scope: keeps what is under this scope.
    """
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None
