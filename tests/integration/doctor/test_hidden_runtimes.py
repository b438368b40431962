"""Runtimes and strings that a package keeps to itself: what is seen of them, and of whom they meet.

Everything is compiled here, and asked of the installed environment; `test_meetings_live` asks the
same of processes. What does not meet must not be named.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from environment_workshop import Env, compile_object, findings, make_environment

from cxxrt_toolchain.collect.files import read
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.facts.families import RuntimeFamily

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.facts.traits import Traits

pytestmark = [
    pytest.mark.compile,
    pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed"),
]

ONLY_X86 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="names of capsules are read from x86-64's code only"
)
STATIC = ("-static-libstdc++", "-Wl,--exclude-libs,ALL")
OLD, NEW = "-D_GLIBCXX_USE_CXX11_ABI=0", "-D_GLIBCXX_USE_CXX11_ABI=1"
THROWS = """
#include <stdexcept>
struct Answer { int value; };
Answer answer(int value) { if (value < 0) throw std::out_of_range("value"); return {value}; }
extern "C" int plain(int value) { return answer(value).value; }
"""
CATCHES = """
#include <stdexcept>
struct Answer { int value; };
Answer answer(int);
extern "C" int ask(int value) {
  try { return answer(value).value; } catch (const std::out_of_range &) { return -1; }
}
"""
CALLS_C = """
#include <string>
extern "C" int plain(int);
extern "C" int ask(int value) { return plain(std::stoi(std::to_string(value))); }
"""
OWN_STRINGS = """
#include <string>
extern "C" int count(const char *text) { std::string copy(text); copy += copy; return copy.size(); }
"""
MAKES = """
#include <string>
struct Settings { std::string name; int threads; };
static Settings shared{"first", 42};
extern "C" void *PyCapsule_New(void *, const char *, void (*)(void *));
extern "C" void *settings() { return PyCapsule_New(&shared, "demo.settings", nullptr); }
"""
OPENS = """
extern "C" void *PyCapsule_GetPointer(void *, const char *);
extern "C" int threads(void *capsule) {
  return static_cast<int *>(PyCapsule_GetPointer(capsule, "demo.settings"))[8];
}
"""
OF_STRINGS = """
#include <string>
struct Settings { std::string name; int threads; };
void fill(Settings &, int);
int threads(const Settings &settings) { return settings.threads + (int)settings.name.size(); }
extern "C" int run() {
  Settings mine{"a name that is not short at all", 1};
  fill(mine, 2);
  return threads(mine);
}
"""
FILLS = """
#include <string>
struct Settings { std::string name; int threads; };
void fill(Settings &settings, int threads) {
  settings.name += "filled";
  settings.threads = threads;
}
"""


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Env:
    monkeypatch.setenv("CXXRT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXXRT_CUDA", "none")
    return make_environment(tmp_path / "env")


def install(env: Env, name: str, source: str, *options: str) -> Path:
    """A package with one object, which others can link."""
    soname = f"lib{name}.so"
    made = compile_object(env.site / name / soname, source, f"-Wl,-soname,{soname}", *options)
    env.install(name, made)
    return made


def leads_to(library: Path) -> str:
    """The search path with which another package finds the library: without one, P1 warns."""
    return f"$ORIGIN/../{library.parent.name}"


def linked(library: Path) -> tuple[str, ...]:
    options = ("-Wl,--no-as-needed", "-Wl,--unresolved-symbols=ignore-all")
    return (str(library), f"-Wl,-rpath,{leads_to(library)}", *options)


def crossings(document: dict[str, Any]) -> list[tuple[str, str, list[str], list[str]]]:
    """All but P7's note that a module takes a symbol of a package that it does not need."""
    return [each for each in findings(document) if each[:2] != ("CXXRT-P7", "note")]


def traits(path: Path) -> Traits:
    return read([str(path)], Store()).found[str(path)].traits


