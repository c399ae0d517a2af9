from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from weft.graph.ops.windows import Geometry
from weft.kernels import conv, parallel
from weft.kernels.numpy import products


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(parallel, "thread_count", lambda: request.param)
    monkeypatch.setattr(products, "WORTH_PRODUCTS", 1000)
    yield request.param


def test_every_part_is_done_once(threads: int) -> None:
    done: list[int] = []
    names = set()

    def work(index: int) -> None:
        done.append(index)
        names.add(threading.current_thread().name)

    parallel.run_parts(work, 50)
    assert sorted(done) == list(range(50))
    assert len(names) <= threads


def test_parts_within_parts_do_not_wait_for_each_other(threads: int) -> None:
    done: list[tuple[int, int]] = []
    parallel.run_parts(lambda i: parallel.run_parts(lambda j: done.append((i, j)), 4), 4)
    assert sorted(done) == [(i, j) for i in range(4) for j in range(4)]


def test_an_error_in_a_part_is_raised(threads: int) -> None:
    def work(index: int) -> None:
        if index == 2:
            raise ValueError("part 2")

    with pytest.raises(ValueError, match="part 2"):
        parallel.run_parts(work, 6)
    done: list[int] = []
    parallel.run_parts(done.append, 3)
    assert sorted(done) == [0, 1, 2]


def test_helpers_do_not_warn(threads: int) -> None:
    x, out = np.zeros((4, 100)), np.empty((4, 100))

    def work(index: int) -> None:
        with np.errstate(all="ignore"):
            np.divide(x[index], x[index], out=out[index])

    parallel.run_parts(work, 4)
    assert np.isnan(out).all()


def test_blas_has_its_threads_back_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    library = parallel._blas()
    if library is None:
        pytest.skip("NumPy comes with another BLAS")
    monkeypatch.setattr(parallel, "thread_count", lambda: 2)
    before = library[0]()
    with parallel.dividing_products(), parallel.dividing_products():
        assert parallel.products_are_divided()
        assert library[0]() == 1
    assert not parallel.products_are_divided()
    assert library[0]() == before
    with pytest.raises(ValueError), parallel.dividing_products():
        raise ValueError
    assert library[0]() == before


@pytest.fixture
def divided(threads: int) -> Iterator[None]:
    with parallel.dividing_products():
        yield


@pytest.mark.parametrize("shape", [(300, 200, 100), (100, 200, 300), (64, 3137, 61), (1, 5000, 1000)])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.usefixtures("divided")
def test_large_products(shape: tuple[int, int, int], turned: tuple[bool, bool]) -> None:
    rng = np.random.default_rng(0)
    rows, inner, columns = shape
    a, b = rng.normal(size=(rows, inner)), rng.normal(size=(inner, columns))
    given = [np.ascontiguousarray(m.T).T if t else m for m, t in zip((a, b), turned, strict=True)]
    np.testing.assert_allclose(products.product(*given), np.dot(a, b), rtol=1e-12, atol=1e-12)


def test_products_of_matrices_that_do_not_fit() -> None:
    with pytest.raises(ValueError):
        products.product(np.ones((2000, 2000)), np.ones((1000, 2000)))


@pytest.mark.usefixtures("divided")
def test_batches_of_products() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 90, 80)), rng.normal(size=(7, 80, 100))
    np.testing.assert_allclose(products.batch_product(x, y), np.matmul(x, y), rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 2, 5, 9])
def test_convolutions_do_not_depend_on_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(batch, 20, 20, 16)), rng.normal(size=(3, 3, 16, 32))
    grad = rng.normal(size=(batch, 20, 20, 32))
    g = Geometry((20, 20), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), (20, 20))
    found = []
    for count in (1, 2, 4):
        monkeypatch.setattr(parallel, "thread_count", lambda count=count: count)
        with parallel.dividing_products():
            found.append(
                (
                    conv.conv(np, x, w, g),
                    conv.conv_filter_grad(np, x, w.shape, grad, g),
                    conv.conv_input_grad(np, x.shape, w, grad, g),
                )
            )
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)
