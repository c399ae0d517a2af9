"""MetaGraphDefs: a graph together with its collections, as TensorFlow writes them to `.meta` files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .attr_value import attr_to_proto
from .default_graph import get_default_graph
from .elements import Operation, Tensor
from .errors import DataLossError, InvalidArgumentError, NotFoundError
from .graph import Graph
from .graph_def import write_message
from .op_def import op_list
from .protos import copy_of, from_text, parse, protos

__all__ = [
    "ImportedMetaGraph",
    "add_collection_def",
    "export_meta_graph",
    "get_from_proto_function",
    "get_to_proto_function",
    "import_scoped_meta_graph",
    "prepend_name_scope",
    "read_meta_graph_file",
    "register_proto_function",
    "register_saver",
    "strip_name_scope",
]


@dataclass(frozen=True)
class _Proto:
    """How the members of a collection become bytes and come back.

    Attributes:
        message: message class, or None for members that are bytes themselves.
        to_proto: from a member and an export scope to a message or None.
        from_proto: from a message and an import scope to a member.
    """

    message: Any
    to_proto: Callable[..., Any] | None
    from_proto: Callable[..., Any] | None


_REGISTERED: dict[str, _Proto] = {}


def register_proto_function(
    collection_name: str,
    proto_type: Any = None,
    to_proto: Callable[..., Any] | None = None,
    from_proto: Callable[..., Any] | None = None,
) -> None:
    """Says how the members of a collection travel in a MetaGraphDef.

    Args:
        collection_name: key of the collection.
        proto_type: message class, or a function without arguments that gives it, so that it is imported only
            when it is needed.
        to_proto: `f(member, export_scope=...)` gives a message, or None for a member outside the scope.
        from_proto: `f(message, import_scope=...)` gives a member.
    """
    _REGISTERED[collection_name] = _Proto(proto_type, to_proto, from_proto)


def get_to_proto_function(collection_name: str) -> Callable[..., Any] | None:
    """The registered function that turns a collection's members into messages, or None."""
    found = _REGISTERED.get(collection_name)
    return None if found is None else found.to_proto


def get_from_proto_function(collection_name: str) -> Callable[..., Any] | None:
    """The registered function that turns messages into a collection's members, or None."""
    found = _REGISTERED.get(collection_name)
    return None if found is None else found.from_proto


# --- out ------------------------------------------------------------------------------------------------


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Iterable[str] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
) -> Any:
    """A graph with its collections as a MetaGraphDef message.

    Args:
        filename: file to write it to as well.
        meta_info_def: MetaInfoDef to take tags and the like from.
        graph_def: GraphDef to write in place of the graph's own.
        saver_def: SaverDef to write.
        collection_list: keys of the collections to write; None for all.
        as_text: writes the file in text form.
        graph: the graph; None for the default graph.
        export_scope: name scope of the nodes to write; their names are written without it, and tensors that
            come from outside it become placeholders.
        clear_devices: leaves out the devices of the nodes.
        clear_extraneous_savers: leaves out savers other than that of `saver_def`.
        strip_default_attrs: leaves out attributes that have their default values.
        save_debug_info: accepted for TensorFlow's sake.

    Returns:
        The MetaGraphDef.
    """
    del save_debug_info
    graph = get_default_graph() if graph is None else graph
    found = protos().MetaGraphDef()
    if meta_info_def is not None:
        found.meta_info_def.CopyFrom(meta_info_def)
    found.graph_def.CopyFrom(graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def)
    if export_scope:
        _restrict(found.graph_def, export_scope, graph)
    if clear_devices:
        for node in _all_nodes(found.graph_def):
            node.device = ""
    ops = op_list(n.op for n in _all_nodes(found.graph_def))
    found.meta_info_def.stripped_op_list.CopyFrom(ops)
    if strip_default_attrs:
        _strip_default_attrs(found.graph_def, ops)
    found.meta_info_def.stripped_default_attrs = strip_default_attrs
    if saver_def is not None:
        found.saver_def.CopyFrom(saver_def)
    keys = graph.get_all_collection_keys() if collection_list is None else list(collection_list)
    for key in keys:
        if not (clear_extraneous_savers and key == "savers"):
            add_collection_def(found, key, graph, export_scope)
    if filename:
        write_message(found, filename, as_text)
    return found


def _all_nodes(graph_def: Any) -> Iterable[Any]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def _restrict(graph_def: Any, export_scope: str, graph: Graph) -> None:
    """Keeps the nodes of a scope, without the scope in their names."""
    prefix = export_scope.rstrip("/") + "/"
    inside = [copy_of(n) for n in graph_def.node if n.name.startswith(prefix)]
    if not inside:
        raise ValueError(f"There is no operation under the export scope {export_scope!r}.")
    unbound: dict[str, Any] = {}
    for node in inside:
        node.name = node.name.removeprefix(prefix)
        kept = [_inner_name(t, prefix, graph, unbound) for t in node.input]
        del node.input[:]
        node.input.extend(t for t in kept if t)
        groups = node.attr["_class"].list.s if "_class" in node.attr else []
        if groups:
            names = [g for g in groups if g.startswith(f"loc:@{prefix}".encode())]
            del groups[:]
            groups.extend(g.replace(f"loc:@{prefix}".encode(), b"loc:@", 1) for g in names)
            if not names:
                del node.attr["_class"]
    del graph_def.node[:]
    graph_def.node.extend([*unbound.values(), *inside])


