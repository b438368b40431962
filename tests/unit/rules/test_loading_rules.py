"""What the loader refuses, by facts written by hand; real environments: test_loading.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import process_samples as samples
import pytest
from environment_case import (
    NEW,
    RUNTIME,
    SITE,
    SYSTEM,
    asking,
    binary,
    environment,
    libstdcxx,
    local,
)

from cxxrt_toolchain.facts.loading import (
    Loads,
    Opened,
    find_twins,
    static_tls_left,
    static_tls_room,
    tunables,
)
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.objects import ObjectFacts
    from cxxrt_toolchain.rules.rule import Finding

PROGRAM = binary("/usr/bin/python3.12", ())
CORE, LIBRARY = binary("a/core.so", ["liba.so"]), binary("a/liba.so", ())


def loads(*started: ObjectFacts, preloaded: str = "") -> Loads:
    """A process that starts with some objects and then imports `CORE`."""
    return Loads(
        started=(PROGRAM.path, *(each.path for each in started)),
        preloaded={each.path: (preloaded, "LD_PRELOAD") for each in started if preloaded},
        opened=(
            Opened(
                module=CORE.path, edges={CORE.path: {"liba.so": LIBRARY.path}, LIBRARY.path: {}}
            ),
        ),
        objects={each.path: each for each in (PROGRAM, *started)},
    )


def only(found: tuple[Finding, ...]) -> Finding:
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("glibc", "variable", "severity"),
    [
        ("2.36", "", "note"),
        ("2.40", "", "note"),
        ("2.41", "", "error"),
        ("2.43", "glibc.rtld.execstack=1", "error"),
        ("2.41", "glibc.malloc.check=1:glibc.rtld.execstack=2", "note"),
    ],
)
def test_an_executable_stack_is_an_error_where_glibc_refuses_it(
    glibc: str, variable: str, severity: str
) -> None:
    variables = (("GLIBC_TUNABLES", variable),) if variable else ()
    packages = {"a": [CORE, asking(LIBRARY)]}
    facts = environment(packages, glibc=glibc, loads=loads(), variables=variables)
    found = only(judge(facts))
    assert (found.rule, found.severity.value) == ("CXXRT-H12", severity)
    assert bool(found.remedies) is bool(found.culprits) is (severity == "error")


def test_a_library_that_no_module_maps_may_never_be_opened() -> None:
    plain = environment(
        {"a": [CORE, LIBRARY, asking(binary("a/other.so", ()))]}, glibc="2.41", loads=loads()
    )
    assert only(judge(plain)).severity is Severity.WARNING


def test_a_process_that_starts_with_an_executable_stack_may_open_more() -> None:
    preloaded = asking(binary("/opt/libpre.so", ()))
    packages = {"a": [CORE, asking(LIBRARY)]}
    facts = environment(packages, glibc="2.41", loads=loads(preloaded))
    assert only(judge(facts)).severity is Severity.NOTE


def test_a_process_that_has_loaded_it_gets_a_note() -> None:
    library = samples.library(LIBRARY.path)
    view = samples.view(library, objects={LIBRARY.path: asking(LIBRARY)}, glibc="2.41")
    assert [(each.rule, each.severity) for each in judge(view)] == [("CXXRT-H12", Severity.NOTE)]


def test_static_tls_is_judged_by_what_is_left() -> None:
    full = samples.view(
        samples.library(LIBRARY.path), objects={LIBRARY.path: local(LIBRARY, 1400)}, glibc="2.36"
    )
    assert [(each.rule, each.severity) for each in judge(full)] == [("CXXRT-H13", Severity.NOTE)]
    half = samples.view(samples.library(LIBRARY.path), objects={LIBRARY.path: local(LIBRARY, 800)})
    assert judge(half) == ()
    facts = environment({"a": [CORE, local(LIBRARY, 2000)]}, glibc="2.31", loads=loads())
    found = only(judge(facts))
    assert (found.rule, found.severity, found.culprits) == ("CXXRT-H13", Severity.ERROR, ("a",))
    assert found.remedies == (f"Start Python with LD_PRELOAD={LIBRARY.path}",)


def test_the_room_for_static_tls_is_glibcs() -> None:
    """As measured with glibc 2.36: 144 bytes of libc.so.6 leave 1712."""
    assert static_tls_room([local(binary("/lib/libc.so.6", ()), 144)], "") == 1712
    assert static_tls_room((), "glibc.rtld.optional_static_tls=0x400") == 1664 + 512
    assert static_tls_room((), "glibc.rtld.optional_static_tls=much:glibc.rtld.nns=4") == 1664
    assert tunables("a=1:glibc.rtld.nns=4:") == {"nns": 4}
    assert static_tls_left(100, [local(CORE, 40, 32), local(LIBRARY, 30, 8)]) == 0
    assert static_tls_left(100, [local(CORE, 101)]) == -1
    assert static_tls_left(100, [CORE]) == 100


def test_files_of_one_library_share_a_soname_or_a_build_id() -> None:
    one = binary("a/libx.so.1", (), soname="libx.so.1", build_id="aa")
    named = binary("a/libx.so", (), soname="libx.so.1")
    renamed = binary("a/liby.so", (), soname="liby.so", build_id="aa")
    other = binary("a/libz.so", (), soname="libz.so", build_id="bb")
    nameless = binary("a/plugin.so", (), build_id="aa")
    rows = [(each.path, each.facts) for each in (one, named, renamed, other, nameless)]
    (found,) = find_twins(rows)
    assert found.soname == "libx.so.1"
    assert set(found.paths) == {one.path, named.path, renamed.path}


def test_files_that_objects_need_by_their_names_share_their_symbols() -> None:
    """As abseil in ortools 9.15: nothing has opened one by its path."""
    one = binary("a/libx.so.1", (), soname="libx.so.1")
    two = binary("a.libs/libx-1234.so.1", (), soname="libx.so.1")
    mapped = {"objects": {each.path: each for each in (one, two)}}
    libraries = [samples.library(each.path, package="a") for each in (one, two)]
    both = samples.view(*libraries, needed={CORE.path: ("libx.so.1", "libx-1234.so.1")}, **mapped)
    assert [(each.rule, each.severity) for each in judge(both)] == [("CXXRT-H18", Severity.NOTE)]
    opened = samples.view(*libraries, needed={CORE.path: ("libx.so.1",)}, **mapped)
    found = only(judge(opened))
    assert (found.severity, two.path in found.message) == (Severity.WARNING, True)


def test_a_preloaded_library_that_brings_an_older_libstdcxx_is_blamed() -> None:
    user = binary("b/core.so", needs=["GLIBCXX_3.4.33"])
    ours = [libstdcxx(f"{SITE}/{RUNTIME}", NEW)]
    start = replace(loads(libstdcxx(SYSTEM), preloaded="/opt/libpre.so"), opened=())
    found, note = judge(environment({"b": [user]}, runtime=ours, activated=True, loads=start))
    assert (found.rule, found.culprits, found.victims) == ("CXXRT-D1", (), ("b",))
    assert found.libraries == (user.path, SYSTEM, "/opt/libpre.so")
    assert found.remedies[0] == "python -m cxx11_cuda_runtime run SCRIPT.py"
    assert f"LD_PRELOAD={ours[0].path}:/opt/libpre.so" in found.remedies[1]
    assert (note.rule, note.severity) == ("CXXRT-D10", Severity.NOTE)
    # Without a runtime that has the version, it would be missing without the variable, too.
    alone = judge(environment({"b": [user]}, loads=start))
    assert [(each.rule, each.culprits) for each in alone] == [("CXXRT-D1", ("b",))]
