"""The judgement of an environment: what is an error, what a note, and what is nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from environment_case import (
    NEW,
    OLD,
    RUNTIME,
    SITE,
    SYSTEM,
    binary,
    distribution,
    environment,
    libstdcxx,
)

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.installed import Step
from cxxrt_toolchain.facts.loading import Loads, Unserved
from cxxrt_toolchain.facts.members import MissingSymbols, StringConflict
from cxxrt_toolchain.facts.wheel import UnreadableObject
from cxxrt_toolchain.report.graph import draw
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.environment import EnvironmentFacts
    from cxxrt_toolchain.rules.rule import Finding

USER = binary("b/_core.so", needs=["GLIBCXX_3.4.11", "CXXABI_1.3"])
PRIVATE = libstdcxx(f"{SITE}/a.libs/libstdc++-1a2b3c.so.6", soname="libstdc++-1a2b3c.so.6")
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def only(facts: EnvironmentFacts) -> Finding:
    (found,) = judge(facts)
    return found


def test_packages_that_use_the_machines_libstdcxx_are_healthy() -> None:
    facts = environment({"a": [binary("a/_core.so", needs=["GLIBCXX_3.4.28"])], "b": [USER]})
    assert judge(facts) == ()
    assert draw(facts, ()).healthy


def test_a_version_that_nobody_has_is_an_error() -> None:
    found = only(environment({"a": [binary("a/_core.so", needs=["GLIBCXX_3.4.33"])]}))
    assert (found.rule, found.severity) == ("CXXRT-D1", ERROR)
    assert (found.culprits, found.victims) == (("a",), ("a",))
    assert "GLIBCXX_3.4.33" in found.message
    assert SYSTEM in found.libraries
    assert found.remedies[0] == (
        "pip install cxx11-cuda-runtime && python -m cxx11_cuda_runtime activate"
    )


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(
    ("node", "advice"),
    [
        ("GLIBCXX_3.4.33", "pip install --upgrade cxx11-cuda-runtime"),
        ("GLIBCXX_3.4.35", "No known release of the runtime has GLIBCXX_3.4.35"),
        ("GLIBCXX_3.4.99", "No known release of the runtime has GLIBCXX_3.4.99"),
    ],
)
def test_no_release_is_advised_that_is_not_published(
    *, node: str, advice: str, installed: bool
) -> None:
    """``releases.json`` knows: the newest has GCC 14's libraries."""
    ours = [libstdcxx(f"{SITE}/{RUNTIME}", (*OLD, "GLIBCXX_3.4.30"))] if installed else None
    facts = environment({"a": [binary("a/_core.so", needs=[node])]}, runtime=ours)
    (first, *_) = only(facts).remedies
    if advice.startswith("pip") and not installed:
        advice = "pip install cxx11-cuda-runtime && python -m cxx11_cuda_runtime activate"
    assert first.startswith(advice)


def test_a_weak_need_is_none() -> None:
    user = binary("a/_core.so", needs=["GLIBCXX_3.4.33"])
    weak = tuple(each._replace(weak=True) for each in user.facts.version_needs)
    user = replace(user, facts=replace(user.facts, version_needs=weak))
    assert judge(environment({"a": [user]})) == ()


def test_a_variable_that_hides_the_newer_library_is_blamed_and_not_the_package() -> None:
    old, new = libstdcxx("/opt/old/libstdc++.so.6"), libstdcxx(SYSTEM, NEW)
    facts = environment(
        {"a": [binary("a/_core.so", needs=["GLIBCXX_3.4.33"])]},
        system=(old, new),
        steps=(Step.LD_LIBRARY_PATH, Step.CACHE),
    )
    first, second = judge(facts)
    assert (first.rule, first.severity, first.culprits) == ("CXXRT-D1", ERROR, ())
    assert first.remedies[0].startswith("Unset LD_LIBRARY_PATH")
    assert (second.rule, second.severity) == ("CXXRT-D10", WARNING)
    assert second.victims == ("a",)


def test_a_variable_that_brings_a_newer_library_is_only_noted() -> None:
    facts = environment(
        {"a": [USER]},
        system=(libstdcxx("/opt/new/libstdc++.so.6", NEW), libstdcxx(SYSTEM)),
        steps=(Step.PRELOAD, Step.CACHE),
    )
    assert (only(facts).rule, only(facts).severity) == ("CXXRT-D10", NOTE)


