"""The monitor's C sources as a process of the host, and a client that greeted it."""

from __future__ import annotations

import shutil

import pytest

from starrylab.link.monitor.client import MonitorClient
from tests.fakes import host_monitor
from tests.oracle.fixtures import _missing


@pytest.fixture(scope="session")
def monitor_program(tmp_path_factory):
    if shutil.which("gcc") is None:
        _missing("gcc is not installed")
    return host_monitor.build(tmp_path_factory.mktemp("monitor"))


@pytest.fixture
def port(monitor_program):
    with host_monitor.HostMonitor(monitor_program) as port:
        yield port


@pytest.fixture
def client(port):
    return MonitorClient(port, turn_s=0.1)
