"""Names as the source has them: C++ as c++filt prints it, Rust as rustc-demangle's ``{:#}``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.symbols.demangle import demangle

#: legacy Rust names, and what rustc-demangle makes of them
LEGACY = {
    "_ZN4testE": "test",  # no hash: this is C++
    "_ZN4core3fmt5write17h0123456789abcdefE": "core::fmt::write",
    "_ZN28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE": "{{closure}}",
    "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h01234567"
    "89abcdefE":
        "<Test + 'static as foo::Bar<Test>>::bar",
    "_ZN3foo17h05af221e174051e9E.llvm.A5310EB9": "foo",
    "_ZN8$RF$testE": "$RF$test",  # c++filt agrees: without a hash it is no Rust name
    "_ZN5a..b117h0123456789abcdefE": "a::b1",
    "_ZN9a..b117h0123456789abcdefE": "_ZN9a..b117h0123456789abcdefE",  # lengths do not add up
}  # fmt: skip

#: v0 names from RFC 2603 and rustc-demangle's own tests, written without hashes
V0 = {
    "_RNvC6_123foo3bar": "123foo::bar",
    "_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y":
        "utf8_idents::საჭმელად_გემრიელი_სადილი",
    "_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_": "cc::spawn::{closure#0}::{closure#0}",
    "_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator9rpositionNC"
    "NgNpB9_6memchr7memrchrs_0E0Bb_":
        "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition::"
        "<core::slice::memchr::memrchr::{closure#1}>::{closure#0}",
    "_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std":
        "alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKc76_E": "<const_generic::Char<'v'>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E": "<const_generic::Unsigned<11>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKs98_E": "<const_generic::Signed<152>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKanb_E": "<const_generic::Signed<-11>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_4BoolKb0_E": "<const_generic::Bool<false>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKca_E": "<const_generic::Char<'\\n'>>",
    "_RMCs4fqI2P2rA04_13const_genericINtB0_3FooKpE": "<const_generic::Foo<_>>",
    "_RNvNvMCs4fqI2P2rA04_13const_genericINtB4_3FooKpE3foo3FOO":
        "<const_generic::Foo<_>>::foo::FOO",
    "_RC3foo.llvm.9D1C9369": "foo",
    "_RINvC3bar3fooKRe616263_E": 'bar::foo::<"abc">',
    "_RINvC3bar3fooFUKCRL_ehEuE": "bar::foo::<unsafe extern \"C\" fn(&str, u8)>",
    "_RINvC3bar3fooFG_RL0_hRL0_tEuE": "bar::foo::<for<'a> fn(&'a u8, &'a u16)>",
    "_RINvC3bar3fooTAhj3_ShPmOxEE": "bar::foo::<([u8; 3], [u8], *const u32, *mut i64)>",
    "_RNvC3foo": "_RNvC3foo",  # ends too early
    "_RYFG_FGyG0_RL0_hEuEp": "_RYFG_FGyG0_RL0_hEuEp",  # a lifetime that no binder introduced
}  # fmt: skip

CPLUSPLUS = {
    "_ZN5space5twiceEi": "space::twice(int)",
    "_ZNSt6vectorIiSaIiEE9push_backEOi": "std::vector<int, std::allocator<int> >::push_back(int&&)",
    "_ZN3fooC2Ev.cold": "foo::foo() [clone .cold]",
    "_ZN3fooC2Ev.isra.0": "foo::foo() [clone .isra.0]",
    "_Z": "_Z",
    "main": "main",
    "main.func1": "main.func1",  # Go's
    "runtime.(*mheap).alloc": "runtime.(*mheap).alloc",
    "": "",
}


@pytest.mark.parametrize(("name", "text"), [*LEGACY.items(), *V0.items(), *CPLUSPLUS.items()])
def test_names(name: str, text: str) -> None:
    assert demangle(name) == text


def test_a_name_that_doubles_itself_again_and_again_is_left_alone() -> None:
    name = "_RINvC1a1bT" + "".join(f"TB{chr(97 + i)}_B{chr(97 + i)}_E" for i in range(20)) + "EE"
    assert demangle(name) == name
    deep = "_RINvC1a1b" + "S" * 2000 + "hE"
    assert demangle(deep) == deep


@given(st.sampled_from([*LEGACY, *V0, *CPLUSPLUS]), st.data())
def test_damaged_names_never_raise(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name)))
    junk = data.draw(st.text(st.sampled_from("_0123456789NCIKBELTGuvsxXYMRp.$é"), max_size=6))
    assert isinstance(demangle(name[:at] + junk + name[at + data.draw(st.integers(0, 3)) :]), str)
