"""What the build's log says of a finished wheel: unmet requirements, exports, libc++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elf_maker import make_elf

from cxxrt_toolchain.backend.config import BuildConfig
from cxxrt_toolchain.backend.notes import build_notes
from cxxrt_toolchain.collect.wheel import collect
from cxxrt_toolchain.repair.options import PlanOptions
from cxxrt_toolchain.repair.plan import make_plan
from cxxrt_toolchain.wheel.reader import Wheel

if TYPE_CHECKING:
    from tests.conftest import MakeWheel

MODULE = "demo/_ext.cpython-311-x86_64-linux-gnu.so"


def notes(
    make_wheel: MakeWheel, facts: dict[str, object], config: BuildConfig | None = None
) -> list[str]:
    elf = make_elf({"needed": ["libstdc++.so.6"], **facts})
    files = {"demo/__init__.py": b"", MODULE: elf}
    path = make_wheel(files, tags=["cp311-cp311-manylinux_2_17_x86_64"])
    with Wheel.open(path) as wheel:
        report = collect(wheel, record=False)
        plan = make_plan(report, PlanOptions(building=True), wheel.read)
        return list(build_notes(report, plan, config or BuildConfig()))


def needs(version: str) -> dict[str, object]:
    return {"needs": {"libstdc++.so.6": [version]}}


def test_a_requirement_that_no_published_runtime_meets_is_said(make_wheel: MakeWheel) -> None:
    (note,) = notes(make_wheel, needs("GLIBCXX_3.4.36"))
    assert "cxx11-cuda-runtime<2,>=1.16" in note
    assert "cxxrt runtime compiler" in note
    assert notes(make_wheel, needs("GLIBCXX_3.4.33")) == []


def test_a_module_that_exports_more_than_its_init_function_is_named(make_wheel: MakeWheel) -> None:
    exports = ["PyInit__ext", "_ZN4core5shownEv", "_fini"]
    (note,) = notes(make_wheel, {"exports": exports})
    assert note.startswith(f"{MODULE} exports 1 symbols beside its init function (_ZN4core5shownEv")
    assert notes(make_wheel, {"exports": ["PyInit__ext", "PyModExport__ext", "_fini"]}) == []


def test_exports_that_the_project_asked_for_are_not_mentioned(make_wheel: MakeWheel) -> None:
    exports = ["PyInit__ext", "_ZN4core5shownEv"]
    off = BuildConfig(hide_vague_linkage=False)
    kept = BuildConfig(keep_exports=("demo._ext",))
    assert notes(make_wheel, {"exports": exports}, kept) == []
    assert notes(make_wheel, {"exports": exports}, off) == []
    assert notes(make_wheel, {"exports": ["helper"]}) == [], "a library is no module"


def test_libcxx_is_named_as_what_the_runtime_does_not_serve(make_wheel: MakeWheel) -> None:
    found = notes(make_wheel, {"needed": ["libc++.so.1", "libc.so.6"]})
    assert [note for note in found if "needs libc++.so.1" in note and "grafts" in note]