@pytest.mark.parametrize("activated", [True, False])
def test_the_runtime_serves_what_requires_it_and_everything_once_activated(
    *, activated: bool
) -> None:
    user = binary("a/_core.so", needs=["GLIBCXX_3.4.33"])
    ours = [libstdcxx(f"{SITE}/{RUNTIME}", NEW)]
    wired = distribution("a", requires=["cxx11-cuda-runtime>=1.0,<2"])
    assert judge(environment({"a": [user]}, runtime=ours, more=[wired], activated=activated)) == ()
    plain = judge(environment({"a": [user]}, runtime=ours, activated=activated))
    assert [each.rule for each in plain] == ([] if activated else ["CXXRT-D1"])


def test_no_libstdcxx_at_all_is_an_error_and_no_libgomp_a_warning() -> None:
    facts = environment({"a": [USER], "b": [binary("b/_omp.so", ["libgomp.so.1"])]}, system=())
    assert [(each.rule, each.severity) for each in judge(facts)] == [
        ("CXXRT-D12", ERROR),
        ("CXXRT-D12", WARNING),
    ]


def test_a_renamed_private_copy_is_an_error_in_company() -> None:
    packages = {"a": [PRIVATE, binary("a/_core.so", [PRIVATE.name])], "b": [USER]}
    found = only(environment(packages))
    assert (found.rule, found.severity) == ("CXXRT-H1", ERROR)
    assert (found.culprits, found.victims) == (("a",), ("b",))
    assert found.libraries[0] == PRIVATE.path


def test_it_is_only_noted_alone_and_behind_the_shared_runtime() -> None:
    alone = {"a": [PRIVATE, binary("a/_core.so", [PRIVATE.name])]}
    assert only(environment(alone)).severity is NOTE
    ours = [libstdcxx(f"{SITE}/{RUNTIME}", NEW)]
    behind = only(environment({**alone, "b": [USER]}, runtime=ours, activated=True))
    assert (behind.severity, behind.victims) == (NOTE, ())
    assert behind.remedies == ()
    waiting = only(environment({**alone, "b": [USER]}, runtime=ours))
    assert (waiting.severity, waiting.remedies[0]) == (
        ERROR,
        "python -m cxx11_cuda_runtime activate",
    )


def test_a_static_copy_that_is_exported_is_as_bad() -> None:
    static = binary("a/_core.so", (), exports=["_ZNSt5ctypeIcE2idE", "__cxa_throw"])
    found = only(environment({"a": [static], "b": [USER]}))
    assert (found.rule, found.severity, found.victims) == ("CXXRT-H4", ERROR, ("b",))


def test_captured_call_once_is_an_error_where_somebody_calls_it() -> None:
    capturing = binary("a/lib.so", exports=["__once_proxy", "_ZSt11__once_call"])
    found = only(environment({"a": [capturing], "b": [USER]}))
    assert (found.rule, found.severity) == ("CXXRT-H8", ERROR)
    assert (found.culprits, found.victims) == (("a",), ("b",))
    calm = binary("b/_core.so", needs=["GLIBCXX_3.4"])
    assert only(environment({"a": [capturing], "b": [calm]})).severity is NOTE
    assert only(environment({"a": [capturing]})).severity is NOTE


def test_other_captures_are_a_warning_and_versioned_ones_nothing() -> None:
    throwing = binary("a/_core.so", exports=["__cxa_throw"])
    assert only(environment({"a": [throwing], "b": [USER]})).severity is WARNING
    library = binary("a/libx.so", exports=["__cxa_throw"], soname="libx.so")
    assert only(environment({"a": [library], "b": [USER]})).severity is NOTE, "nobody asks for it"
    user = binary("a/_core.so", ["libx.so"])
    assert only(environment({"a": [library, user], "b": [USER]})).severity is WARNING
    versioned = binary("a/lib.so", exports=["__cxa_throw"], defines=["A_1.0"])
    assert judge(environment({"a": [versioned], "b": [USER]})) == ()


def test_exported_error_categories_matter_to_users_of_std_filesystem() -> None:
    exporting = binary("a/_core.so", exports=["_ZNSt3_V216generic_categoryEv"])
    calm = binary("b/_core.so", needs=["GLIBCXX_3.4"])
    found = only(environment({"a": [exporting], "b": [calm]}))
    assert (found.rule, found.severity, found.culprits) == ("CXXRT-H8", NOTE, ())
    files = binary("b/_core.so", needs=["GLIBCXX_3.4.26"])
    findings = judge(environment({"a": [exporting], "b": [files]}))
    (found,) = [each for each in findings if each.rule == "CXXRT-H8"]
    assert (found.severity, found.culprits, found.victims) == (WARNING, ("a",), ("b",))
    assert "an error code of std::filesystem equals no std::errc" in found.message
    assert only(environment({"a": [exporting]})).severity is NOTE


