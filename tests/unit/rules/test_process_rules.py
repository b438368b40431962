"""From what a process shows to who is to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from process_samples import (
    DAMAGED,
    HEALTHY,
    MAKER,
    PRIVATE,
    SITE,
    SYSTEM,
    UNUSED,
    VICTIM,
    bound,
    library,
    stdcxx,
    table,
    view,
)

from cxxrt_toolchain.facts.bindings import Bindings
from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.interposition import namespace_of
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.process import ProcessView
    from cxxrt_toolchain.rules.rule import Finding

OLD = f"{SITE}/older/libstdc++.so.6"


def _of(rule: str, seen: ProcessView) -> Finding:
    found = [each for each in judge(seen) if each.rule == f"CXXRT-{rule}"]
    assert len(found) == 1, [str(each) for each in judge(seen)]
    return found[0]


def _rules(seen: ProcessView) -> list[tuple[str, Severity]]:
    return [(each.rule.removeprefix("CXXRT-"), each.severity) for each in judge(seen)]


TWO = (library(MAKER), stdcxx(PRIVATE), library(VICTIM), stdcxx())
NEEDED = {VICTIM: ("libstdc++.so.6",), MAKER: (PRIVATE.rpartition("/")[2],)}


def test_a_damaged_system_copy_is_the_fault_of_who_brought_another() -> None:
    bindings = Bindings(locales=(table(PRIVATE, HEALTHY), table(SYSTEM, DAMAGED)))
    found = _of("D20", view(*TWO, needed=NEEDED, bindings=bindings))
    assert found.severity is Severity.ERROR
    assert found.culprits == ("maker",)
    assert found.victims == ("victim",)
    assert found.libraries[0] == SYSTEM
    assert "num_put<char>, codecvt<char16_t>" in found.evidence[1]
    assert "activate" in found.remedies[0]


def test_a_python_that_is_too_old_for_the_runtime_wheel_is_not_told_to_install_it() -> None:
    bindings = Bindings(locales=(table(PRIVATE, HEALTHY), table(SYSTEM, DAMAGED)))
    found = _of("D20", view(*TWO, needed=NEEDED, bindings=bindings, python="3.6"))
    assert found.remedies[0].startswith("Start Python with LD_PRELOAD=")


def test_a_damaged_private_copy_is_its_own_packages_fault() -> None:
    bindings = Bindings(locales=(table(SYSTEM, HEALTHY), table(PRIVATE, DAMAGED)))
    found = _of("D20", view(*TWO, needed=NEEDED, bindings=bindings))
    assert found.culprits == ("maker",)
    assert found.victims == ()


def test_a_private_copy_that_is_bound_to_the_shared_one_is_inert() -> None:
    bindings = Bindings(locales=(table(SYSTEM, HEALTHY), table(PRIVATE, HEALTHY, SYSTEM)))
    seen = view(*TWO, needed=NEEDED, bindings=bindings)
    assert _of("H1", seen).severity is Severity.NOTE
    assert all(severity is Severity.NOTE for _, severity in _rules(seen))


@pytest.mark.parametrize("private", [HEALTHY, UNUSED], ids=["in use", "not used yet"])
def test_two_live_copies_are_an_error(private: tuple[int, ...]) -> None:
    bindings = Bindings(locales=(table(PRIVATE, private), table(SYSTEM, UNUSED)))
    found = _of("H1", view(*TWO, needed=NEEDED, bindings=bindings))
    assert found.severity is Severity.ERROR
    assert "brings a private copy of libstdc++" in found.message
    assert found.culprits == ("maker",)
    assert found.victims == ("victim",)


def test_a_static_exported_copy_has_its_own_rule() -> None:
    static = library(MAKER, static=(RuntimeFamily.LIBSTDCXX,))
    bindings = Bindings(locales=(table(MAKER, HEALTHY), table(SYSTEM, UNUSED)))
    found = _of("H4", view(static, stdcxx(), bindings=bindings))
    assert found.culprits == ("maker",)


def test_captured_call_once_is_an_error() -> None:
    rows = tuple(bound(name) for name in ("_ZSt11__once_call", "__once_proxy", "_ZNSs4swapERSs"))
    bindings = Bindings(pairs={(SYSTEM, MAKER): rows})
    seen = view(library(MAKER), stdcxx(), library(VICTIM), needed=NEEDED, bindings=bindings)
    found = _of("D21", seen)
    assert found.severity is Severity.ERROR
    assert found.culprits == ("maker",)
    assert found.victims == ("victim",)
    assert found.evidence == (
        f"_ZSt11__once_call is bound to {MAKER}",
        f"__once_proxy is bound to {MAKER}",
    )


def test_what_is_captured_without_known_harm_is_counted_by_kind() -> None:
    rows = (bound("_ZNSs4swapERSs"), bound("_ZSt5x", unique=True))
    seen = view(library(MAKER), stdcxx(), bindings=Bindings(pairs={(SYSTEM, MAKER): rows}))
    found = _of("D21", seen)
    assert found.severity is Severity.NOTE
    assert found.culprits == ()
    assert "1 symbol of" in found.message
    assert "(1 function)" in found.message
    data = (*rows, bound("_ZTVSt9exception", data=True), bound("_ZSt4cout", data=True))
    seen = view(library(MAKER), stdcxx(), bindings=Bindings(pairs={(SYSTEM, MAKER): data}))
    assert "(1 function, 1 table and 1 variable)" in _of("D21", seen).message


def test_captured_error_categories_are_a_warning() -> None:
    rows = (bound("_ZNSs4swapERSs"), bound("_ZNSt3_V216generic_categoryEv"))
    seen = view(
        *(library(MAKER), stdcxx(), library(VICTIM)),
        needed={VICTIM: ("libstdc++.so.6",)},
        bindings=Bindings(pairs={(SYSTEM, MAKER): rows}),
    )
    found = _of("D21", seen)
    assert (found.severity, found.culprits) == (Severity.WARNING, ("maker",))
    assert found.victims == ("victim",)
    assert "2 symbols of" in found.message
    assert found.evidence == (f"_ZNSt3_V216generic_categoryEv is bound to {MAKER}",)
    assert found.remedies


@pytest.mark.parametrize(
    ("mine", "theirs", "names", "severity"),
    [
        ("libproj-3ec30893.so.25.9.5.1", "libproj.so.25.9.8.1", ("_ZN4proj1fEv",), "warning"),
        ("libproj-3ec30893.so.25.9.8.1", "libproj.so.25.9.5.1", ("_ZN4proj1fEv",), "warning"),
        ("libproj-3ec30893.so.25.9.8.1", "libproj.so.25.9.8.1", ("_ZN4proj1fEv",), "note"),
        ("libz.so.1.3.1", "libz-1a2b3c4d.so.1.2.3", ("deflate",), "warning"),
        ("libz.so.1.2.3", "libz-1a2b3c4d.so.1.3.1", ("deflate",), "note"),
        ("libz.so.1.2.3", "libproj.so.25.9.8.1", ("_ZN4proj1fEv",), "note"),
        ("libz.so.1", "libz.so.2", ("_Z1fv",), "note"),
    ],
)
def test_two_releases_of_one_library_are_a_warning(
    mine: str, theirs: str, names: tuple[str, ...], severity: str
) -> None:
    holder, target = f"{SITE}/victim.libs/{mine}", f"{SITE}/maker.libs/{theirs}"
    pairs = {(holder, target): tuple(map(bound, names))}
    found = _of("D22", view(library(target), library(holder), bindings=Bindings(pairs=pairs)))
    assert found.severity.value == severity
    if severity == "warning":
        assert (found.culprits, found.victims) == (("maker",), ("victim",))
        stem = mine.partition(".so")[0].partition("-")[0]
        old, new = (each.partition(".so.")[2] for each in (mine, theirs))
        assert f"{stem} {old} gets definitions of {new}" in found.evidence


def test_a_sanitizer_takes_over_on_purpose() -> None:
    asan = library("/usr/lib/x86_64-linux-gnu/libasan.so.8")
    bindings = Bindings(pairs={(SYSTEM, asan.path): (bound("__cxa_throw"),)})
    assert _of("D21", view(asan, stdcxx(), bindings=bindings)).severity is Severity.NOTE


def test_a_package_may_do_to_its_own_copy_what_it_likes() -> None:
    bindings = Bindings(pairs={(PRIVATE, f"{SITE}/maker.libs/x.so"): (bound("__cxa_throw"),)})
    inner = library(f"{SITE}/maker.libs/x.so")
    assert not [rule for rule, _ in _rules(view(inner, stdcxx(PRIVATE), bindings=bindings)) if
                rule == "D21"]  # fmt: skip


PROTOBUF = "_ZN6google8protobuf30_FileOptions_default_instance_E"


def test_replaced_classes_of_another_size_name_both_sides() -> None:
    rows = (bound(PROTOBUF, (168, 176), layout=True), bound("_ZN6google8protobuf3addEv"))
    seen = view(library(MAKER), library(VICTIM), bindings=Bindings(pairs={(VICTIM, MAKER): rows}))
    found = _of("D22", seen)
    assert found.severity is Severity.WARNING
    assert (found.culprits, found.victims) == (("maker",), ("victim",))
    assert found.evidence[0] == "by namespace: google::protobuf (2)"
    assert "168 bytes, replaced by 176" in found.evidence[1]
    assert found.remedies[0] == "import victim before maker"


def test_who_is_needed_need_not_be_global_and_always_comes_first() -> None:
    rows = (bound(PROTOBUF, (168, 176), layout=True),)
    middle = library(f"{SITE}/victim.libs/libmiddle.so", package="victim")
    seen = view(
        *(library(MAKER), middle, library(VICTIM)),
        needed={VICTIM: (middle.soname,), middle.path: (library(MAKER).soname,)},
        bindings=Bindings(pairs={(VICTIM, MAKER): rows}),
    )
    found = _of("D22", seen)
    assert "is replaced by that of maker 1.0, which it needs; they are not" in found.message
    assert [each for each in found.remedies if each.startswith("import")] == []


@pytest.mark.parametrize(
    "rows",
    [
        (bound("_ZN3re216unicode_casefoldE", (4464, 4404)), bound("_ZN3re23RE2C1Ev")),
        (bound("_ZTVN3foo3BarE", (40, 40), layout=True),),
    ],
)
def test_replaced_definitions_that_may_be_alike_are_for_information(rows: tuple) -> None:  # type: ignore[type-arg]  # a pair's rows
    seen = view(library(MAKER), library(VICTIM), bindings=Bindings(pairs={(VICTIM, MAKER): rows}))
    assert _rules(seen) == [("D22", Severity.NOTE)]


def test_what_is_shared_on_purpose_or_inside_a_package_is_no_finding() -> None:
    own = library(f"{SITE}/victim/other.so")
    pairs = {
        (VICTIM, MAKER): (bound("_ZZN3foo3barEvE1x", unique=True), bound("plain_c_name")),
        (VICTIM, own.path): (bound("_ZN3foo3barEv"),),
        (VICTIM, SYSTEM): (bound("_ZSt3foov"),),
    }
    seen = view(library(MAKER), library(VICTIM), own, stdcxx(), bindings=Bindings(pairs=pairs))
    assert _rules(seen) == [("L104", Severity.NOTE)]


@pytest.mark.parametrize(
    ("mine", "theirs", "severity"),
    [
        ("4.8.2", "4.9.2", Severity.WARNING),
        ("4.8.2", "4.8.5", Severity.NOTE),
        ("4.8.5", "11.2.1", Severity.WARNING),
        ("8.5.0", "14.2.1", Severity.NOTE),
    ],
)
def test_templates_of_std_were_not_stable_before_gcc_5(
    mine: str, theirs: str, severity: Severity
) -> None:
    rows = (bound("_ZNSt16_Sp_counted_baseILN9__gnu_cxx12_Lock_policyE2EE10_M_releaseEv"),)
    seen = view(
        library(MAKER),
        library(VICTIM),
        bindings=Bindings(pairs={(VICTIM, MAKER): rows}),
        compilers={
            VICTIM: ("GCC: (GNU) 4.1.2 20080704", f"GCC: (GNU) {mine} 20140120"),
            MAKER: (f"GCC: (GNU) {theirs}",),
        },
    )
    assert _of("D22", seen).severity is severity


def test_the_older_of_two_shared_copies_came_first() -> None:
    first = stdcxx(OLD, "GLIBCXX_3.4.28")
    seen = view(library(MAKER), first, stdcxx(), needed={MAKER: ("libstdc++.so.6",)})
    found = _of("L104", seen)
    assert found.severity is Severity.WARNING
    assert found.culprits == ("older",)
    assert f"brought by {MAKER} of maker 1.0" in found.message
    assert "up to GLIBCXX_3.4.30" in found.message


def test_one_system_copy_is_named_with_who_brought_it() -> None:
    seen = view(
        library(MAKER), stdcxx(), needed={MAKER: ("libstdc++.so.6",)},
        runtime_version="GLIBCXX_3.4.33",
    )  # fmt: skip
    found = _of("L104", seen)
    assert found.severity is Severity.NOTE
    assert "brought by" in found.message
    assert "the installed runtime has GLIBCXX_3.4.33" in found.message


def test_the_shared_runtime_itself_is_no_finding() -> None:
    assert judge(view(stdcxx(origin=Origin.RUNTIME), library(MAKER))) == ()


@pytest.mark.parametrize(
    ("families", "severity", "remedy"),
    [
        ((RuntimeFamily.LIBGOMP, RuntimeFamily.LIBGOMP), Severity.NOTE, "cxxrt repair"),
        ((RuntimeFamily.LIBGOMP, RuntimeFamily.LIBIOMP), Severity.NOTE, "threadpoolctl"),
        ((RuntimeFamily.LIBIOMP, RuntimeFamily.LIBOMP), Severity.WARNING, "one OpenMP runtime"),
    ],
)
def test_two_openmp_runtimes(
    families: tuple[RuntimeFamily, ...], severity: Severity, remedy: str
) -> None:
    copies = [
        library(f"{SITE}/p{index}.libs/lib{index}.so", family=family)
        for index, family in enumerate(families)
    ]
    found = _of("L105", view(*copies))
    assert found.severity is severity
    assert remedy in found.remedies[-1]


def test_two_cudarts_of_one_major_share_no_state_and_two_majors_may() -> None:
    first = library(f"{SITE}/nvidia/libcudart.so.13", family=RuntimeFamily.LIBCUDART)
    second = library(
        f"{SITE}/vision.libs/libcudart.faf08d9a.so.13",
        family=RuntimeFamily.LIBCUDART,
        soname="libcudart-faf08d9a.so.13",
    )
    found = _of("L102", view(first, second))
    assert found.severity is Severity.WARNING
    assert found.culprits == ("nvidia", "vision")
    other = second._replace(soname="libcudart.so.12")
    assert judge(view(first, other)) == ()


def test_a_cudart_that_nobody_is_bound_to_does_no_harm() -> None:
    first = library(f"{SITE}/nvidia/libcudart.so.13", family=RuntimeFamily.LIBCUDART)
    paths = (f"{SITE}/vision.libs/libcudart.so.13", f"{SITE}/other.libs/libcudart.so.13")
    idle, third = (library(path, family=RuntimeFamily.LIBCUDART) for path in paths)
    bindings = Bindings(idle=(idle.path,))
    (found,) = judge(view(first, idle, bindings=bindings))
    assert (found.rule, found.severity, found.culprits) == ("CXXRT-L102", Severity.NOTE, ())
    assert "vision 1.0 brings a copy of libcudart.so.13" in found.message
    assert f"because {first.path} is loaded first and is global" in found.message
    worst, note = judge(view(first, idle, third, bindings=bindings))
    assert (worst.severity, worst.culprits) == (Severity.WARNING, ("nvidia", "other"))
    assert note == found


def test_a_replaced_runtime_library() -> None:
    found = _of("L109", view(stdcxx(deleted=True)))
    assert found.remedies == ("restart the process",)


def test_without_memory_the_copies_are_named_and_nothing_is_claimed() -> None:
    seen = view(*TWO, bindings=None, ordered=False, why_no_memory="the kernel does not allow it")
    assert _of("D24", seen).severity is Severity.NOTE
    found = _of("H1", seen)
    assert found.severity is Severity.WARNING
    assert "cannot be seen without reading" in found.message
    assert found.culprits == ("maker",)


def test_a_variable_that_leads_to_a_runtime() -> None:
    copy = stdcxx("/opt/old/libstdc++.so.6", origin=Origin.OTHER)
    found = _of("D10", view(copy, variables={"LD_LIBRARY_PATH": "/opt/older:/opt/old/"}))
    assert found.severity is Severity.NOTE
    assert found.libraries == (copy.path,)
    assert not [
        rule for rule, _ in _rules(view(copy, variables={"LD_LIBRARY_PATH": "/opt/older"}))
        if rule == "D10"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("_ZN6google8protobuf7Message3addEv", "google::protobuf"),
        ("_ZTVN5arrow6BufferE", "arrow"),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std"),
        ("_ZSt7forwardv", "std"),
        ("_ZNSs4swapERSs", "std"),
        ("_ZNK5arrow6Buffer4sizeEv", "arrow::Buffer"),
        ("_Z3foov", "::"),
        ("memcpy", "::"),
        ("_ZGVZN3foo3barEvE1x", "foo"),
    ],
)
def test_the_namespace_of_a_mangled_name(name: str, space: str) -> None:
    assert namespace_of(name) == space
