"""Where submissions are graded: processes of this host, or a cluster of dask or Ray."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from types import MappingProxyType
from typing import Any, Final

from .catalog import LabError

_PATIENCE: Final = "10s"  #: for a cluster to answer


@contextlib.contextmanager
def open_executor(spec: str, width: int) -> Iterator[Executor]:
    """Yield what runs the tasks; ``width`` is the number of processes on this host.

    ``spec`` is "processes", "dask://HOST:PORT" (the scheduler's) or "ray://HOST:PORT" (the
    head node's client server).  Raises `LabError` where there is no such cluster.
    """
    scheme, found, _ = spec.partition("://")
    if spec == "processes":
        with ProcessPoolExecutor(width) as pool:
            yield pool
    elif found and scheme in _CLUSTERS:
        with _CLUSTERS[scheme](spec) as cluster:
            yield cluster
    else:
        raise LabError(f"--executor {spec}: give processes, dask://HOST:PORT or ray://HOST:PORT")


@contextlib.contextmanager
def _dask(spec: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise LabError("--executor dask:// needs: pip install 'starrylab[dask]'") from None
    _silence("distributed")
    try:
        client = Client(spec.replace("dask://", "tcp://"), timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        raise LabError(f"--executor {spec}: {_one_line(error)}") from None
    try:
        yield client.get_executor()
    finally:
        client.close()


def _silence(package: str) -> None:
    """Let a library log nothing: what it would say is told in one line."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == package:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def _ray(spec: str) -> Iterator[Executor]:
    try:
        import ray
    except ImportError:
        raise LabError("--executor ray:// needs: pip install 'starrylab[ray]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(spec, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise LabError(f"--executor {spec}: {_one_line(error)}") from None
    try:
        yield _RayExecutor(ray)
    finally:
        ray.shutdown()


class _RayExecutor(Executor):
    """Ray's tasks as futures of the standard library."""

    def __init__(self, ray: Any) -> None:
        self._call = ray.remote(_call)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `Executor.submit`."""
        future: Future[Any] = self._call.remote(function, args, kwargs).future()
        return future


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


_CLUSTERS: Final = MappingProxyType({"dask": _dask, "ray": _ray})
