"""Iterators: places in datasets that live on a device, and give the next element to every step that asks."""

from __future__ import annotations

import contextlib
from typing import Any

from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph, name_scope
from ..graph.elements import Operation, Tensor
from ..graph.func_graph import FuncGraph
from ..graph.ops import datasets as ops
from .dataset import Dataset, VariantDataset
from .structure import DatasetSpec, flat, given_specs, mapped, packed, shapes_of, types_of

__all__ = [
    "Iterator",
    "get_output_classes",
    "get_output_shapes",
    "get_output_types",
    "initializable_iterator",
    "make_initializable_iterator",
    "make_one_shot_iterator",
    "one_shot_iterator",
]


class Iterator:
    """A place in a dataset.

    Args:
        iterator_resource: the resource tensor that names it.
        initializer: the operation that goes to the start of its dataset, or None.
        spec: the form of the elements.
    """

    def __init__(self, iterator_resource: Tensor, initializer: Operation | None, spec: Any) -> None:
        self._resource = iterator_resource
        self._initializer = initializer
        self._spec = spec

    @staticmethod
    def from_structure(
        output_types: Any,
        output_shapes: Any = None,
        shared_name: str | None = None,
        output_classes: Any = None,
    ) -> Iterator:
        """An iterator without a dataset; `make_initializer` gives it one.

        Args:
            output_types: structure of element types, the form of the elements.
            output_shapes: structure of shapes; nothing is known of them by default.
            shared_name: a name under which sessions on the same devices share it.
            output_classes: accepted for TensorFlow's sake.
        """
        del output_classes
        spec = given_specs(output_types, output_shapes)
        return Iterator(_resource(spec, shared_name), None, spec)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator of a name that is known when a step runs.

        It has to live on the device of the op that looks it up.

        Args:
            string_handle: a string scalar, as an iterator's `string_handle()` gives it.
            output_types, output_shapes, output_classes: as for `from_structure`.

        Raises:
            NotFoundError: when run, if there is no such iterator on the device.
        """
        del output_classes
        spec = given_specs(output_types, output_shapes)
        handle = convert_to_tensor(string_handle, dtypes.string)
        made = ops.IteratorFromStringHandleV2(
            handle, output_types=types_of(spec), output_shapes=shapes_of(spec)
        )
        return Iterator(made, None, spec)

    @property
    def initializer(self) -> Operation:
        """The operation that goes to the start of the dataset.

        Raises:
            ValueError: the iterator has none.
        """
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Dataset, name: str | None = None) -> Operation:
        """An operation that goes to the start of a dataset.

        Args:
            dataset: one with elements of the iterator's form.
            name: name of the operation.

        Raises:
            TypeError: its elements have another form, other types or shapes.
        """
        if mapped(lambda s: None, self._spec) != mapped(lambda s: None, dataset.element_spec):
            raise TypeError(
                f"The elements of {dataset!r} do not have the form of the iterator's, {self._spec}."
            )
        for own, given in zip(flat(self._spec), flat(dataset.element_spec), strict=True):
            fits = isinstance(own, DatasetSpec) or own.shape.is_compatible_with(given.shape)
            if own.dtype is not given.dtype or not fits:
                raise TypeError(f"Expected elements of {own}, the dataset has {given}.")
        with self._beside():
            with name_scope(name, "make_initializer"):
                variant = dataset._variant()
            made: Operation = ops.MakeIterator(variant, self._resource, name=name or "MakeIterator")
        return made

    def get_next(self, name: str | None = None) -> Any:
        """The next element; each run of it takes one.

        Returns:
            Tensors in the form of the elements.

        Raises:
            OutOfRangeError: when run, at the end of the dataset.
            FailedPreconditionError: when run, before the iterator was initialized.
        """
        with self._beside():
            made = ops.IteratorGetNext(
                self._resource,
                output_types=types_of(self._spec),
                output_shapes=shapes_of(self._spec),
                name=name or "IteratorGetNext",
            )
        leaves = [
            VariantDataset(t, s.element) if isinstance(s, DatasetSpec) else t
            for t, s in zip(made, flat(self._spec), strict=True)
        ]
        return packed(self._spec, leaves)

    def string_handle(self, name: str | None = None) -> Tensor:
        """A string scalar that `from_string_handle` finds the iterator by."""
        with self._beside():
            made: Tensor = ops.IteratorToStringHandle(self._resource, name=name)
        return made

    def _beside(self) -> contextlib.AbstractContextManager[None]:
        graph = get_default_graph()
        if graph is not self._resource.graph:
            return contextlib.nullcontext()
        return graph.colocate_with(self._resource.op, ignore_existing=True)

    @property
    def output_types(self) -> Any:
        return mapped(lambda s: s.dtype, self._spec)

    @property
    def output_shapes(self) -> Any:
        return mapped(lambda s: s.shape, self._spec)

    @property
    def output_classes(self) -> Any:
        return mapped(lambda s: Dataset if isinstance(s, DatasetSpec) else Tensor, self._spec)

    @property
    def element_spec(self) -> Any:
        """The form of the elements: a structure of `TensorSpec`."""
        return self._spec


def _resource(spec: Any, shared_name: str | None) -> Tensor:
    made: Tensor = ops.IteratorV2(
        shared_name=shared_name or "",
        container="",
        output_types=types_of(spec),
        output_shapes=shapes_of(spec),
    )
    return made


def initializable_iterator(dataset: Dataset, shared_name: str | None) -> Iterator:
    """See `Dataset.make_initializable_iterator`."""
    iterator = Iterator(_resource(dataset.element_spec, shared_name), None, dataset.element_spec)
    iterator._initializer = iterator.make_initializer(dataset)
    return iterator


def one_shot_iterator(dataset: Dataset, shared_name: str | None) -> Iterator:
    """See `Dataset.make_one_shot_iterator`."""
    factory = FuncGraph("Dataset_make")
    with factory.as_default():
        factory.outputs = [dataset._variant()]
    outside = [t.name for t in factory.captures]
    if outside:
        raise ValueError(
            "Failed to create a one-shot iterator for a dataset, since it uses tensors of the graph: "
            f"{', '.join(outside)}. `Dataset.make_initializable_iterator()` is more appropriate."
        )
    handle = ops.OneShotIterator(
        dataset_factory=factory.name,
        output_types=types_of(dataset.element_spec),
        output_shapes=shapes_of(dataset.element_spec),
        shared_name=shared_name or "",
    )
    return Iterator(handle, None, dataset.element_spec)


def make_one_shot_iterator(dataset: Dataset) -> Iterator:
    """An iterator that goes through a dataset once; see `Dataset.make_one_shot_iterator`."""
    return one_shot_iterator(dataset, None)


def make_initializable_iterator(dataset: Dataset, shared_name: str | None = None) -> Iterator:
    """An iterator with an initializer; see `Dataset.make_initializable_iterator`."""
    return initializable_iterator(dataset, shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    """Element types of the components.

    Args:
        dataset_or_iterator: a data set or an iterator.
    """
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """Shapes of the components.

    Args:
        dataset_or_iterator: a data set or an iterator.
    """
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """Python classes of the components.

    Args:
        dataset_or_iterator: a data set or an iterator.
    """
    return dataset_or_iterator.output_classes