def test_a_hidden_libstdcxx_is_seen_and_an_exported_or_shared_one_is_not(tmp_path: Path) -> None:
    hidden = compile_object(tmp_path / "hidden.so", THROWS, *STATIC)
    assert traits(hidden).hidden == (RuntimeFamily.LIBSTDCXX,)
    bare = compile_object(tmp_path / "bare.so", THROWS, *STATIC, "-static-libgcc", "-s")
    assert traits(bare).hidden == (RuntimeFamily.LIBSTDCXX,)
    headless = bytearray(bare.read_bytes())
    headless[40:48], headless[58:64] = (
        bytes(8),
        bytes(6),
    )  # e_shoff; e_shentsize, e_shnum, e_shstrndx
    bare.write_bytes(headless)
    assert traits(bare).hidden == (RuntimeFamily.LIBSTDCXX,), "the segments have it, too"
    prints = '#include <iostream>\nextern "C" void print() { std::cout << 42; }'
    exported = compile_object(tmp_path / "exported.so", prints, "-static-libstdc++")
    assert read([str(exported)], Store()).found[str(exported)].static == (RuntimeFamily.LIBSTDCXX,)
    assert traits(exported).hidden == ()
    assert traits(compile_object(tmp_path / "shared.so", THROWS)).hidden == ()


def test_the_words_without_the_runtime_are_no_runtime(tmp_path: Path) -> None:
    text = 'extern "C" const char words[] = "terminate called after throwing an instance of \'";'
    quotes = compile_object(tmp_path / "quotes.so", text, "-nostdlib")
    assert traits(quotes).hidden == ()


@pytest.mark.parametrize(("flag", "strings"), [(OLD, "old"), (NEW, "new")])
def test_the_string_that_an_object_was_compiled_with_is_seen(
    tmp_path: Path, flag: str, strings: str
) -> None:
    assert traits(compile_object(tmp_path / "it.so", OWN_STRINGS, flag)).strings == strings


def test_no_string_and_both_strings_are_no_statement(tmp_path: Path) -> None:
    assert traits(compile_object(tmp_path / "none.so", CATCHES)).strings == ""
    for flag, name in ((OLD, "early"), (NEW, "late")):
        subprocess.run(
            [
                "g++",
                "-fPIC",
                "-c",
                flag,
                f"-Dcount={name}",
                "-o",
                f"{tmp_path}/{name}.o",
                "-xc++",
                "-",
            ],
            input=OWN_STRINGS.encode(),
            check=True,
        )
    both = compile_object(
        tmp_path / "both.so", "", *(f"{tmp_path}/{n}.o" for n in ("early", "late"))
    )
    assert traits(both).old_string
    assert traits(both).new_strings
    assert traits(both).strings == ""


@ONLY_X86
def test_names_of_capsules_are_read_from_the_code(tmp_path: Path) -> None:
    for number, options in enumerate(
        (["-O1"], ["-O3"], ["-O2", "-fno-plt"], ["-O2", "-fcf-protection"])
    ):
        made = compile_object(tmp_path / f"{number}.so", MAKES, OLD, *options)
        assert (traits(made).made, traits(made).opened) == (("demo.settings",), ()), options
    harmless = MAKES.replace("demo.settings", "dltensor")
    assert traits(compile_object(tmp_path / "c.so", harmless, OLD)).made == ()
    ordinary = compile_object(tmp_path / "new.so", MAKES, NEW)
    assert traits(ordinary).made == (), "nobody asks: it has nothing of its own"


def test_a_hidden_libstdcxx_alone_is_nothing_and_in_company_a_note(env: Env) -> None:
    install(env, "hidden", THROWS, *STATIC)
    assert env.doctor() == env.doctor()
    assert findings(env.doctor()[1]) == []
    install(env, "other", OWN_STRINGS)
    code, document = env.doctor()
    assert (code, findings(document)) == (0, [("CXXRT-H5", "note", ["hidden"], [])])
    assert "passes to or from other" in document["findings"][0]["message"]


