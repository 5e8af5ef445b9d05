"""A file that a person names may be anything."""

import errno
import os
import threading

import pytest

from starrylab.image import reading


def test_a_pipe_is_read_to_its_end():
    inner, outer = os.pipe()
    content = bytes(100_000)  # more than a pipe holds

    def write():
        with open(outer, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert reading.read_image(reading.Path(f"/dev/fd/{inner}")) == content
    finally:
        writer.join()
        os.close(inner)


def test_what_has_no_end_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "_STREAM", 4096)
    with pytest.raises(OSError, match="File too large") as caught:
        reading.read_image(reading.Path("/dev/zero"))
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, "/dev/zero")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError):
        reading.read_image(tmp_path)
