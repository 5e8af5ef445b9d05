"""Starting the first program: what is said when it cannot be, and the shell's exit status."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.stat import S_IFDIR, S_IFREG
from starrylab.kernel import boot
from starrylab.kernel.task.cred import Credentials
from starrylab.kernel.vfs.context import FsContext

ROOT = Credentials()


def put(lab, path: bytes, data: bytes = b"", mode: int = 0o755) -> None:
    """Make a file in the lab's root, and its directories."""
    kernel = lab.kernel
    context = FsContext(kernel.root.root_location)
    folder, _, name = path.rpartition(b"/")
    place = boot.make_directory(context, folder) if folder else context.root
    node = place.entry.directory.create(name, S_IFREG | mode, 0, 0)
    place.entry.attach(name, node)
    node.write_at(data, 0)
    context.close()


def elf(machine: int = 243, *, kind: int = 2, interp: bytes = b"") -> bytes:
    """Return a RISC-V program of one page, with an interpreter if named."""
    lines = [(1, 5, 0, 0x10000, 4096, 4096)]
    at = 64 + 56 * 2
    if interp:
        lines.append((3, 4, at, at, len(interp) + 1, len(interp) + 1))
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", kind, machine, 1, 0x10100, 64, 0, 0, 64, 56,
        len(lines), 0, 0, 0,
    )  # fmt: skip
    table = b"".join(struct.pack("<IIQQQQQQ", t, f, o, a, a, s, m, 4096)
                     for t, f, o, a, s, m in lines)  # fmt: skip
    return (header + table).ljust(at, b"\0") + interp.ljust(4096, b"\0")


def start(lab, *argv: bytes, cwd: bytes = b"/", cred: Credentials = ROOT, path: bytes = b"/bin"):
    config = boot.BootConfig(argv, (b"PATH=" + path,), cwd, cred)
    return boot.start(lab.kernel, config, lambda _thread: ())


def failure(lab, *argv: bytes, **options: object) -> tuple[str, int]:
    with pytest.raises(boot.BootError) as refused:
        start(lab, *argv, **options)
    text = str(refused.value)
    assert "\n" not in text
    return text, refused.value.status


def test_a_program_is_found_along_the_path(lab) -> None:
    put(lab, b"/opt/prog", elf())
    thread = start(lab, b"prog", path=b"/nowhere:/opt")
    assert thread.comm == b"prog"
    assert thread.process.pid == 1


@pytest.mark.parametrize(
    ("data", "mode", "words", "status"),
    [
        (elf(), 0o644, "permission denied", 126),
        (elf(62), 0o755, "a program for x86-64; this machine is riscv64", 126),
        (elf(999), 0o755, "machine 999", 126),
        (elf(kind=1), 0o755, "not an executable ELF file", 126),
        (elf()[:50], 0o755, "cut short", 126),
        (elf(interp=b"/lib/ld.so"), 0o755, "its interpreter (the dynamic linker) is not in", 127),
        (b"echo hi\n", 0o755, "neither an ELF program nor a script", 126),
        (b"", 0o755, "neither an ELF program nor a script", 126),
        (b"#!/no/such -x\n", 0o755, "its interpreter /no/such does not exist", 127),
    ],
)
def test_a_file_that_is_no_good(lab, data: bytes, mode: int, words: str, status: int) -> None:
    put(lab, b"/bin/prog", data, mode)
    text, code = failure(lab, b"/bin/prog")
    assert text.startswith("/bin/prog")
    assert words in text
    assert code == status


def test_a_torn_program_table(lab) -> None:
    put(lab, b"/bin/prog", elf()[:100])
    text, status = failure(lab, b"/bin/prog")
    assert "cut short" in text
    assert status == 126


def test_what_is_not_there(lab) -> None:
    assert failure(lab, b"nosuch") == ("nosuch: no such program in the root file system", 127)


def test_a_directory_is_no_program(lab) -> None:
    text, status = failure(lab, b"/dev")
    assert text.startswith("/dev")
    assert status == 126


def test_the_working_directory_has_to_exist(lab) -> None:
    text, status = failure(lab, b"x", cwd=b"/no/where")
    assert "/no/where" in text
    assert status == 125


def test_a_user_needs_the_execute_bit(lab) -> None:
    put(lab, b"/bin/prog", elf(), 0o700)
    assert failure(lab, b"prog", cred=Credentials.user(5, 5))[1] == 126


def test_system_folders_are_made_where_they_are_missing(lab) -> None:
    context = FsContext(lab.kernel.root.root_location)
    for path in (b"dev/pts", b"proc", b"sys", b"dev/shm"):
        assert context.walk(path, ROOT, context.root).node.mode & S_IFDIR
    context.close()
