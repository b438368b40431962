"""What a failed import is put down to, from memory, loader and experiments together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from process_samples import (
    DAMAGED,
    HEALTHY,
    MAKER,
    PRIVATE,
    SITE,
    SYSTEM,
    VICTIM,
    bound,
    distribution,
    environment,
    library,
    stdcxx,
    table,
    view,
)

from cxxrt_toolchain.facts.bindings import Bindings, Bound
from cxxrt_toolchain.facts.imports.run import (
    Attempt,
    CrashSite,
    Event,
    ImportRun,
    ImportScene,
    Kind,
    Outcome,
    Registry,
)
from cxxrt_toolchain.facts.imports.trials import Change, Ending, Trial, Verdict
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.imports import crashes

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.process import ProcessView
    from cxxrt_toolchain.rules.rule import Finding

INSTALLED = environment(
    distribution("maker", "maker/core.so"), distribution("victim", "victim/core.so")
)
CRASH: Attempt[ProcessView | None] = Attempt(
    module="victim",
    outcome=Outcome.CRASHED,
    detail="SIGSEGV",
    where=f"{SITE}/victim/__init__.py:3",
    events=(Event(Kind.STARTED, VICTIM, ""),),
)
PAIR: dict[tuple[str, str], tuple[Bound, ...]] = {
    (VICTIM, MAKER): (bound("_ZN3foo3BarC1Ev"), bound("_ZN3foo3BarC2Ev"))
}


WORKS, SAME, OTHER = Ending.WORKS, Ending.SAME, Ending.OTHER
NAMES = {Change.ALONE: "victim alone", Change.FEWER: "without maker"}


def _verdict(endings: dict[Change, Ending], *, preloaded: str = "") -> Verdict:
    return Verdict(
        trials=tuple(
            Trial(change, NAMES.get(change, change.value), ending.value, ending, preloaded)
            for change, ending in endings.items()
        )
    )


RUNTIME_CURES = {Change.ALONE: WORKS, Change.RUNTIME: WORKS}
ORDER_CURES = {Change.ALONE: WORKS, Change.DEEPBIND: SAME, Change.ORDER: WORKS}


def _scene(
    seen: ProcessView,
    verdict: Verdict | None,
    failure: Attempt[ProcessView | None] = CRASH,
    noise: str = "",
) -> ImportScene:
    first: Attempt[ProcessView | None] = Attempt(module="maker", outcome=Outcome.IMPORTED)
    run = ImportRun(attempts=(first, failure), before=seen, noise=noise)
    return ImportScene(run=run, environment=INSTALLED, verdict=verdict)


def _main(
    seen: ProcessView,
    verdict: Verdict | None,
    failure: Attempt[ProcessView | None] = CRASH,
    noise: str = "",
) -> Finding:
    (found,) = judge(_scene(seen, verdict, failure, noise))
    assert (found.rule in crashes.RULES) or failure.outcome is Outcome.EXCEPTION
    return found


def test_a_crash_that_a_runtime_cures_is_the_damaged_tables() -> None:
    seen = view(
        *(library(MAKER), stdcxx(PRIVATE), library(VICTIM), stdcxx()),
        bindings=Bindings(locales=(table(PRIVATE, HEALTHY), table(SYSTEM, DAMAGED))),
    )
    found = _main(seen, _verdict(RUNTIME_CURES))
    assert found.rule == "CXXRT-D27"
    assert found.message == (
        "Importing victim after maker crashes with SIGSEGV: maker 1.0 brings another libstdc++"
    )
    assert (found.culprits, found.victims) == (("maker",), ("victim",))
    assert found.evidence == (
        f"the last line of Python was {SITE}/victim/__init__.py:3",
        f"the last object that was initialized was {VICTIM}",
        "victim alone: works",
        "runtime: works",
    )
    assert found.remedies[0] == (
        "pip install cxx11-cuda-runtime && python -m cxx11_cuda_runtime activate"
    )


def test_a_captured_runtime_is_named_before_anything_else() -> None:
    seen = view(
        *(library(MAKER), stdcxx(), library(VICTIM)),
        bindings=Bindings(pairs={(SYSTEM, MAKER): (bound("__once_proxy"),)}),
    )
    found = _main(seen, _verdict(RUNTIME_CURES))
    assert "maker 1.0 has captured symbols of libstdc++" in found.message
    assert found.culprits == ("maker",)


def test_a_crash_that_only_separation_cures_is_an_interposition() -> None:
    seen = view(library(MAKER), library(VICTIM), bindings=Bindings(pairs=PAIR))
    found = _main(seen, _verdict(ORDER_CURES))
    assert "definitions of maker 1.0, which is loaded RTLD_GLOBAL, replace" in found.message
    assert (found.culprits, found.victims) == (("maker",), ("victim",))
    assert found.libraries == (VICTIM, MAKER)
    assert "import victim before maker" in found.remedies


def test_memory_does_not_overrule_the_experiment() -> None:
    """A capture is there, but only the other order helps: then it is not what crashes."""
    pairs = {**PAIR, (SYSTEM, f"{SITE}/third/x.so"): (bound("__once_proxy"),)}
    third = library(f"{SITE}/third/x.so")
    seen = view(*(third, stdcxx(), library(MAKER), library(VICTIM)), bindings=Bindings(pairs=pairs))
    assert _main(seen, _verdict(ORDER_CURES)).culprits == ("maker",)


def test_without_experiments_the_memory_decides() -> None:
    seen = view(
        *(library(MAKER), stdcxx(), library(VICTIM)),
        bindings=Bindings(pairs={(SYSTEM, MAKER): (bound("__once_proxy"),)}),
    )
    assert _main(seen, None).culprits == ("maker",)


@pytest.mark.parametrize(
    ("endings", "culprits", "text"),
    [
        ({Change.ALONE: SAME}, ("victim",), "it fails alone, too"),
        (
            {Change.ALONE: SAME, Change.RUNTIME: SAME},
            ("victim",),
            "it fails alone, too; not even a libstdc++ loaded first cures it",
        ),
        ({Change.ALONE: OTHER, Change.RUNTIME: OTHER}, (), "alone, it fails in another way"),
        (
            {Change.ALONE: OTHER, Change.FEWER: WORKS},
            (),
            "alone, it fails in another way; without maker it works",
        ),
        (
            {Change.ALONE: WORKS, Change.RUNTIME: SAME, Change.ORDER: SAME},
            (),
            "alone, it works; neither a libstdc++ loaded first nor another order cures it",
        ),
        ({Change.NOTHING: WORKS}, (), "the same imports succeeded when repeated"),
        (None, (), "no cure was tried"),
    ],
)
def test_what_was_not_tried_is_not_claimed(
    endings: dict[Change, Ending] | None, culprits: tuple[str, ...], text: str
) -> None:
    verdict = None if endings is None else _verdict(endings)
    found = _main(view(library(MAKER), library(VICTIM)), verdict)
    assert found.culprits == culprits
    assert found.message.endswith(f"SIGSEGV: {text}") or endings in (None, {Change.NOTHING: WORKS})
    assert text in found.message
    assert (culprits == ("victim",)) == ("fails alone" in found.message)


def test_a_registry_of_types_is_the_cause_where_one_of_its_own_cures_it() -> None:
    key = "__pybind11_internals_v4_gcc_libstdcpp_cxxabi1011__"
    scene = _scene(
        view(library(MAKER), library(VICTIM)),
        _verdict({Change.ALONE: WORKS, Change.RUNTIME: SAME, Change.REGISTRY: WORKS}),
    )
    shared = Registry(key, ((MAKER, "GCC: 4.8.5"), (VICTIM, "GCC: 14.2.0")))
    (found,) = judge(replace(scene, registries=(shared,)))
    assert f"it shares the registry of types {key} with maker" in found.message
    assert "maker 1.0: GCC: 4.8.5 and victim 1.0: GCC: 14.2.0" in found.message
    assert (found.culprits, found.victims) == (("maker",), ("victim",))
    other = replace(scene, registries=(shared,), verdict=_verdict({Change.REGISTRY: SAME}))
    assert key not in judge(other)[0].message


def test_a_module_that_is_not_installed() -> None:
    failure = replace(
        CRASH,
        outcome=Outcome.EXCEPTION,
        detail="ModuleNotFoundError: No module named 'absent'",
        missing="absent",
    )
    found = _main(view(), None, failure)
    assert found.rule == "CXXRT-D28"
    assert "absent is not installed for /env/bin/python" in found.message


def test_the_loaders_own_text_comes_first() -> None:
    failure = replace(
        CRASH,
        outcome=Outcome.EXCEPTION,
        detail=f"ImportError: {SYSTEM}: version `GLIBCXX_3.4.31' not found (required by {VICTIM})",
    )
    found = _main(view(stdcxx()), _verdict({Change.ALONE: WORKS}), failure)
    assert found.rule == "CXXRT-D1"
    assert "victim alone: works" in found.evidence


def test_a_hang_is_told_from_a_crash() -> None:
    failure = replace(CRASH, outcome=Outcome.TIMED_OUT, detail="no end after 5 s")
    found = _main(view(), None, failure)
    assert found.rule == "CXXRT-D29"
    assert "does not end (no end after 5 s)" in found.message


@pytest.mark.parametrize(
    ("noise", "text"),
    [
        ("OMP: Error #15: Initializing libiomp5.so, but found", "two OpenMP runtimes"),
        ("free(): invalid pointer", "a damaged heap"),
        ("compiled using NumPy 1.x cannot be run in\nNumPy 2.4.6 as", "or numpy<2"),
        ("terminate called after throwing an instance of 'std::bad_cast'", "a locale facet"),
    ],
)
def test_what_the_child_printed_is_evidence(noise: str, text: str) -> None:
    assert any(text in line for line in _main(view(), None, noise=noise).evidence)


def test_the_last_words_of_a_process_are_quoted() -> None:
    failure = replace(CRASH, detail="SIGABRT", words=("shape.proto", "File already exists"))
    found = _main(view(), None, failure)
    assert found.evidence[-2:] == ("it wrote: shape.proto", "it wrote: File already exists")
    left = _main(view(), None, replace(CRASH, detail="exit 3", words=("no licence",)))
    assert "Importing victim after maker ends the process, exit 3" in left.message
    assert "it wrote: no licence" in left.evidence


def test_a_proto_file_that_two_packages_register_is_named() -> None:
    noise = "[libprotobuf ERROR x.cc:57] File already exists in database: shape.proto\n"
    verdict = _verdict({Change.ALONE: OTHER, Change.FEWER: WORKS, Change.ORDER: SAME})
    found = _main(view(), verdict, replace(CRASH, detail="SIGABRT"), noise)
    assert "shape.proto is compiled into two libraries that share one libprotob" in found.message
    assert found.remedies[-1].startswith("import victim and maker in two processes")


def test_a_run_without_a_failure_adds_nothing() -> None:
    done: Attempt[ProcessView | None] = Attempt(module="maker", outcome=Outcome.IMPORTED)
    run: ImportRun[ProcessView | None] = ImportRun(attempts=(done,), before=None, noise="")
    assert judge(ImportScene(run=run, environment=INSTALLED)) == ()


def test_a_crash_before_anything_was_seen_is_reported() -> None:
    run: ImportRun[ProcessView | None] = ImportRun(attempts=(CRASH,), before=None, noise="")
    (found,) = judge(ImportScene(run=run, environment=INSTALLED))
    assert (found.rule, found.victims) == ("CXXRT-D27", ("victim",))


def test_a_crash_at_exit_blames_the_first_package_on_the_stack() -> None:
    done: Attempt[ProcessView | None] = Attempt(module="victim", outcome=Outcome.IMPORTED)
    end = replace(CRASH, site=CrashSite(1, "/lib/libc.so.6", "raise", (VICTIM,)))
    run = ImportRun(attempts=(done,), before=view(library(VICTIM)), noise="", end=end)
    (found,) = judge(ImportScene(run=run, environment=INSTALLED))
    assert (found.rule, found.victims) == ("CXXRT-D27", ("victim",))
    assert "the interpreter crashes with SIGSEGV at exit" in found.message


def test_the_loaders_message_in_a_cause_of_the_exception_is_reported_beside_it() -> None:
    failure = replace(
        CRASH,
        outcome=Outcome.EXCEPTION,
        detail="RuntimeError: no",
        causes=(f"{VICTIM}: cannot enable executable stack as shared object requires: x",),
    )
    run = ImportRun(attempts=(failure,), before=view(library(VICTIM)), noise="")
    found = judge(ImportScene(run=run, environment=INSTALLED))
    assert [each.rule for each in found] == ["CXXRT-D28", "CXXRT-H12"]
