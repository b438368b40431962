"""Remedies that the doctor has tried: what it offers first works, what failed is not offered."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from bodies import REGISTRY

from cxxrt_toolchain.doctor.imports import diagnose_imports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from doctor_workshop import Workshop

    from cxxrt_toolchain.rules.rule import Finding

pytestmark = pytest.mark.compile

LARGE_TLS = """
__attribute__((tls_model("initial-exec"))) static __thread char block[1000];
extern "C" __attribute__((visibility("default"))) int {name}(int i) {{ return block[i]++; }}
static const char* check() {{ return {name}(1) == 0 ? nullptr : "not new"; }}
"""
NEWER = """
namespace std { void ios_base_library_init() __asm__("_ZSt21ios_base_library_initv"); }
static const char* check() { std::ios_base_library_init(); return nullptr; }
"""
WITH_CUDA = """
extern "C" int cudaRuntimeGetVersion(int*);
static const char* check() { int v; return cudaRuntimeGetVersion(&v) ? "no" : nullptr; }
"""
KIT = 'extern "C" int tool(); static const char* check() { return tool() ? nullptr : "no"; }'
NEEDS_CXX = "#include <string>\nstd::string twice(std::string in) { return in + in; }\n"


def only(rule: str, executable: str | Path, *modules: str) -> Finding:
    diagnosis = diagnose_imports(str(executable), modules, timeout=60)
    found = [each for each in diagnosis.findings if each.rule == f"CXXRT-{rule}"]
    assert len(found) == 1, [(each.rule, each.message) for each in diagnosis.findings]
    return found[0]


def runs(executable: str | Path, code: str, environ: Mapping[str, str] | None = None) -> bool:
    done = subprocess.run(
        [str(executable), "-c", code],
        env={**os.environ, **(environ or {})},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_more_room_for_static_tls_is_offered_and_another_order_is_not(workshop: Workshop) -> None:
    for name in ("tls_one", "tls_two"):
        workshop.make(name, LARGE_TLS.format(name=name))
    found = only("H13", sys.executable, "tls_one", "tls_two")
    assert str(workshop.site / "tls_one" / "core.so") in found.evidence[0], "who took the reserve"
    assert not any("first" in remedy for remedy in found.remedies), "the trial disproved it"
    prefix = "tried, works: Start Python with "
    assert len(found.remedies) == 2, "\n".join(found.evidence)
    for remedy in found.remedies:
        assert remedy.startswith(prefix)
        name, _, value = remedy.removeprefix(prefix).partition("=")
        assert runs(sys.executable, "import tls_one, tls_two", {name: value})
    assert not runs(sys.executable, "import tls_two, tls_one")


@pytest.fixture
def activated(workshop: Workshop, runtime_env: object, tmp_path: Path) -> Path:
    """A new environment that has the runtime, activated."""
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parents[1]], check=True)
    site = next(python.parents[1].glob("lib/python3*/site-packages"))
    (site / "runtime.pth").write_text(f"{runtime_site(runtime_env)}\n")
    (site / "workshop.pth").write_text(f"{workshop.site}\n")
    subprocess.run([python, "-m", "cxx11_cuda_runtime", "activate"], check=True)
    return python


def runtime_site(runtime_env: object) -> Path:
    python: Path = runtime_env()  # type: ignore[operator]
    return next(python.parents[1].glob("lib/python3*/site-packages"))


@pytest.mark.runtime
@pytest.mark.network
def test_what_ld_preload_brings_is_named_and_the_runtime_is_put_before_it(
    workshop: Workshop, activated: Path, runtime_env: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = runtime_site(runtime_env) / "cxx11_cuda_runtime" / "lib" / "libstdc++.so.6"
    workshop.make("newer", NEWER, str(ours), linker="gcc")
    assert runs(activated, "import newer")
    source, library = workshop.scrap / "early.cc", workshop.scrap / "libearly.so.4"
    source.write_text(NEEDS_CXX)
    subprocess.run(["g++", "-shared", "-fPIC", "-o", library, source], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    assert not runs(activated, "import newer")
    found = only("D1", activated, "newer")
    assert f"{library}, which LD_PRELOAD names, brings it before Python starts" in found.message
    assert found.culprits == ()
    assert found.remedies[0] == "tried, works: python -m cxx11_cuda_runtime run SCRIPT.py"
    assert not any("activate" in remedy for remedy in found.remedies), "it is, and does not help"
    own = [str(activated), "-m", "cxx11_cuda_runtime", "doctor"]
    said = subprocess.run(own, capture_output=True, text=True, check=False).stdout
    assert f"- remove {library} from LD_PRELOAD" in said
    assert "activate" not in said
    (workshop.scrap / "script.py").write_text("import newer\n")
    command = f"{activated} -m cxx11_cuda_runtime run {workshop.scrap}/script.py"
    assert subprocess.run(command.split(), check=False).returncode == 0


@pytest.mark.runtime
@pytest.mark.network
def test_a_libcudart_that_is_installed_and_not_found_is_loaded_by_what_is_advised(
    workshop: Workshop, activated: Path, runtime_env: object
) -> None:
    ours = runtime_site(runtime_env) / "cxx11_cuda_runtime" / "lib" / "libcudart.so.12"
    workshop.make("flashy", WITH_CUDA, str(ours), "-Wl,-rpath,/usr/local/cuda-12.4/lib64")
    assert not runs(activated, "import cxx11_cuda_runtime, flashy"), "README once said so"
    found = only("L004", activated, "flashy")
    assert "flashy 1.0 needs libcudart.so.12, which cxx11-cuda-runtime" in found.message
    hook, call, *_ = found.remedies
    assert hook == "tried, works: python -m cxx11_cuda_runtime activate --cudart 12"
    code = call.removeprefix("tried, works: in code: ").removesuffix(" before the import")
    assert runs(activated, f"import cxx11_cuda_runtime; {code}; import flashy")
    command = [str(activated), *hook.partition("python ")[2].split()]
    assert subprocess.run(command, check=False).returncode == 0
    assert runs(activated, "import flashy")
    again = diagnose_imports(str(activated), ["flashy"], timeout=60)
    assert again.healthy, again.findings
    subprocess.run([activated, "-m", "cxx11_cuda_runtime", "deactivate"], check=True)
    assert not runs(activated, "import flashy")


def test_a_registry_of_types_that_two_compilers_share_is_the_cause(workshop: Workshop) -> None:
    for name, layout in (("maker", "one"), ("alike", "one"), ("victim", "other")):
        workshop.make(name, REGISTRY.format(layout=layout))
    assert diagnose_imports(sys.executable, ["maker", "alike"], timeout=60).healthy
    found = only("D27", sys.executable, "maker", "victim")
    assert (
        "it shares the registry of types __pybind11_internals_v99_test__ with mak" in found.message
    )
    assert (found.culprits, found.victims) == (("maker",), ("victim",))
    assert "a registry of types for each module: works" in found.evidence
    assert found.remedies[0].startswith("tried, works: import victim and maker in two processes")
    assert not any("RTLD_DEEPBIND" in each or "before" in each for each in found.remedies)


def test_a_library_of_another_package_that_nobody_leads_to(workshop: Workshop) -> None:
    source, library = workshop.scrap / "tool.cc", workshop.scrap / "libtool-kit.so.3"
    source.write_text('extern "C" int tool() { return 1; }\n')
    soname = "-Wl,-soname,libtool-kit.so.3"
    subprocess.run(["g++", "-shared", "-fPIC", soname, "-o", library, source], check=True)
    workshop.make("user", KIT, str(library), "-Wl,-rpath,/nowhere")
    workshop.make("kit", KIT, "-Wl,--no-as-needed", libraries=[library])
    found = only("P1", sys.executable, "user")
    assert "user 1.0 needs libtool-kit.so.3, which kit 1.0 has" in found.message
    place = workshop.site / "kit.libs" / "libtool-kit.so.3"
    load = f"ctypes.CDLL({str(place)!r}, ctypes.RTLD_GLOBAL)"
    assert found.remedies == (
        "tried, works: import kit before user",
        f"tried, works: in code: {load} before the import",
    )
    assert runs(sys.executable, "import kit, user")
    assert runs(sys.executable, f"import ctypes; {load}; import user")