def test_the_order_decides_between_two_of_one_name() -> None:
    def case(theirs: tuple[str, ...], needs: str) -> tuple[str, Severity, tuple[str, ...]]:
        copy = libstdcxx(f"{SITE}/a/lib/libstdc++.so.6", theirs)
        user = binary("a/_core.so", needs=[needs])
        facts = environment(
            {"a": [copy, user], "b": [binary("b/_core.so", needs=["GLIBCXX_3.4.28"])]},
            own={(user.path, "libstdc++.so.6"): copy.path},
        )
        found = only(facts)
        return found.rule, found.severity, found.victims

    assert case(OLD, "GLIBCXX_3.4") == ("CXXRT-D2", NOTE, ())
    assert case(OLD[:2], "GLIBCXX_3.4") == ("CXXRT-D2", WARNING, ("b",))
    assert case(NEW, "GLIBCXX_3.4.33") == ("CXXRT-D2", WARNING, ("a",))


def test_split_openmp_is_worth_knowing_and_two_of_llvms_are_a_warning() -> None:
    gomp = binary("a.libs/libgomp-1.so.1", (), soname="libgomp-1a2b.so.1.0.0")
    other = binary("b.libs/libgomp-2.so.1", (), soname="libgomp-3c4d.so.1.0.0")
    intel = binary("c/libiomp5.so", (), soname="libiomp5.so")
    llvm = binary("d/libomp.so", (), soname="libomp.so")
    stubs = binary("e/libiompstubs5.so", (), soname="libiompstubs5.so", defines=["GOMP_1.0"])
    object.__setattr__(stubs, "copy_of", RuntimeFamily.LIBGOMP)  # frozen; as its versions say
    assert judge(environment({"a": [gomp], "b": [gomp], "e": [stubs]})) == ()
    assert only(environment({"a": [gomp], "b": [other]})).severity is NOTE
    assert only(environment({"a": [gomp], "c": [intel]})).severity is NOTE
    clash = only(environment({"a": [gomp], "c": [intel], "d": [llvm]}))
    assert (clash.rule, clash.severity, clash.culprits) == ("CXXRT-L105", WARNING, ("c", "d"))


def test_several_libcudart_are_worth_knowing_and_a_lacking_one_is_an_error() -> None:
    nvidia = binary("nvidia/lib/libcudart.so.12", (), soname="libcudart.so.12")
    bundled = binary("a.libs/libcudart-1.so.12", (), soname="libcudart-1a2b.so.12")
    major = binary("b/libcudart.so.13", (), soname="libcudart.so.13")
    assert judge(environment({"nvidia": [nvidia], "b": [major]})) == ()
    found = only(environment({"nvidia": [nvidia], "a": [bundled]}))
    assert (found.rule, found.severity) == ("CXXRT-L102", NOTE)
    same = binary("v.libs/libcudart.1a2b.so.12", (), soname="libcudart.so.12")
    asks = binary("v/_core.so", ["libcudart.1a2b.so.12"])
    assert judge(environment({"nvidia": [nvidia], "v": [same]})) == ()
    assert only(environment({"nvidia": [nvidia], "v": [same, asks]})).rule == "CXXRT-L102"
    user = binary("c/_core.so", ["libcudart.so.12"])
    missing = Unserved(
        consumer=user.path,
        modules=(user.path,),
        symbols=("cudaEventElapsedTime_v2",),
        provider=nvidia.path,
    )
    loads = Loads(unserved=(missing,))
    found = only(environment({"nvidia": [nvidia], "c": [user]}, loads=loads))
    assert (found.rule, found.severity) == ("CXXRT-D6", ERROR)
    assert (found.culprits, found.victims) == (("nvidia",), ("c",))


def test_a_driver_of_an_older_major_is_a_warning_and_none_is_nothing() -> None:
    packages = {"a": [binary("a/_core.so", ["libcudart.so.13"])]}
    assert only(environment(packages, driver=12)).rule == "CXXRT-D7"
    assert judge(environment(packages, driver=13)) == ()
    assert judge(environment(packages, driver=None)) == ()


def test_a_newer_glibc_than_the_machines_is_an_error() -> None:
    packages = {"a": [binary("a/_core.so", (), needs=["GLIBC_2.38", "GLIBC_2.4"])]}
    found = only(environment(packages))
    assert (found.rule, found.severity) == ("CXXRT-D8", ERROR)
    assert "2.38" in found.message
    assert judge(environment(packages, glibc="2.38")) == ()


