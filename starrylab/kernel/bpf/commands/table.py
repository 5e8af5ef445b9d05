"""Command number -> what does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ....abi.errno import EINVAL
from . import attaching, elements, loading, objects
from .request import Request

if TYPE_CHECKING:
    from ...thread import Thread

_COMMANDS: Final[Mapping[int, Callable[[Request], int]]] = MappingProxyType(
    {
        b.BPF_MAP_CREATE: elements.create,
        b.BPF_MAP_LOOKUP_ELEM: elements.lookup,
        b.BPF_MAP_UPDATE_ELEM: elements.update,
        b.BPF_MAP_DELETE_ELEM: elements.delete,
        b.BPF_MAP_GET_NEXT_KEY: elements.next_key,
        b.BPF_MAP_LOOKUP_AND_DELETE_ELEM: elements.take,
        b.BPF_MAP_FREEZE: elements.freeze,
        b.BPF_MAP_LOOKUP_BATCH: elements.lookup_batch,
        b.BPF_MAP_LOOKUP_AND_DELETE_BATCH: elements.take_batch,
        b.BPF_MAP_UPDATE_BATCH: elements.update_batch,
        b.BPF_MAP_DELETE_BATCH: elements.delete_batch,
        b.BPF_PROG_LOAD: loading.load,
        b.BPF_BTF_LOAD: loading.load_btf,
        b.BPF_OBJ_PIN: objects.pin,
        b.BPF_OBJ_GET: objects.get,
        b.BPF_PROG_GET_NEXT_ID: objects.next_program,
        b.BPF_MAP_GET_NEXT_ID: objects.next_map,
        b.BPF_BTF_GET_NEXT_ID: objects.next_btf,
        b.BPF_LINK_GET_NEXT_ID: objects.next_link,
        b.BPF_PROG_GET_FD_BY_ID: objects.open_program,
        b.BPF_MAP_GET_FD_BY_ID: objects.open_map,
        b.BPF_BTF_GET_FD_BY_ID: objects.open_btf,
        b.BPF_LINK_GET_FD_BY_ID: objects.open_link,
        b.BPF_OBJ_GET_INFO_BY_FD: objects.info,
        b.BPF_PROG_TEST_RUN: attaching.test_run,
        b.BPF_RAW_TRACEPOINT_OPEN: attaching.raw_tracepoint,
        b.BPF_TASK_FD_QUERY: attaching.query_descriptor,
        b.BPF_LINK_CREATE: attaching.create_link,
        b.BPF_LINK_UPDATE: attaching.update_link,
        b.BPF_LINK_DETACH: attaching.detach_link,
        b.BPF_ENABLE_STATS: attaching.statistics,
        b.BPF_PROG_BIND_MAP: attaching.bind_map,
        b.BPF_PROG_ATTACH: attaching.refuse,
        b.BPF_PROG_DETACH: attaching.refuse,
        b.BPF_PROG_QUERY: attaching.refuse,
        b.BPF_ITER_CREATE: attaching.refuse,
        b.BPF_TOKEN_CREATE: attaching.refuse,
    }
)


def serve(thread: Thread, command: int, addr: int, size: int) -> int:
    """Do a command; raise what bpf(2) lists."""
    request = Request(thread, addr, size)
    found = _COMMANDS.get(command)
    if found is None:
        raise EINVAL
    return found(request)
