"""Clusters, by stand-ins of their libraries: what they are asked, and that they are let go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from starrylab.labs import LabError
from starrylab.labs.executors import open_executor


class Client:
    """Of dask.distributed."""

    made: Client

    def __init__(self, address: str, timeout: str) -> None:
        if address.endswith(":1"):
            raise OSError("Timed out trying to connect\nto it")
        self.address = address
        self.closed = False
        Client.made = self

    def get_executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1)

    def close(self) -> None:
        self.closed = True


class Ray:
    """The module."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def init(self, address: str, **_: Any) -> None:
        if address.endswith(":1"):
            raise ConnectionError("ray client connection timeout")
        self.told.append(address)

    def shutdown(self) -> None:
        self.told.append("shutdown")

    def remote(self, function: Callable[..., Any]) -> Any:
        def call(*args: Any) -> Any:
            future: Future[Any] = Future()
            future.set_result(function(*args))
            return SimpleNamespace(future=lambda: future)

        return SimpleNamespace(remote=call)


def test_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    with open_executor("dask://head:8786", 1) as executor:
        assert executor.submit(pow, 2, 5).result() == 32
        assert (Client.made.address, Client.made.closed) == ("tcp://head:8786", False)
    assert Client.made.closed


def test_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray()
    monkeypatch.setitem(sys.modules, "ray", ray)
    with open_executor("ray://head:10001", 1) as executor:
        assert executor.submit(pow, 2, 5).result() == 32
        assert ray.told == ["ray://head:10001"]
    assert ray.told == ["ray://head:10001", "shutdown"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("dask://head:1", "--executor dask://head:1: Timed out trying to connect to it"),
        ("ray://head:1", "--executor ray://head:1: ray client connection timeout"),
        ("slurm://x", "--executor slurm://x: give processes, dask://HOST:PORT or ray://HOST:PORT"),
        ("dask", "--executor dask: give processes, dask://HOST:PORT or ray://HOST:PORT"),
    ],
)
def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch, spec: str, said: str) -> None:
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    monkeypatch.setitem(sys.modules, "ray", Ray())
    with pytest.raises(LabError) as error, open_executor(spec, 1):
        pass
    assert str(error.value) == said
