"""Building C programs: the cache, its key, errors, two builders at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from starrylab import userland
from starrylab.userland import BuildError, build, compile_c


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hello.c"
    path.write_text('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache of its own for programs; the compiler's is shared, for it has the C library."""
    return tmp_path / "cache"


def test_builds_once_and_tells_so(source: Path, cache: Path) -> None:
    said: list[str] = []
    first = compile_c([source], "riscv64", cache=cache, progress=said.append)
    assert first.read_bytes()[:4] == b"\x7fELF"
    stamp = first.stat().st_mtime_ns
    assert compile_c([source], "riscv64", cache=cache, progress=said.append) == first
    assert first.stat().st_mtime_ns == stamp
    assert len(said) == 1


def test_key_follows_source_header_flags_and_architecture(source: Path, cache: Path) -> None:
    def key(*flags: str) -> str:
        return build._key([source], flags)

    keys = {key(), key("-O2")}
    source.write_text(source.read_text() + "\n")
    keys.add(key())
    (source.parent / "extra.h").write_text("")
    keys.add(key())
    assert len(keys) == 4


def test_sources_of_the_c_library_do_not_depend_on_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    environment = userland.compiler_environment()
    link = Path(environment["ZIG_LIB_DIR"])
    assert (link / "libc" / "musl").is_dir()
    link.unlink()
    link.symlink_to(tmp_path / "an environment that is gone")
    assert userland.compiler_environment() == environment
    assert (link / "libc" / "musl").is_dir()


def test_error_names_the_place(source: Path, cache: Path) -> None:
    source.write_text("int main(void) { return nothing; }\n")
    with pytest.raises(BuildError, match=r"hello\.c:1:"):
        compile_c([source], "riscv64", cache=cache)
    assert not list((cache / "programs").glob("hello-*"))


def test_unknown_architecture(source: Path) -> None:
    with pytest.raises(BuildError, match="known: riscv64"):
        compile_c([source], "pdp11")


def test_missing_compiler(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "compiler_folder", lambda: None)
    with pytest.raises(BuildError, match="pip install ziglang"):
        compile_c([source], "riscv64", cache=cache)


def test_two_builders_at_once(source: Path, cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from starrylab.userland import compile_c;"
        "print(compile_c([Path(sys.argv[1])], 'riscv64', cache=Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(source), str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    paths = {process.communicate(timeout=120)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(paths) == 1
    assert Path(paths.pop()).stat().st_size > 1000


def test_what_is_cached_is_found_without_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = userland.programs("riscv64")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was run"))
    assert userland.programs("riscv64") == folder


def test_every_applet_has_a_source_that_says_what_it_does() -> None:
    for name in userland.applets():
        if name == "help":
            continue
        first = (userland.SOURCES / f"{name}.c").read_text().splitlines()[0]
        assert first.startswith(f"/* {name}"), name