def _inner_name(text: str, prefix: str, graph: Graph, unbound: dict[str, Any]) -> str:
    """An input's name inside the scope; "" for a control input from outside."""
    if text.startswith("^"):
        return f"^{text[1 + len(prefix) :]}" if text[1:].startswith(prefix) else ""
    if text.startswith(prefix):
        return text.removeprefix(prefix)
    if text not in unbound:
        name = f"unbound_{len(unbound)}"
        unbound[text] = _placeholder_for(text, name, graph)
    return str(unbound[text].name)


def _placeholder_for(text: str, name: str, graph: Graph) -> Any:
    tensor = graph.get_tensor_by_name(text if ":" in text else f"{text}:0")
    node = protos().NodeDef(name=name, op="Placeholder")
    node.attr["dtype"].CopyFrom(attr_to_proto("type", tensor.dtype))
    node.attr["shape"].CopyFrom(attr_to_proto("shape", tensor.shape))
    return node


def _strip_default_attrs(graph_def: Any, ops: Any) -> None:
    defaults = {
        op.name: {a.name: a.default_value for a in op.attr if a.HasField("default_value")} for op in ops.op
    }
    for node in _all_nodes(graph_def):
        for name, value in defaults.get(node.op, {}).items():
            if name in node.attr and node.attr[name] == value:
                del node.attr[name]


def add_collection_def(meta_graph_def: Any, key: str, graph: Graph, export_scope: str | None = None) -> None:
    """Writes one of the graph's collections into a MetaGraphDef.

    Members travel as their kind asks for: what has a registered `to_proto` (or a method of that name) as
    messages, tensors and operations as names, numbers and strings as such. A collection with members of no
    such kind (Python objects that only this program can have) is left out.
    """
    members = graph.get_collection(key)
    if not members:
        return
    made = protos().CollectionDef()
    if _write_members(made, key, members, export_scope):
        meta_graph_def.collection_def[key].CopyFrom(made)


def _write_members(made: Any, key: str, members: Sequence[Any], export_scope: str | None) -> bool:
    to_proto = get_to_proto_function(key)
    if to_proto is None and all(hasattr(m, "to_proto") for m in members):
        to_proto = _own_to_proto
    if to_proto is not None:
        messages = [to_proto(m, export_scope=export_scope) for m in members]
        made.bytes_list.value.extend(m.SerializeToString() for m in messages if m is not None)
        return bool(made.bytes_list.value)
    if all(isinstance(m, (Tensor, Operation)) for m in members):
        names = [strip_name_scope(m.name, export_scope) for m in members if _under(m.name, export_scope)]
        made.node_list.value.extend(names)
        return bool(names)
    if all(isinstance(m, (bool, int, np.integer)) for m in members):
        made.int64_list.value.extend(int(m) for m in members)
    elif all(isinstance(m, (int, float, np.number)) for m in members):
        made.float_list.value.extend(float(m) for m in members)
    elif all(isinstance(m, (str, bytes)) for m in members):
        made.bytes_list.value.extend(m.encode("utf-8") if isinstance(m, str) else m for m in members)
    else:
        return False
    return True


def _own_to_proto(member: Any, export_scope: str | None) -> Any:
    return member.to_proto(export_scope=export_scope)


def _under(name: str, scope: str | None) -> bool:
    return not scope or name.startswith(scope.rstrip("/") + "/")


def strip_name_scope(name: str, export_scope: str | None) -> str:
    """A name without the scope in front; control inputs and colocation groups keep their marks."""
    if not export_scope:
        return name
    for mark in ("^", "loc:@", ""):
        if mark and not name.startswith(mark):
            continue
        return mark + name.removeprefix(mark).removeprefix(export_scope.rstrip("/") + "/")
    return name


def prepend_name_scope(name: str, import_scope: str | None) -> str:
    """A name with a scope in front; control inputs and colocation groups keep their marks."""
    if not import_scope:
        return name
    scope = import_scope.rstrip("/")
    for mark in ("^", "loc:@"):
        if name.startswith(mark):
            return f"{mark}{scope}/{name.removeprefix(mark)}"
    return f"{scope}/{name}"