@pytest.mark.parametrize("hidden", ["provider", "user"])
def test_it_is_a_warning_where_cxx_symbols_cross(env: Env, hidden: str) -> None:
    library = install(env, "provider", THROWS, *(STATIC if hidden == "provider" else ()))
    install(env, "user", CATCHES, *linked(library), *(STATIC if hidden == "user" else ()))
    code, document = env.doctor()
    other = {"provider": "user", "user": "provider"}[hidden]
    assert (code, findings(document)) == (1, [("CXXRT-H5", "warning", [hidden], [other])])
    (found,) = document["findings"]
    assert any("takes _Z6answeri from" in line for line in found["evidence"])
    assert found["remedies"][0].startswith(f"rebuild {hidden}: link libstdc++ dynamically")


def test_a_c_interface_or_one_runtime_is_no_crossing(env: Env) -> None:
    library = install(env, "provider", THROWS, *STATIC)
    install(env, "user", CALLS_C, *linked(library))
    code, document = env.doctor()
    assert (code, findings(document)) == (0, [("CXXRT-H5", "note", ["provider"], [])])


def test_a_package_with_a_library_of_that_name_uses_its_own(env: Env) -> None:
    install(env, "provider", THROWS, *STATIC)
    mine = compile_object(
        env.site / "user.libs" / "libprovider.so", THROWS, "-Wl,-soname,libprovider.so"
    )
    user = compile_object(env.site / "user" / "core.so", CATCHES, *linked(mine))
    env.install("user", user, mine)
    assert findings(env.doctor()[1]) == [("CXXRT-H5", "note", ["provider"], [])]


def test_ordinary_packages_that_share_cxx_are_healthy(env: Env) -> None:
    library = install(env, "provider", THROWS)
    install(env, "user", CATCHES, *linked(library))
    assert env.doctor()[0] == 0
    assert findings(env.doctor()[1]) == []


def test_a_user_of_what_is_loaded_for_everybody_is_seen_too(env: Env) -> None:
    install(env, "provider", THROWS, *STATIC)
    install(env, "user", CATCHES)
    code, document = env.doctor()
    assert (code, crossings(document)) == (1, [("CXXRT-H5", "warning", ["provider"], ["user"])])


def test_a_user_whose_own_package_has_it_is_no_crossing(env: Env) -> None:
    install(env, "provider", THROWS, *STATIC)
    loader = compile_object(env.site / "user" / "libloaded.so", THROWS)
    user = compile_object(env.site / "user" / "core.so", CATCHES)
    env.install("user", loader, user)
    assert findings(env.doctor()[1]) == [("CXXRT-H5", "note", ["provider"], [])]


def test_a_struct_with_a_string_between_both_abis_is_a_warning(env: Env) -> None:
    library = install(env, "provider", FILLS, NEW)
    install(env, "user", OF_STRINGS, OLD, *linked(library))
    code, document = env.doctor()
    assert (code, findings(document)) == (1, [("CXXRT-D13", "warning", ["user"], ["provider"])])
    assert any(
        "takes _Z4fillR8Settingsi from" in line for line in document["findings"][0]["evidence"]
    )


@pytest.mark.parametrize("flag", [OLD, NEW])
def test_the_same_abi_on_both_sides_is_healthy(env: Env, flag: str) -> None:
    library = install(env, "provider", FILLS, flag)
    install(env, "user", OF_STRINGS, flag, *linked(library))
    assert findings(env.doctor()[1]) == []


def test_both_abis_that_never_meet_are_nobodys_business(env: Env) -> None:
    install(env, "older", OWN_STRINGS, OLD)
    install(env, "newer", OWN_STRINGS, NEW)
    assert findings(env.doctor()[1]) == []


@ONLY_X86
def test_a_capsule_between_both_abis_is_a_note_that_names_both(env: Env) -> None:
    install(env, "older", MAKES, OLD)
    install(env, "opener", OPENS)
    code, document = env.doctor()
    assert (code, findings(document)) == (0, [("CXXRT-D13", "note", ["older"], [])])
    (found,) = document["findings"]
    assert "older is compiled for the old std::string" in found["message"]
    assert "opener" in found["message"]
    assert "takes a pointer out of the capsule 'demo.settings'" in found["evidence"][1]
    assert env.doctor() == (0, document), "and the same from the cache"