@pytest.mark.parametrize(
    ("requires", "tags", "version", "wrong"),
    [
        (["cxx11-cuda-runtime>=1.9,<2"], [], None, True),
        ([], ["cp312-cxxrt1_cp312-manylinux_2_17_x86_64"], None, True),
        (["cxx11_cuda.runtime>=1.15,<2"], [], "1.14.0", True),
        (["cxx11-cuda-runtime>=1.9,<2"], [], "1.14.0", False),
        (['cxx11-cuda-runtime>=1.9; extra == "fast"'], [], None, False),
        (["cxx11-cuda-runtime-extras"], [], None, False),
    ],
)
def test_a_runtime_that_is_missing_or_too_old_is_an_error(
    requires: list[str], tags: list[str], version: str | None, *, wrong: bool
) -> None:
    package = distribution("a", requires=requires, tags=tags)
    facts = environment({"a": [binary("a/_core.so", ())]}, more=[package])
    if version:
        ours = distribution("cxx11-cuda-runtime", version)
        facts = environment({"a": [], ours.name: []}, more=[package, ours])
        object.__setattr__(facts, "runtime", facts.members[1])
        object.__setattr__(facts, "members", facts.members[:1])
    assert [each.rule for each in judge(facts)] == (["CXXRT-D9"] if wrong else [])


def test_two_spellings_of_string_are_an_error() -> None:
    user, library = binary("a/_core.so", ["libb.so"]), binary("b/libb.so", soname="libb.so")
    conflict = StringConflict(
        consumer=user.path,
        provider=library.path,
        needed="_Z5greetRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
        provided="_Z5greetRKSs",
    )
    found = only(environment({"a": [user], "b": [library]}, strings=(conflict,)))
    assert (found.rule, found.severity, found.culprits) == ("CXXRT-D11", ERROR, ("a",))
    assert "ABI=0" in found.remedies[1]


def test_two_builds_of_one_library_are_a_warning_once_something_is_missing() -> None:
    packages = {
        "a": [binary("a/_x.so", ["libt.so.1"]), binary("a/libt.so.1", (), soname="libt.so.1")],
        "b": [binary("b/_x.so", ["libt.so.1"]), binary("b/libt.so.1", (), soname="libt.so.1")],
    }
    missing = MissingSymbols(
        consumer=packages["a"][0].path, provider=packages["b"][1].path, symbols=("t_new",)
    )
    found = only(environment(packages, builds=(missing,)))
    assert (found.rule, found.severity) == ("CXXRT-D3", WARNING)
    assert (found.culprits, found.victims) == (("b",), ("a",))
    assert found.message == (
        "a fails if b is loaded first: its need of libt.so.1 is then served by that of b"
    )
    assert found.remedies[0] == "Import a before b"
    again = only(environment(packages, builds=(missing, replace(missing, symbols=("t_newer",)))))
    assert len(again.evidence) == 2, "one finding for two packages"


@pytest.mark.parametrize(
    ("name", "machine", "severity"),
    [
        ("a/cut.so", "x86_64", ERROR),
        ("a/cut.so", "", ERROR),
        ("a/libcut.so.1.2", "x86_64", ERROR),
        ("a/data/cut.so.ir", "", NOTE),
        ("a/data/libdsp.so", "em_164", NOTE),
        ("a/data/libarm.so", "aarch64", NOTE),
    ],
)
def test_a_broken_file_is_an_error_where_a_loader_is_asked_for_it(
    name: str, machine: str, severity: Severity
) -> None:
    broken = UnreadableObject(member=f"{SITE}/{name}", reason="the file ends", machine=machine)
    found = only(environment({"a": [USER]}, unreadable=(broken,)))
    assert (found.rule, found.severity) == ("CXXRT-W5", severity)


def test_the_graph_shows_who_uses_and_who_brings_which_runtime() -> None:
    facts = environment({"a": [PRIVATE, binary("a/_core.so", [PRIVATE.name])], "b": [USER]})
    drawn = draw(facts, judge(facts))
    assert [each.name for each in drawn.packages] == ["a", "b"]
    assert {each.path for each in drawn.libraries} == {PRIVATE.path, SYSTEM}
    assert {(e.source, e.target, e.relation.value) for e in drawn.edges} == {
        ("package:a", PRIVATE.path, "owns"),
        ("package:a", PRIVATE.path, "needs"),
        ("package:b", SYSTEM, "needs"),
    }
