"""Where caches are: as platformdirs says, which is too slow to ask."""

from __future__ import annotations

import platformdirs
import pytest

from starrylab.base.folders import cache_folder, cache_path


@pytest.mark.parametrize("xdg", [None, "", "/some/where", "  "])
def test_the_folder_is_that_of_platformdirs(xdg: str | None, monkeypatch) -> None:
    monkeypatch.delenv("STARRYLAB_CACHE", raising=False)
    if xdg is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    assert cache_path() == platformdirs.user_cache_dir("starrylab")
    assert str(cache_folder()) == cache_path()


def test_a_folder_of_the_users_own(monkeypatch) -> None:
    monkeypatch.setenv("STARRYLAB_CACHE", "/tmp/mine")
    assert cache_path() == "/tmp/mine"
