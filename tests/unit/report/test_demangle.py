"""C++ names in texts for people; names come out of hostile files."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cxxrt_toolchain.report import demangle as module
from cxxrt_toolchain.report.demangle import demangle, readable

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DOUBLING = "_Z1f1A" + "".join(f"St4pairIS{at}_S{at}_E" for at in ("", *DIGITS))
"""Each level has the one before twice: a declaration of 2 ** 37 names."""

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


def test_a_name_with_many_references_takes_little_time_and_memory() -> None:
    """In a child with 64 MiB beyond what Python needs, so that a flood would end it."""
    names = [DOUBLING[: DOUBLING.index(f"St4pairIS{digit}_")] for digit in DIGITS]
    code = (
        "import resource, sys\n"
        "from cxxrt_toolchain.report.demangle import demangle\n"
        "demangle('_Z1fv')\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20),) * 2)\n"
        "for name in sys.argv[1:]: demangle(name)\n"
    )
    subprocess.run([sys.executable, "-c", code, *names], check=True, timeout=20)


def test_without_a_demangler_names_stay_mangled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_demangler", lambda: None)
    assert readable("takes _ZN1A1fEv") == "takes _ZN1A1fEv"
