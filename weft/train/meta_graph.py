"""MetaGraphDefs: a graph with its collections, written to and read from `.meta` files."""

from __future__ import annotations

from typing import Any

from ..graph.graph_def import write_graph
from ..graph.meta_graph import export_meta_graph, import_scoped_meta_graph

__all__ = ["export_meta_graph", "import_meta_graph", "write_graph"]


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Adds the graph and the collections of a MetaGraphDef to the default graph.

    Args:
        meta_graph_or_file: a MetaGraphDef message or the path of a file with one.
        clear_devices: forgets the devices of the nodes.
        import_scope: name scope to put in front of all names.
        **kwargs: `input_map`, `return_elements`, `restore_collections_predicate` as for
            `weft.graph.meta_graph.import_scoped_meta_graph`.

    Returns:
        The saver that the MetaGraphDef describes, or None where it describes none.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the file holds no MetaGraphDef.
        InvalidArgumentError: what it holds is malformed.
    """
    return import_scoped_meta_graph(
        meta_graph_or_file, clear_devices, import_scope=import_scope, **kwargs
    ).saver()
