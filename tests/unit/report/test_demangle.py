"""C++ names in texts for people; names come out of hostile files."""

from __future__ import annotations

import pytest

from cxxrt_toolchain.report import demangle as module
from cxxrt_toolchain.report.demangle import demangle, readable

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def tuples(levels: int) -> str:
    """``f(A)`` with A in a tuple of two, that in a tuple of two, ...: each level doubles it.

    Each level adds two substitutions, ``std::tuple`` and the tuple itself.
    """
    name, reference = "_Z1f1A", "S_"
    for level in range(levels):
        name += f"St5tupleI{reference}{reference}E"
        reference = f"S{DIGITS[2 * level + 1]}_"
    return name


DOUBLING = tuples(16)


needs_demangler = pytest.mark.skipif(
    module._demangler() is None, reason="needs libstdc++.so.6 or libc++abi.so.1 on this machine"
)


@needs_demangler
@pytest.mark.parametrize(
    ("mangled", "declaration"),
    [
        ("_ZN5arrow6BufferC1Ev", "arrow::Buffer::Buffer()"),
        ("_ZTV1A", "vtable for A"),
        ("_ZN3foo3barEv.constprop.0", "foo::bar() [clone .constprop.0]"),
    ],
)
def test_a_mangled_name_becomes_its_declaration(mangled: str, declaration: str) -> None:
    assert demangle(mangled) == declaration


@needs_demangler
def test_names_in_a_sentence_are_replaced_and_paths_are_not() -> None:
    text = "/a/_ZN1Av.so takes _ZN1A1fEv, _ZN1A1gEi@@V1 and f from /b/_ZTV1A/c.so"
    assert readable(text) == ("/a/_ZN1Av.so takes A::f(), A::g(int)@@V1 and f from /b/_ZTV1A/c.so")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_Z",
        "main",
        "_Z1",
        "_Z99999999999999999999f",
        "_ZN",
        "_ZS_",
        "_ZT_",
        "_Z1f\x00v",
        "_Z1f\udcffv",
        "_Z2äv",
        "_Z" + "9" * 5000,
        "_Z1f" + "P" * 100_000,
        "_Z1f" + "FvF" * 330,
        "_Z1f" + "St6vectorI" * 100,
        "_ZNK" + "1A" * 1_000_000 + "Ev",
        DOUBLING,
    ],
    ids=lambda name: ascii(name[:12]),
)
def test_a_hostile_name_stays_as_it_is(name: str) -> None:
    assert demangle(name) == name
    assert name in readable(f"x {name} y")


@needs_demangler
def test_a_name_that_doubles_at_each_level_is_not_demangled() -> None:
    """Without the limit on references, 260 characters become two million."""
    call = module._demangler()
    assert call is not None
    assert len(call(DOUBLING)) > 2_000_000
    assert demangle(DOUBLING) == DOUBLING
    assert demangle(tuples(2)).startswith("f(A, std::tuple<A, A>")
    longest = max(levels for levels in range(16) if module.is_small(tuples(levels)))
    assert longest == 9
    assert len(call(tuples(longest))) < 20_000


def test_without_a_demangler_names_stay_mangled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_demangler", lambda: None)
    assert readable("takes _ZN1A1fEv") == "takes _ZN1A1fEv"
