"""Whatever the doctor advises of an environment works: it is done, and the finding is gone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bodies import CALLS_ONCE, ONLY_NEEDS, PRINTS
from clinic import Clinic, Sick
from doctor_workshop import call, of_compiler
from machine import need_extension_builder

from cxxrt_toolchain.facts.environment import EnvironmentFacts
from cxxrt_toolchain.rules.every import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.compile, pytest.mark.runtime, pytest.mark.network]

Scene = "Callable[[Clinic], Sick]"
SCENES: list[Callable[[Clinic], Sick]] = []
NOT_STAGED = {
    "CXXRT-D7": "needs an NVIDIA driver; its remedies are a driver and a build for it",
    "CXXRT-D8": "its remedies are another release and another machine",
    "CXXRT-D12": "needs a machine without libstdc++; the command is that of D1",
    "CXXRT-D13": "its remedy is D11's second one",
    "CXXRT-D14": "needs MKL's or TBB's wheels; tests/integration/repair does what it advises",
    "CXXRT-D30": "its remedies are changes of the source; needs protobuf's wheel",
    "CXXRT-H5": "the remedy is H4's second one",
    "CXXRT-H7": "needs nvcc",
    "CXXRT-H12": "needs glibc 2.41",
}
"""Rules of an environment whose remedies are not run here, and why."""

ADD, SUB = "int add(int a) { return a + 1; }\n", "int sub(int a) { return a - 1; }\n"
CALLS = (
    'extern "C" int {0}(int); static const char* check() {{ return {0}(1) ? nullptr : nullptr; }}'
)
NEWER = """
namespace std { void ios_base_library_init() __asm__("_ZSt21ios_base_library_initv"); }
static const char* check() { std::ios_base_library_init(); return nullptr; }
"""
TLS = """
__attribute__((tls_model("initial-exec"))) __thread char block[1000];
int use(int i) { return block[i]++; }
"""


def scene(make: Callable[[Clinic], Sick]) -> Callable[[Clinic], Sick]:
    """Add it to the scenes."""
    SCENES.append(make)
    return make


def runpath(folder: str) -> str:
    return f"-Wl,--enable-new-dtags,-rpath,{folder}"


def libstdcxx(clinic: Clinic) -> Path:
    """The runtime wheel's, of which the machine's may be older."""
    (wheel,) = clinic.shelf.glob("cxx11_cuda_runtime-*.whl")
    target = clinic.folder / "built" / "ours"
    shutil.unpack_archive(wheel, target, "zip")
    return target / "cxx11_cuda_runtime" / "lib" / "libstdc++.so.6"


@scene
def static_libstdcxx(clinic: Clinic) -> Sick:
    def publish(version: str, *options: str) -> None:
        core = clinic.module("maker", PRINTS, *options)
        clinic.publish("maker", {"maker/core.so": core}, version)

    def rebuilt() -> None:
        publish("1.1")
        clinic.install("maker==1.1")

    publish("1.0", "-static-libstdc++")
    clinic.publish("user", {"user/core.so": clinic.module("user", PRINTS)})
    clinic.install("maker", "user")
    start = "Rebuild maker without -static-libstdc++"
    return Sick("H4", "import maker, user", rebuilt={start: rebuilt})


@scene
def renamed_libstdcxx(clinic: Clinic) -> Sick:
    core = clinic.module("maker", PRINTS, runpath("$ORIGIN/../maker.libs"))
    copy = clinic.renamed(of_compiler("libstdc++.so.6"), "libstdc++-1a2b3c4d.so.6", core)
    clinic.publish("maker", {"maker/core.so": core, f"maker.libs/{copy.name}": copy})
    clinic.publish("user", {"user/core.so": clinic.module("user", PRINTS)})
    clinic.install("maker", "user")
    return Sick("H1", "import maker, user")


@scene
def captured_call_once(clinic: Clinic) -> Sick:
    built = clinic.folder / "built"
    built.mkdir()
    call("ar", "x", str(of_compiler("libstdc++.a")), "mutex.o", "--output", str(built))
    script = built / "taker.map"
    names = "PyInit_core; _ZSt15__once_callable; _ZSt11__once_call; __once_proxy"
    script.write_text(f"{{ global: {names}; local: *; }};\n")
    options = (str(built / "mutex.o"), f"-Wl,--version-script={script}")
    clinic.publish("taker", {"taker/core.so": clinic.module("taker", ONLY_NEEDS, *options)})
    clinic.publish("user", {"user/core.so": clinic.module("user", CALLS_ONCE)})
    clinic.publish("another", {"another/core.so": clinic.module("another", PRINTS)})
    clinic.install("taker", "user", "another")
    return Sick("H8", "import taker, user")


@scene
def newer_than_the_machine(clinic: Clinic) -> Sick:
    core = clinic.module("newer", NEWER, str(libstdcxx(clinic)), linker="gcc")
    clinic.publish("newer", {"newer/core.so": core})
    clinic.install("newer")
    return Sick("D1", "import newer")


@scene
def newer_and_not_activated(clinic: Clinic) -> Sick:
    sick = newer_than_the_machine(clinic)
    clinic.install("cxx11-cuda-runtime")
    return sick


@scene
def older_on_the_variable(clinic: Clinic) -> Sick:
    clinic.publish("user", {"user/core.so": clinic.module("user", PRINTS)})
    clinic.install("user")
    script = clinic.folder / "old.map"
    script.write_text("GLIBCXX_3.4 { old; };\nCXXABI_1.3 { };\n")
    stub = clinic.library(
        "old/libstdc++.so.6", "int old;", f"-Wl,--version-script,{script}", "-nostdlib"
    )
    return Sick("D1", "import user", {"LD_LIBRARY_PATH": str(stub.parent)})


@scene
def older_by_preload(clinic: Clinic) -> Sick:
    newer_and_not_activated(clinic)
    clinic.follow("python -m cxx11_cuda_runtime activate", Sick("D1", ""))
    early = clinic.folder / "built" / "libearly.so.4"
    text = "#include <string>\nstd::string twice(std::string in) { return in + in; }\n"
    command = ["g++", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(early)]
    subprocess.run(command, input=text, text=True, check=True)
    return Sick("D1", "import newer", {"LD_PRELOAD": str(early)})


@scene
def own_newer_libstdcxx(clinic: Clinic) -> Sick:
    ours = libstdcxx(clinic)
    core = clinic.module(
        "brings", NEWER, str(ours), runpath("$ORIGIN/../brings.libs"), linker="gcc"
    )
    clinic.publish("brings", {"brings/core.so": core, "brings.libs/libstdc++.so.6": ours})
    clinic.publish("user", {"user/core.so": clinic.module("user", PRINTS)})
    clinic.install("brings", "user")
    return Sick("D2", "import user, brings")


@scene
def without_the_runtime(clinic: Clinic) -> Sick:
    clinic.publish(
        "wired", {}, requires="cxx11-cuda-runtime<2,>=1.9", start="import cxx11_cuda_runtime\n"
    )
    clinic.install("wired")
    return Sick("D9", "import wired")


@scene
def shadowed_by_a_variable(clinic: Clinic) -> Sick:
    right, wrong = clinic.library("jit/libjit.so.1", SUB), clinic.library("old/libjit.so.1", ADD)
    core = clinic.module("sparse", CALLS.format("sub"), str(right), runpath("$ORIGIN"))
    clinic.publish("sparse", {"sparse/core.so": core, "sparse/libjit.so.1": right})
    clinic.install("sparse")
    return Sick("D10", "import sparse", {"LD_LIBRARY_PATH": str(wrong.parent)})


@scene
def two_builds_of_one_library(clinic: Clinic) -> Sick:
    for name, source, call_ in (("newer", ADD + SUB, "sub"), ("older", ADD, "add")):
        library = clinic.library(f"{name}/libt.so.1", source)
        core = clinic.module(name, CALLS.format(call_), str(library), runpath("$ORIGIN"))
        clinic.publish(name, {f"{name}/core.so": core, f"{name}/libt.so.1": library})
        if name == "older":
            both = {
                "older/core.so": core,
                "older/libt.so.1": clinic.library("l/libt.so.1", ADD + SUB),
            }
    clinic.install("newer", "older")
    clinic.publish("older", both, "2.0")
    return Sick("D3", "import older, newer")


@scene
def out_of_reach(clinic: Clinic) -> Sick:
    library = clinic.library("libvendor.so.3", SUB)
    core = clinic.module("ops", CALLS.format("sub"), str(library), runpath("/opt/builder/lib"))
    clinic.publish("ops", {"ops/core.so": core})
    clinic.publish("vendor", {"vendor/lib/libvendor.so.3": library}, start="")
    clinic.install("ops", "vendor")
    return Sick("P1", "import ops")


@scene
def lost(clinic: Clinic) -> Sick:
    library = clinic.library("libvendor.so.3", SUB)
    core = clinic.module("ops", CALLS.format("sub"), str(library), runpath("$ORIGIN"))
    clinic.publish("ops", {"ops/core.so": core, "ops/libvendor.so.3": library})
    clinic.install("ops")
    (clinic.env.site / "ops" / "libvendor.so.3").unlink()
    return Sick("P1", "import ops")


@scene
def another_release(clinic: Clinic) -> Sick:
    older, newer = clinic.library("1/libf.so.1", ADD + SUB), clinic.library("2/libf.so.1", ADD)
    for version, function in (("1.0", "sub"), ("2.0", "add")):
        core = clinic.module("ops", CALLS.format(function), str(older), runpath("$ORIGIN/../frame"))
        clinic.publish("ops", {"ops/core.so": core}, version)
    clinic.publish("frame", {"frame/libf.so.1": newer}, start="")
    clinic.install("ops==1.0", "frame")
    return Sick("P7", "import ops")


@scene
def a_symbol_of_a_stranger(clinic: Clinic) -> Sick:
    clinic.publish("ops", {"ops/core.so": clinic.module("ops", CALLS.format("sub"))})
    body = f'extern "C" __attribute__((visibility("default"))) {SUB}' + CALLS.format("sub")
    clinic.publish("legacy", {"legacy/core.so": clinic.module("legacy", body)})
    clinic.install("ops", "legacy")
    return Sick("P7", "import ops")


def cudart(clinic: Clinic, place: str, version: int, *names: str) -> Path:
    """A libcudart that answers what its version is."""
    script = clinic.folder / "cudart.map"
    script.write_text("libcudart.so.12 { global: cuda*; local: *; };\n")
    source = "".join(f"int {name}(void) {{ return 0; }}\n" for name in ("cudaMalloc", *names))
    source += f"int cudaRuntimeGetVersion(int* v) {{ *v = {version}; return 0; }}\n"
    source += "int cudaDriverGetVersion(int* v) { *v = 0; return 0; }\n"
    soname = "libcudart.so.12"
    return clinic.library(place, source, f"-Wl,--version-script,{script}", soname=soname)


FLASHY = """
extern "C" int cudaMalloc();
extern "C" int cudaLibraryLoadData();
void* volatile used[] = {(void*)cudaMalloc, (void*)cudaLibraryLoadData};
static const char* check() { return used[0] && used[1] ? nullptr : "no"; }
"""
NVIDIA = "nvidia_cuda_runtime_cu12"


@scene
def an_old_libcudart(clinic: Clinic) -> Sick:
    new = cudart(clinic, "new/libcudart.so.12", 12090, "cudaLibraryLoadData")
    old = cudart(clinic, "old/libcudart.so.12", 12010)
    place = "nvidia/cuda_runtime/lib/libcudart.so.12"
    core = clinic.module("gpu", FLASHY, str(new), runpath("$ORIGIN/../nvidia/cuda_runtime/lib"))
    clinic.publish("gpu", {"gpu/core.so": core})
    clinic.publish(NVIDIA, {place: old}, "12.1.0", start="")
    clinic.install("gpu", NVIDIA)
    clinic.publish(NVIDIA, {place: new}, "12.9.0", start="")
    return Sick("D6", "import gpu")


@scene
def a_libcudart_out_of_reach(clinic: Clinic) -> Sick:
    new = cudart(clinic, "new/libcudart.so.12", 12090, "cudaLibraryLoadData")
    core = clinic.module("gpu", FLASHY, str(new), runpath("/usr/local/cuda-12.4/lib64"))
    clinic.publish("gpu", {"gpu/core.so": core})
    clinic.publish(NVIDIA, {"nvidia/cuda_runtime/lib/libcudart.so.12": new}, "12.9.0", start="")
    clinic.install("gpu", NVIDIA)
    return Sick("L004", "import gpu")


@scene
def two_of_one_libcudart(clinic: Clinic) -> Sick:
    new = cudart(clinic, "libcudart.so.12", 12090, "cudaLibraryLoadData")
    core = clinic.module("gpu", FLASHY, str(new), runpath("$ORIGIN/../gpu.libs"))
    copy = clinic.renamed(new, "libcudart-1a2b3c4d.so.12", core)
    clinic.publish("gpu", {"gpu/core.so": core, f"gpu.libs/{copy.name}": copy})
    other = clinic.module("other", FLASHY, str(new), runpath("$ORIGIN/../nvidia/cuda_runtime/lib"))
    clinic.publish("other", {"other/core.so": other})
    clinic.publish(NVIDIA, {"nvidia/cuda_runtime/lib/libcudart.so.12": new}, "12.9.0", start="")
    clinic.install("gpu", "other", NVIDIA)
    return Sick("L102", "")


@scene
def two_libgomps(clinic: Clinic) -> Sick:
    body = 'extern "C" int omp_get_max_threads(); static const char* check() { return nullptr; }\n'
    body += "int (*volatile used)() = omp_get_max_threads;"
    mine = clinic.module("mine", body, "-fopenmp", "-lgomp", runpath("$ORIGIN/../mine.libs"))
    copy = clinic.renamed(of_compiler("libgomp.so.1"), "libgomp-1a2b3c4d.so.1.0.0", mine)
    clinic.publish("mine", {"mine/core.so": mine, f"mine.libs/{copy.name}": copy})
    clinic.publish("plain", {"plain/core.so": clinic.module("plain", body, "-lgomp")})
    clinic.install("mine", "plain")
    return Sick("L105", "")


@scene
def no_room_for_static_tls(clinic: Clinic) -> Sick:
    for name in ("one", "two"):
        library = clinic.library(f"libbig-{name}.so.1", TLS)
        core = clinic.module(name, CALLS.format("use"), str(library), runpath("$ORIGIN"))
        clinic.publish(name, {f"{name}/core.so": core, f"{name}/{library.name}": library})
    clinic.install("one", "two")
    return Sick("H13", "import one, two")


@scene
def one_library_as_two_files(clinic: Clinic) -> Sick:
    library = clinic.library("libplug.so.1", SUB)
    core = clinic.module("plug", CALLS.format("sub"), str(library), runpath("$ORIGIN"))
    start = (
        "from . import core\nimport ctypes, os\nhere = os.path.dirname(__file__)\n"
        "ctypes.CDLL(os.path.join(here, 'libplug.so'))\n"
    )
    files = {"plug/core.so": core, "plug/libplug.so.1": library}
    clinic.publish("plug", {**files, "plug/libplug.so": library}, start=start)
    clinic.install("plug")
    clinic.publish("plug", files, "2.0", start=start.replace("plug.so", "plug.so.1"))
    return Sick("H18", "", imports="plug")


@scene
def a_damaged_file(clinic: Clinic) -> Sick:
    clinic.publish("ops", {"ops/core.so": clinic.module("ops", PRINTS)})
    clinic.install("ops")
    core = clinic.env.site / "ops" / "core.so"
    core.write_bytes(core.read_bytes()[:200])
    return Sick("W5", "import ops")


@scene
def two_spellings_of_string(clinic: Clinic) -> Sick:
    provider = clinic.folder / "built" / "libgreet.so"
    provider.parent.mkdir()
    text = "#include <string>\nstd::string greet(const std::string& name) { return name; }\n"
    command = ["g++", "-shared", "-fPIC", "-D_GLIBCXX_USE_CXX11_ABI=0", "-Wl,-soname,libgreet.so"]
    subprocess.run(
        [*command, "-x", "c++", "-", "-o", str(provider)], input=text, text=True, check=True
    )
    body = (
        "#include <string>\nstd::string greet(const std::string&);\n"
        'static const char* check() { return greet("x").empty() ? "no" : nullptr; }\n'
    )

    def publish(version: str, abi: int) -> None:
        options = (f"-D_GLIBCXX_USE_CXX11_ABI={abi}", str(provider), runpath("$ORIGIN/../greet"))
        clinic.publish("asks", {"asks/core.so": clinic.module("asks", body, *options)}, version)

    def rebuilt() -> None:
        publish("1.1", 0)
        clinic.install("asks==1.1")

    publish("1.0", 1)
    clinic.publish("greet", {"greet/libgreet.so": provider}, start="")
    clinic.install("asks", "greet")
    start = "Build it with -D_GLIBCXX_USE_CXX11_ABI=0"
    return Sick("D11", "import asks", rebuilt={start: rebuilt})


@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_what_is_advised_works(
    make: Callable[[Clinic], Sick], tmp_path: Path, runtime_wheel: Path
) -> None:
    need_extension_builder()

    def staged(name: str) -> tuple[Clinic, Sick]:
        clinic = Clinic(tmp_path / name, runtime_wheel)
        sick, clinic.changed = make(clinic), False
        return clinic, sick

    clinic, sick = staged("0")
    assert not (sick.fails and clinic.works(sick.fails, sick.variables)), "it is not sick"
    (found,) = clinic.said(sick, sick.variables)
    followed = 0
    for number, remedy in enumerate(found["remedies"]):
        if clinic.changed:
            clinic, sick = staged(str(number))
        here = remedy.replace(f"{tmp_path}/0/", f"{clinic.folder}/")
        done = clinic.follow(here, sick)
        if done is None:
            continue
        code, variables = done
        followed += 1
        assert clinic.works(code or "0", variables), remedy
        if code == sick.fails:  # else it is a matter of one process
            left = [each["severity"] for each in clinic.said(sick, variables)]
            assert found["severity"] not in left, remedy
    assert followed, found["remedies"]


def test_every_rule_of_environments_has_a_scene_or_a_reason() -> None:
    declared = {name for name, each in CATALOGUE.items() if EnvironmentFacts in each.scenes}
    text = Path(__file__).read_text(encoding="utf-8")
    staged = {name for name in declared if f'Sick("{name.removeprefix("CXXRT-")}"' in text}
    assert staged | NOT_STAGED.keys() == declared
    assert not staged & NOT_STAGED.keys()