# --- in -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportedMetaGraph:
    """What came out of a MetaGraphDef.

    Attributes:
        message: the MetaGraphDef.
        scope: name scope under which its nodes are now, or "".
        variables: the variables of its collections, by the name that they have there.
        elements: the tensors and operations that were asked for, or None.
    """

    message: Any
    scope: str
    variables: Mapping[str, Any]
    elements: list[Any] | None

    def saver(self) -> Any:
        """The saver that the message describes, or None where it describes none.

        The class that saves lies above this folder, so it registers itself: see `register_saver`.
        """
        if _SAVERS and self.message.HasField("saver_def"):
            return _SAVERS[-1](self.message.saver_def, self.scope)
        return None


_SAVERS: list[Callable[[Any, str], Any]] = []


def register_saver(make: Callable[[Any, str], Any]) -> None:
    """Says how a saver is made from a SaverDef and the name scope of its nodes."""
    _SAVERS.append(make)


def import_scoped_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Graph | None = None,
    import_scope: str | None = None,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
) -> ImportedMetaGraph:
    """Adds the graph and the collections of a MetaGraphDef to a graph.

    Args:
        meta_graph_or_file: a MetaGraphDef message, weft's or TensorFlow's, or the path of a file with one.
        clear_devices: forgets the devices of the nodes.
        graph: the graph to add to; None for the default graph.
        import_scope: name scope to put in front of all names.
        input_map: tensors of the graph that stand in for tensors of the MetaGraphDef.
        return_elements: names of operations and tensors to return.
        restore_collections_predicate: from a collection's key to whether it is restored.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the file holds no MetaGraphDef.
        InvalidArgumentError: what it holds is malformed.
    """
    from .import_graph import import_graph_def

    message = (
        read_meta_graph_file(os.fspath(meta_graph_or_file))
        if isinstance(meta_graph_or_file, (str, os.PathLike))
        else parse("MetaGraphDef", meta_graph_or_file)
    )
    graph = get_default_graph() if graph is None else graph
    graph_def = message.graph_def
    if clear_devices:
        graph_def = copy_of(graph_def)
        for node in _all_nodes(graph_def):
            node.device = ""
    with graph.as_default():
        scope = graph.unique_name(import_scope, mark_as_used=False) if import_scope else ""
        ops = message.meta_info_def.stripped_op_list if message.meta_info_def.stripped_op_list.op else None
        elements = import_graph_def(
            graph_def,
            input_map,
            return_elements,
            name=(import_scope or "").rstrip("/"),
            producer_op_list=ops,
        )
        variables: dict[str, Any] = {}
        for key, members in message.collection_def.items():
            if restore_collections_predicate(key):
                _restore(graph, key, members, scope, variables)
    return ImportedMetaGraph(message, scope, variables, elements)


def read_meta_graph_file(path: str) -> Any:
    """The MetaGraphDef in a file, in binary or text form.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it holds no MetaGraphDef.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(None, f"there is no MetaGraphDef at {path}: {error.strerror}") from None
    try:
        return parse("MetaGraphDef", data)
    except InvalidArgumentError:
        pass
    try:
        return from_text("MetaGraphDef", data.decode("utf-8"))
    except (InvalidArgumentError, UnicodeDecodeError) as error:
        raise DataLossError(None, f"{path} holds no MetaGraphDef: {error}") from None


def _restore(graph: Graph, key: str, members: Any, scope: str, variables: dict[str, Any]) -> None:
    kind = members.WhichOneof("kind")
    if kind == "node_list":
        for name in members.node_list.value:
            _restore_element(graph, key, prepend_name_scope(name, scope))
    elif kind == "bytes_list":
        registered = _REGISTERED.get(key)
        if registered is None or registered.from_proto is None:
            for value in members.bytes_list.value:
                graph.add_to_collection(key, value)
            return
        for value in members.bytes_list.value:
            _restore_message(graph, key, registered, value, scope, variables)
    elif kind is not None:
        for value in getattr(members, kind).value:
            graph.add_to_collection(key, value)


def _restore_element(graph: Graph, key: str, name: str) -> None:
    try:
        graph.add_to_collection(key, graph.as_graph_element(name))
    except (KeyError, ValueError) as error:
        raise InvalidArgumentError(None, f"collection {key!r} names {name!r}: {error}") from None


def _restore_message(
    graph: Graph, key: str, registered: _Proto, value: bytes, scope: str, variables: dict[str, Any]
) -> None:
    assert registered.from_proto is not None
    cls = registered.message
    if cls is not None and not hasattr(cls, "DESCRIPTOR"):
        cls = cls()
    try:
        message = value if cls is None else cls.FromString(value)
        name = getattr(message, "variable_name", "")
        # A variable is in several collections (global, trainable): it stays one object.
        member = variables.get(name) if name else None
        if member is None:
            member = registered.from_proto(message, import_scope=scope)
    except InvalidArgumentError:
        raise
    except Exception as error:
        raise InvalidArgumentError(None, f"collection {key!r} has a malformed member: {error}") from None
    if name:
        variables[name] = member
    graph.add_to_collection(key, member)
