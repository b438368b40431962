from __future__ import annotations

import pytest

from cxx11_cuda_runtime._blame.culprit import Culprit
from cxx11_cuda_runtime._blame.remedy import Situation, gcc_of, remedies

OLD = "/opt/old/libstdc++.so.6"


def situation(culprit: Culprit, **changes: object) -> Situation:
    values = {"required": 30, "vendored": 33, "path": OLD, "culprit": culprit, **changes}
    return Situation(**values)  # type: ignore[arg-type] # a mapping of mixed values


def test_an_imported_package_gets_the_order_of_imports_as_first_advice() -> None:
    advice = remedies(situation(Culprit(kind="module", path="/x.so", module="old.core")))
    assert advice[0] == "'import cxx11_cuda_runtime' before 'import old'"
    assert any("run your_script.py" in text for text in advice)
    assert any("activate" in text for text in advice)


@pytest.mark.parametrize("kind", ["executable", "preload"])
def test_what_is_there_before_python_starts_is_beyond_a_hook(kind: str) -> None:
    culprit = Culprit(kind="preload" if kind == "preload" else "executable", path="/bin/host")
    advice = remedies(situation(culprit))
    assert not any("activate" in text or "import " in text for text in advice)
    assert any("LD_PRELOAD" in text for text in advice) == (kind == "preload")


def test_what_ld_preload_names_is_to_be_removed_and_not_what_it_needs() -> None:
    culprit = Culprit(kind="preload", path="/usr/lib/libtcmalloc.so.4")
    advice = remedies(situation(culprit))
    assert "remove /usr/lib/libtcmalloc.so.4 from LD_PRELOAD" in advice
    assert str(culprit) == "/usr/lib/libtcmalloc.so.4, which LD_PRELOAD names"


def test_a_program_that_embeds_python_is_started_with_the_variable() -> None:
    culprit = Culprit(kind="executable", path="/opt/app/host")
    advice = remedies(situation(culprit, host="/opt/app/host", preload="/e/libgcc_s.so.1:/e/x"))
    assert advice == ("start /opt/app/host with LD_PRELOAD=/e/libgcc_s.so.1:/e/x",)


def test_a_folder_of_the_library_path_is_named() -> None:
    advice = remedies(situation(Culprit(kind="dlopen"), ld_library_path=("/opt/old", "/usr/x")))
    assert "remove /opt/old from LD_LIBRARY_PATH" in advice


@pytest.mark.parametrize(("required", "text"), [(30, "libstdcxx>=12"), (33, "libstdcxx>=14")])
def test_condas_copy_is_updated_by_conda(required: int, text: str) -> None:
    advice = remedies(situation(Culprit(kind="dlopen"), required=required, conda_prefix="/c"))
    assert f"conda install '{text}'" in advice


def test_where_ours_is_too_old_itself_nothing_but_an_upgrade_is_advised() -> None:
    (advice,) = remedies(situation(Culprit(kind="dlopen"), required=34))
    assert advice.startswith("pip install -U 'cxx11-cuda-runtime>=1.15' (it ends with 3.4.33 here)")
    assert "if there is such a release" in advice


@pytest.mark.parametrize(
    ("minor", "gcc"), [(21, "5"), (26, "9"), (28, "9"), (29, "11"), (33, "14"), (99, "")]
)
def test_the_compiler_of_a_symbol_version_is_named(minor: int, gcc: str) -> None:
    assert gcc_of(minor) == gcc


@pytest.mark.parametrize(
    ("culprit", "text"),
    [
        (Culprit(kind="preload"), "LD_PRELOAD"),
        (Culprit(kind="executable", path="/bin/host"), "the program itself, /bin/host"),
        (Culprit(kind="dlopen"), "a direct dlopen (ctypes, or another package's loader)"),
        (
            Culprit(kind="module", path="/s/a.so", module="a", distribution="a 1.0"),
            "/s/a.so, import of 'a', from a 1.0",
        ),
        (Culprit(kind="library", path="/s/liba.so"), "/s/liba.so"),
    ],
)
def test_a_culprit_reads_as_words(culprit: Culprit, text: str) -> None:
    assert str(culprit) == text
