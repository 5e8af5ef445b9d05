from tests.kernel.vfs.vfs_world import World


def test_open_write_read_close_stat_and_list() -> None:
    t = World().thread()
    t.call("mkdirat", -100, b"/tmp", 0o777)
    t.put(b"/tmp/a", b"hello" * 5000)
    assert t.get(b"/tmp/a") == b"hello" * 5000
    st = t.stat(b"/tmp/a")
    assert (st.size, st.blocks, st.nlink, st.mode) == (25000, 56, 1, 0o100644)
    assert t.listing(b"/tmp") == [b"a"]
