"""`starrylab doctor`: what it finds, what it advises, and its exit status."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil

import pytest

from starrylab.cli import doctor, main


def test_a_host_that_runs_the_tests_lacks_nothing(capsys) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "MISSING" not in out
    assert f"Python {platform.python_version()}" in out
    assert "unicorn" in out


def test_a_missing_package_is_named_with_what_to_do(monkeypatch, capsys) -> None:
    known = importlib.metadata.version

    def version(name: str) -> str:
        if name == "ziglang":
            raise importlib.metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    where = next(i for i, line in enumerate(lines) if line.startswith("MISSING ziglang"))
    assert "pip install" in lines[where + 1]


def test_a_checkout_that_was_not_installed_is_said(monkeypatch) -> None:
    def requires(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    (finding,) = doctor._packages()
    assert (finding.state, finding.what) == ("missing", "starrylab")


@pytest.mark.parametrize(
    ("system", "cpu", "state"),
    [("Linux", "x86_64", "ok"), ("Linux", "aarch64", "ok"), ("Linux", "ppc64le", "slow"),
     ("Darwin", "arm64", "slow")],
)  # fmt: skip
def test_hosts_at_full_speed(monkeypatch, system: str, cpu: str, state: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: cpu)
    assert next(iter(doctor._machine())).state == state


def test_the_same_packages_as_the_project_declares() -> None:
    assert "unicorn" in doctor.packages()
    assert "pytest" not in doctor.packages()


def test_tools_that_only_tests_use_are_not_missing(monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name, path="": None)
    found = list(doctor._tools())
    assert {finding.state for finding in found} == {"ok"}
    assert all("apt install" in finding.advice for finding in found)