def test_a_capsule_of_another_name_or_between_equals_is_nothing(env: Env) -> None:
    install(env, "older", MAKES, OLD)
    install(env, "stranger", OPENS.replace("demo.settings", "demo.other"))
    install(env, "equal", MAKES.replace("PyCapsule_New", "PyCapsule_GetPointer"), OLD)
    assert findings(env.doctor()[1]) == []


GREETS = "#include <string>\nstd::string greet(const std::string &name) { return name; }\n"
ASKS_TO_GREET = """
#include <string>
std::string greet(const std::string &);
extern "C" int call() { return static_cast<int>(greet("x").size()); }
"""


@pytest.mark.parametrize(("mine", "theirs"), [(OLD, NEW), (NEW, OLD)])
@pytest.mark.parametrize("links", [True, False])
def test_a_spelling_that_only_another_package_has_otherwise_is_an_error(
    env: Env, mine: str, theirs: str, *, links: bool
) -> None:
    """D11, also where the user of the symbol needs no library that could have it."""
    library = install(env, "provider", GREETS, theirs)
    options = linked(library) if links else ()
    install(env, "good", ASKS_TO_GREET, theirs, *options)
    assert crossings(env.doctor()[1]) == []
    install(env, "bad", ASKS_TO_GREET, mine, *options)
    code, document = env.doctor()
    assert (code, crossings(document)) == (1, [("CXXRT-D11", "error", ["bad"], ["bad"])])
    if not links:
        install(env, "elsewhere", GREETS, mine)
        assert crossings(env.doctor()[1]) == [], "somebody has it as it is spelled"


KERNEL = """
__global__ __attribute__((visibility("default"))) void scale(float *x) { *x *= 2; }
__attribute__((visibility("default"))) int twice(int x) { return 2 * x; }
"""
LAUNCHES = """
__global__ __attribute__((visibility("default"))) void scale(float *x);
extern "C" int run() { scale<<<1, 1>>>(nullptr); return cudaGetLastError(); }
"""
CALLS_HOST = """
int twice(int);
extern "C" int run() { return twice(1) + (int)cudaGetLastError(); }
"""


def compile_kernel(env: Env, name: str, source: str, *options: str) -> Path:
    """A package that nvcc has compiled and linked, as it does if nobody tells it otherwise."""
    folder = env.site / name
    folder.mkdir()
    text = folder / "core.cu"
    text.write_text(source)
    made = folder / f"lib{name}.so"
    command = ["nvcc", "-shared", "-Xcompiler", "-fPIC", f"-Xlinker=-soname={made.name}"]
    subprocess.run([*command, "-o", str(made), str(text), *options], check=True)
    env.install(name, made)
    return made


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
def test_a_kernel_that_another_package_launches_is_a_warning(env: Env) -> None:
    library = compile_kernel(env, "kernels", KERNEL)
    assert traits(library).hidden == (RuntimeFamily.LIBCUDART,)
    assert findings(env.doctor()[1]) == []
    compile_kernel(env, "launcher", LAUNCHES, str(library), f"-Xlinker=-rpath={leads_to(library)}")
    code, document = env.doctor()
    culprits = ["kernels", "launcher"]
    assert (code, findings(document)) == (1, [("CXXRT-H7", "warning", culprits, [])])
    assert "launcher launches kernels of kernels" in document["findings"][0]["message"]
    assert any("registers _Z5scalePf" in line for line in document["findings"][0]["evidence"])


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
def test_a_host_function_that_another_package_calls_is_none(env: Env) -> None:
    library = compile_kernel(env, "kernels", KERNEL)
    compile_kernel(env, "caller", CALLS_HOST, str(library), f"-Xlinker=-rpath={leads_to(library)}")
    code, document = env.doctor()
    assert (code, findings(document)) == (0, [("CXXRT-H7", "note", ["caller", "kernels"], [])])
