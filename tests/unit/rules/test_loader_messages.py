"""The loader's error texts, word for word, and whom they blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from process_samples import SITE, SYSTEM, VICTIM, distribution, environment, library, stdcxx, view

from cxxrt_toolchain.facts.imports.run import Event, Kind
from cxxrt_toolchain.facts.libraries import Origin
from cxxrt_toolchain.rules.imports.loader_messages import findings
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.facts.installed import Distribution
    from cxxrt_toolchain.facts.process import ProcessView
    from cxxrt_toolchain.rules.rule import Finding

LINK = "/lib/x86_64-linux-gnu/libstdc++.so.6"
OLDER = f"{SITE}/older/libstdc++.so.6"


def _too_old(path: str = LINK, node: str = "GLIBCXX_3.4.31") -> str:
    return f"ImportError: {path}: version `{node}' not found (required by {VICTIM})"


def _one(text: str, seen: ProcessView, *installed: Distribution) -> Finding:
    (found,) = findings(text, seen, environment(*installed))
    assert found.severity is Severity.ERROR
    return found


def _victim(*files: str, tag: str = "cp312-cp312-manylinux_2_39_x86_64") -> Distribution:
    return distribution("victim", "victim/core.so", *files, tags=(tag,))


@pytest.mark.parametrize(
    ("tag", "culprits", "text"),
    [
        (
            "cp312-cp312-manylinux_2_35_x86_64",
            ("victim",),
            "its tag manylinux_2_35_x86_64 promises to need at most GLIBCXX_3.4.30",
        ),
        ("cp312-abi3-linux_x86_64", ("victim",), "linux_x86_64, which promises nothing"),
        ("cp312-cp312-manylinux_2_39_x86_64", (), "the machine's libstdc++ is older"),
    ],
)
def test_the_machines_libstdcxx_is_too_old(tag: str, culprits: tuple[str, ...], text: str) -> None:
    found = _one(_too_old(), view(stdcxx()), _victim(tag=tag))
    assert found.rule == "CXXRT-D1"
    assert found.culprits == culprits
    assert found.victims == (() if culprits else ("victim",))
    assert text in found.message
    assert f"{LINK} is GLIBCXX_3.4.30" in found.evidence


def test_no_runtime_is_advised_that_was_not_published() -> None:
    assert "pip install cxx11-cuda-runtime" in _one(_too_old(), view(stdcxx())).remedies[0]
    remedies = _one(_too_old(node="GLIBCXX_3.4.98"), view(stdcxx())).remedies
    assert not any(each.startswith("pip install") for each in remedies)


def test_another_package_brought_an_older_one_first() -> None:
    older = distribution("older", "older/libstdc++.so.6")
    found = _one(_too_old(OLDER), view(stdcxx(OLDER)), _victim(), older)
    assert (found.culprits, found.victims) == (("older",), ("victim",))
    assert "older 1.0 loaded it first" in found.message


def test_the_packages_own_copy_came_too_late() -> None:
    first = library(f"{SITE}/early/core.so")
    seen = view(first, stdcxx(), needed={first.path: ("libstdc++.so.6",)})
    early = distribution("early", "early/core.so")
    found = _one(_too_old(), seen, _victim("victim/libstdc++.so.6"), early)
    assert found.culprits == ("early",)
    assert "before the package's own copy" in found.message


def test_a_variable_and_conda_are_nobodys_fault() -> None:
    path = "/opt/old/libstdc++.so.6"
    seen = view(stdcxx(path, origin=Origin.OTHER), variables={"LD_LIBRARY_PATH": "/opt/old"})
    found = _one(_too_old(path), seen, _victim())
    assert found.culprits == ()
    assert "LD_LIBRARY_PATH selects it" in found.message
    conda = "/conda/lib/libstdc++.so.6"
    seen = view(stdcxx(conda, origin=Origin.CONDA))
    assert "the conda environment's" in _one(_too_old(conda), seen, _victim()).message


def test_a_newer_glibc_is_another_matter() -> None:
    text = _too_old("/lib/x86_64-linux-gnu/libc.so.6", "GLIBC_2.38")
    found = _one(text, view(stdcxx()), _victim())
    assert (found.rule, found.culprits) == ("CXXRT-D8", ("victim",))


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("_Z5greetRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE", "new std::string"),
        ("_Z5greetRKSs", "old std::string"),
    ],
)
def test_two_kinds_of_strings(symbol: str, kind: str) -> None:
    found = _one(f"{VICTIM}: undefined symbol: {symbol}", view(), _victim())
    assert (found.rule, found.culprits) == ("CXXRT-D11", ("victim",))
    assert kind in found.message


def test_a_cudart_that_is_too_old() -> None:
    text = f"{VICTIM}: undefined symbol: cudaEventElapsedTime_v2, version libcudart.so.12"
    found = _one(text, view(), _victim())
    assert found.rule == "CXXRT-D6"
    assert "cudaEventElapsedTime_v2" in found.message


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("libcudart.so.13", "CXXRT-L004"),
        ("libstdc++.so.6", "CXXRT-D12"),
        ("libfoo.so.3", "CXXRT-P1"),
    ],
)
def test_a_library_that_is_not_there(name: str, rule: str) -> None:
    text = f"{name}: cannot open shared object file: No such file or directory"
    found = _one(text, view())
    assert found.rule == rule
    assert name in found.message


@pytest.mark.parametrize(
    ("major", "python", "files", "remedies"),
    [
        (
            12,
            "3.12",
            (),
            ("pip install cxx11-cuda-runtime && python -m cxx11_cuda_runtime activate --c",),
        ),
        (11, "3.12", (), ("pip install cxx11-cuda-runtime nvidia-cuda-runtime-cu11 && python -m",)),
        (14, "3.12", (), ("pip install cxx11-cuda-runtime nvidia-cuda-runtime && python -m",)),
        (11, "3.12", ("nv/libcudart.so.11",), ("pip install cxx11-cuda-runtime && python -m",)),
        (12, "3.8", (), ("pip install nvidia-cuda-runtime-cu12", "Start Python with LD_LIB")),
        (12, "3.8", ("nv/libcudart.so.12",), (f"Start Python with LD_LIBRARY_PATH={SITE}/nv",)),
    ],
)
def test_what_leads_to_a_libcudart(
    major: int, python: str, files: tuple[str, ...], remedies: tuple[str, ...]
) -> None:
    text = f"libcudart.so.{major}: cannot open shared object file: No such file or directory"
    found = _one(text, view(python=python), *([distribution("nv", *files)] if files else []))
    assert found.rule == "CXXRT-L004"
    assert ("nv 1.0 has, and the loader was not led to it" in found.message) == bool(files)
    for expected, remedy in zip(remedies, found.remedies, strict=False):
        assert remedy.startswith(expected)
    assert any("require(cudart=" in each for each in found.remedies) == (python != "3.8")


SSL = "/lib/x86_64-linux-gnu/libssl.so.3"


@pytest.mark.parametrize(
    ("files", "owner", "reason", "remedy"),
    [
        (
            ("victim/vendor/libssl.so.3",),
            (),
            "the machine's was loaded before its own",
            "import victim before the package that loads the other build",
        ),
        ((), (), "it gets the machine's", "install a newer libssl.so.3"),
        ((), ("other",), "it gets that of other 1.0", "install a newer other"),
    ],
)
def test_a_library_that_is_no_runtime_is_not_put_down_to_libstdcxx(
    files: tuple[str, ...], owner: tuple[str, ...], reason: str, remedy: str
) -> None:
    path = f"{SITE}/other/libssl.so.3" if owner else SSL
    text = f"{path}: version `OPENSSL_3.2.0' not found (required by {VICTIM})"
    others = [distribution(name, f"{name}/libssl.so.3") for name in owner]
    found = _one(text, view(library(path)), _victim(*files), *others)
    assert found.rule == "CXXRT-D3"
    assert found.message == f"victim 1.0 needs OPENSSL_3.2.0, and {path} lacks it: {reason}"
    assert (found.culprits, found.victims) == (owner, ("victim",))
    assert found.remedies == (remedy,)


def test_who_needs_a_library_that_is_not_there_is_named() -> None:
    text = "libfoo.so.3: cannot open shared object file: No such file or directory"
    events = (
        Event(Kind.NEEDED, "libfoo.so.3", VICTIM),
        Event(Kind.NEEDED, "libbar.so.1", f"{SITE}/other/core.so"),
    )
    (found,) = findings(text, view(), environment(_victim()), events)
    assert found.message == "victim 1.0 needs libfoo.so.3, which was not found"
    assert (found.culprits, found.victims) == (("victim",), ())
    assert "apt-file search libfoo.so.3" in found.remedies[0]


def test_who_lacks_a_runtime_is_its_victim() -> None:
    text = "libgomp.so.1: cannot open shared object file: No such file or directory"
    events = (Event(Kind.NEEDED, "libgomp.so.1", VICTIM),)
    (found,) = findings(text, view(), environment(_victim()), events)
    assert (found.rule, found.culprits, found.victims) == ("CXXRT-D12", (), ("victim",))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"{VICTIM}: cannot allocate memory in static TLS block", "CXXRT-H13"),
        (f"{VICTIM}: cannot enable executable stack as shared object requires: x", "CXXRT-H12"),
    ],
)
def test_other_refusals(text: str, rule: str) -> None:
    assert _one(text, view(), _victim()).rule == rule


@pytest.mark.parametrize(
    "text",
    ["", "ValueError: 3", f"{VICTIM}: undefined symbol: PyFoo_Bar", "No module named 'x'", SYSTEM],
)
def test_other_texts_are_not_the_loaders(text: str) -> None:
    assert list(findings(text, view(), environment(_victim()))) == []
