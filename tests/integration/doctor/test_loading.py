"""What the doctor says of libraries that the loader refuses, does not find or finds wrongly.

Packages with real modules; what is said is compared with what the interpreter does in a child.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from environment_workshop import Env, findings, make_environment
from fixture_cache import compiled
from machine import need_extension_builder

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.environment.machine import loader_words
from cxxrt_toolchain.collect.environment.reader import collect_environment
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.doctor.environment import diagnose_environment
from cxxrt_toolchain.host.describe import describe
from cxxrt_toolchain.rules.every import judge
from cxxrt_toolchain.rules.rule import Severity

if TYPE_CHECKING:
    from cxxrt_toolchain.report.diagnosis import Diagnosis

pytestmark = pytest.mark.compile

MODULE = """
#include <Python.h>
{declared}
static struct PyModuleDef core = {{PyModuleDef_HEAD_INIT, "{name}", 0, -1, 0, 0, 0, 0, 0}};
PyMODINIT_FUNC PyInit_{name}(void) {{ {body}; return PyModule_Create(&core); }}
"""
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
ADD, SUB = "int add(int a) { return a + 1; }\n", "int sub(int a) { return a - 1; }\n"
ONE_NODE = "LEAF_1 { global: *; };\n"


class Lab(NamedTuple):
    """An environment whose packages are compiled."""

    env: Env
    folder: Path

    def library(self, place: str, source: str, *options: str, soname: str = "") -> Path:
        """A shared library of C; `place` is below site-packages, or absolute."""
        target = self.env.site / place
        target.parent.mkdir(parents=True, exist_ok=True)
        name = soname or target.name
        command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", "@"]
        return compiled(target, [*command, f"-Wl,-soname,{name}", *options], source)

    def module(self, place: str, body: str, declared: str, *options: str, init: str = "") -> Path:
        """An extension module, with an ``__init__.py`` beside it."""
        target = self.env.site / f"{place}{SUFFIX}"
        target.parent.mkdir(parents=True, exist_ok=True)
        (target.parent / "__init__.py").write_text(init)
        source = MODULE.format(declared=declared, body=body, name=target.name.partition(".")[0])
        command = ["gcc", "-shared", "-fPIC", f"-I{sysconfig.get_paths()['include']}"]
        command += ["-x", "c", "-", "-x", "none", "-o", "@", *options]
        return compiled(target, command, source)

    def judged(self, **variables: str) -> Diagnosis:
        """The diagnosis in a session with some variables."""
        return diagnose_environment(str(self.env.root / "bin" / "python"), variables)

    def said(self, **variables: str) -> list[tuple[str, str]]:
        """The rules and the severities of what is said."""
        return [(each.rule, each.severity.value) for each in self.judged(**variables).findings]

    def imports(self, name: str, **variables: str) -> str:
        """The error of an import in a child; empty if it works."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "GLIBC"))}
        done = subprocess.run(
            [self.env.root / "bin" / "python", "-c", f"import {name}"],
            env=environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """An empty environment."""
    need_extension_builder()
    monkeypatch.setenv("CXXRT_CUDA", "none")
    return Lab(make_environment(tmp_path / "env"), tmp_path)


def rpath(folder: str, *, old: bool = False) -> tuple[str, str]:
    """Options for a search path."""
    return f"-Wl,-rpath,{folder}", f"-Wl,--{'disable' if old else 'enable'}-new-dtags"


def test_a_symbol_of_another_release_is_named_with_the_library_that_lacks_it(lab: Lab) -> None:
    library = lab.library("frame/libframe.so.2", ADD + SUB)
    core = lab.module(
        "ops/core", "sub(1)", "int sub(int);", str(library), *rpath("$ORIGIN/../frame")
    )
    lab.env.install("ops", core, requires="Requires-Dist: frame>=2\n")
    lab.env.install("frame", library)
    assert (lab.said(), lab.imports("ops.core")) == ([], "")
    lab.library("frame/libframe.so.2", ADD)
    assert "undefined symbol: sub" in lab.imports("ops.core")
    (found,) = lab.judged().findings
    assert (found.rule, found.severity.value) == ("CXXRT-P7", "error")
    assert found.message == ("ops 1.0 needs sub, which libframe.so.2 of frame 1.0 does not define")
    assert (found.culprits, found.victims) == (("ops", "frame"), ("ops",))
    assert "ops requires frame>=2" in found.evidence
    # Another package has it, and nothing leads there.
    other = lab.library("legacy/libframe.so.2", ADD + SUB)
    lab.env.install("legacy", other)
    (found,) = lab.judged().findings
    assert found.message.endswith("; legacy 1.0 has it, and nothing leads there")
    assert str(other) in found.libraries


def test_a_symbol_that_a_library_deeper_down_lacks_is_found(lab: Lab) -> None:
    leaf = lab.library("frame/libleaf.so", ADD + SUB)
    middle = lab.library(
        "ops/libmiddle.so", "int sub(int); int mid(void) { return sub(2); }",
        str(leaf), *rpath("$ORIGIN/../frame"),
    )  # fmt: skip
    core = lab.module("ops/core", "mid()", "int mid(void);", str(middle), *rpath("$ORIGIN"))
    lab.env.install("ops", core, middle)
    lab.env.install("frame", leaf)
    assert (lab.said(), lab.imports("ops.core")) == ([], "")
    lab.library("frame/libleaf.so", ADD)
    assert "undefined symbol: sub" in lab.imports("ops.core")
    (found,) = lab.judged().findings
    assert (found.rule, found.libraries[:2]) == ("CXXRT-P7", (str(middle), str(leaf)))


def test_a_version_that_the_library_lacks_is_an_error(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "map").write_text("LEAF_1 { global: add; };\nLEAF_2 { global: sub; } LEAF_1;\n")
    (tmp_path / "old").write_text("LEAF_1 { global: add; };\n")
    new = f"-Wl,--version-script={tmp_path / 'map'}"
    library = lab.library("frame/libframe.so.2", ADD + SUB, new)
    core = lab.module(
        "ops/core", "sub(1)", "int sub(int);", str(library), *rpath("$ORIGIN/../frame")
    )
    lab.env.install("ops", core)
    lab.env.install("frame", library)
    assert (lab.said(), lab.imports("ops.core")) == ([], "")
    lab.library("frame/libframe.so.2", ADD, f"-Wl,--version-script={tmp_path / 'old'}")
    assert "LEAF_2' not found" in lab.imports("ops.core")
    assert ("CXXRT-D3", "error") in lab.said()


def test_a_module_for_a_newer_python_is_an_error_and_one_for_another_is_not_asked(lab: Lab) -> None:
    core = lab.module("ops/core", "PyOps_FromTheFuture()", "int PyOps_FromTheFuture(void);")
    lab.env.install("ops", core)
    assert "undefined symbol" in lab.imports("ops.core")
    (found,) = lab.judged().findings
    assert found.message.startswith("ops 1.0 needs PyOps_FromTheFuture, which Python 3.")
    other = core.with_name("core.cpython-36m-x86_64-linux-gnu.so")
    core.rename(other)
    (lab.env.site / "ops-1.0.dist-info" / "RECORD").write_text(f"ops/{other.name},,\n")
    assert lab.said() == []


def test_one_broken_module_of_several_is_a_warning(lab: Lab) -> None:
    core = lab.module("ops/core", "", "")
    extra = lab.module("ops/extra", "lost()", "int lost(void);")
    lab.env.install("ops", core, extra)
    assert lab.said() == [("CXXRT-P7", "warning")]


def test_symbols_that_code_makes_global_are_there(lab: Lab) -> None:
    library = lab.library("ops/libops.so", SUB)
    opened = (
        "import ctypes, os\n"
        "ctypes.CDLL(os.path.dirname(__file__) + '/libops.so', mode=ctypes.RTLD_GLOBAL)\n"
    )
    core = lab.module("ops/core", "sub(1)", "int sub(int);", init=opened)
    lab.env.install("ops", core, library)
    assert (lab.imports("ops.core"), lab.said()) == ("", [])
    (core.parent / "__init__.py").write_text("")
    assert "undefined symbol" in lab.imports("ops.core")
    assert lab.said() == [("CXXRT-P7", "error")]


def test_a_library_that_a_variable_puts_first_and_that_lacks_a_symbol_is_named(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "map").write_text(ONE_NODE)
    script = f"-Wl,--version-script={tmp_path / 'map'}"
    right = lab.library("jit/libjit.so.12", ADD + SUB, script)
    wrong = lab.library(str(tmp_path / "old" / "libjit.so.12"), ADD, script)
    same = lab.library(str(tmp_path / "new" / "libjit.so.12"), ADD + SUB + "int x;", script)
    core = lab.module(
        "sparse/core", "sub(1)", "int sub(int);", str(right), *rpath("$ORIGIN/../jit")
    )
    lab.env.install("sparse", core)
    lab.env.install("jit", right)
    assert lab.said() == []
    for variables in (
        {"LD_LIBRARY_PATH": f"/nonexistent:{wrong.parent}"},
        {"LD_PRELOAD": str(wrong)},
    ):
        assert "undefined symbol: sub" in lab.imports("sparse.core", **variables)
        (found,) = lab.judged(**variables).findings
        assert (found.rule, found.severity.value) == ("CXXRT-D10", "error")
        assert next(iter(variables)) in found.message
        assert (str(wrong), str(right)) == found.libraries[:2]
        assert found.victims == ("sparse",)
    assert lab.imports("sparse.core", LD_LIBRARY_PATH=str(same.parent)) == ""
    assert lab.said(LD_LIBRARY_PATH=str(same.parent)) == []


def test_a_library_that_only_a_preloaded_one_brings_is_traced_to_it(
    lab: Lab, tmp_path: Path
) -> None:
    right = lab.library("jit/libjit.so.12", ADD + SUB)
    wrong = lab.library(str(tmp_path / "old" / "libjit.so.12"), ADD)
    bringer = lab.library(
        str(tmp_path / "libtrace.so"), "int add(int); int trace(void) { return add(1); }",
        str(wrong), *rpath(str(wrong.parent)),
    )  # fmt: skip
    core = lab.module(
        "sparse/core", "sub(1)", "int sub(int);", str(right), *rpath("$ORIGIN/../jit")
    )
    lab.env.install("sparse", core)
    lab.env.install("jit", right)
    assert "undefined symbol: sub" in lab.imports("sparse.core", LD_PRELOAD=str(bringer))
    (found,) = lab.judged(LD_PRELOAD=str(bringer)).findings
    assert (found.rule, f"({bringer} needs it)" in found.message) == ("CXXRT-D10", True)
    assert found.remedies == (f"Unset LD_PRELOAD, or remove {bringer} from it",)


def test_a_library_of_another_package_that_nothing_leads_to_is_out_of_reach(lab: Lab) -> None:
    library = lab.library("vendor/lib/libvendor.so.3", SUB)
    core = lab.module(
        "ops/core", "sub(1)", "int sub(int);", str(library), *rpath("/opt/builder/lib")
    )
    lab.env.install("ops", core, requires="Requires-Dist: vendor\n")
    lab.env.install("vendor", library)
    assert "libvendor.so.3: cannot open shared object file" in lab.imports("ops.core")
    (found,) = lab.judged().findings
    assert (found.rule, found.severity.value, found.victims) == ("CXXRT-P1", "error", ("ops",))
    assert "vendor 1.0 has it in" in found.message
    assert "/opt/builder/lib" in found.message
    name, _, folder = found.remedies[0].removeprefix("Start Python with ").partition("=")
    assert lab.imports("ops.core", **{name: folder}) == ""
    # The package's own code, or a module of a package that it requires, may load it before.
    (core.parent / "__init__.py").write_text(
        "import ctypes, os\nhere = os.path.dirname(os.path.dirname(__file__))\n"
        "ctypes.CDLL(os.path.join(here, 'vendor', 'lib', 'libvendor.so.3'))\n"
    )
    assert (lab.imports("ops.core"), lab.said()) == ("", [])
    (core.parent / "__init__.py").write_text("import vendor.start\n")
    start = lab.module(
        "vendor/start", "sub(1)", "int sub(int);", str(library), *rpath("$ORIGIN/lib")
    )
    (lab.env.site / "vendor-1.0.dist-info" / "RECORD").write_text(
        f"vendor/lib/libvendor.so.3,,\nvendor/{start.name},,\n"
    )
    assert (lab.imports("ops.core"), lab.said()) == ("", [])
    # What the other package loads before may be of another release.
    lab.library("vendor/lib/libvendor.so.3", ADD)
    lab.module("vendor/start", "", "")
    lab.module("vendor/start", "add(1)", "int add(int);", str(library), *rpath("$ORIGIN/lib"))
    assert "undefined symbol: sub" in lab.imports("ops.core")
    assert lab.said() == [("CXXRT-P7", "error")]


def test_a_library_that_is_not_installed_is_an_error_only_where_nothing_else_works(
    lab: Lab,
) -> None:
    library = lab.library("ops/libgone.so.1", SUB)
    core = lab.module("ops/core", "sub(1)", "int sub(int);", str(library))
    library.unlink()
    lab.env.install("ops", core)
    assert lab.said() == [("CXXRT-P1", "error")]
    assert "not installed" in lab.judged().findings[0].message
    other = lab.module("ops/other", "", "")
    (lab.env.site / "ops-1.0.dist-info" / "RECORD").write_text(
        f"ops/{core.name},,\nops/{other.name},,\n"
    )
    assert lab.said() == [("CXXRT-P1", "note")]
    assert lab.env.doctor()[0] == 0
    # A file of the package itself is not optional.
    record = lab.env.site / "ops-1.0.dist-info" / "RECORD"
    record.write_text(f"{record.read_text()}ops/libgone.so.1,,\n")
    (found,) = lab.judged().findings
    assert (found.severity.value, found.culprits) == ("error", ("ops",))
    assert "a file of ops that is gone" in found.message
    assert found.remedies == ("pip install --force-reinstall --no-deps ops==1.0",)


def test_a_library_of_the_runtime_that_holds_zeros_is_an_error(lab: Lab) -> None:
    library = lab.env.site / "cxx11_cuda_runtime" / "lib" / "libstdc++.so.6"
    library.parent.mkdir(parents=True)
    library.write_bytes(bytes(4096))
    metadata = lab.env.site / "cxx11_cuda_runtime-1.14.0.dist-info"
    metadata.mkdir()
    text = "Metadata-Version: 2.1\nName: cxx11-cuda-runtime\nVersion: 1.14.0\n"
    (metadata / "METADATA").write_text(text)
    (metadata / "RECORD").write_text(f"{library.relative_to(lab.env.site)},,\n")
    (found,) = (each for each in lab.judged().findings if each.rule == "CXXRT-W5")
    assert found.severity.value == "error"
    assert found.remedies == ("pip install --force-reinstall --no-deps cxx11-cuda-runtime==1.14.0",)


TLS = """
__attribute__((tls_model("initial-exec"))) __thread char block[{}];
int use(int i) {{ return block[i]++; }}
"""


def test_static_tls_is_added_up(lab: Lab) -> None:
    for name, size in (("one", 1000), ("two", 1000), ("small", 40)):
        library = lab.library(f"{name}/libbig-{name}.so.1", TLS.format(size))
        core = lab.module(
            f"{name}/core", "use(1)", "int use(int);", str(library), *rpath("$ORIGIN")
        )
        lab.env.install(name, core, library)
    assert "cannot allocate memory in static TLS block" in lab.imports("one.core, two.core")
    (found,) = lab.judged().findings
    assert (found.rule, found.severity.value) == ("CXXRT-H13", "warning")
    assert found.victims[:2] == ("one", "two")
    name, _, value = found.remedies[0].removeprefix("Start Python with ").partition("=")
    assert lab.imports("one.core, two.core, small.core", **{name: value}) == ""
    assert lab.said(**{name: value}) == []
    name, _, value = found.remedies[1].removeprefix("Start Python with ").partition("=")
    assert lab.imports("one.core, two.core, small.core", **{name: value}) == ""


@pytest.mark.parametrize("size", [1000, 1664, 1700, 1712, 1713, 3000])
def test_a_module_that_finds_no_room_alone_is_an_error(lab: Lab, size: int) -> None:
    """And not if it just fits."""
    library = lab.library("one/libbig.so.1", TLS.format(size))
    core = lab.module("one/core", "use(1)", "int use(int);", str(library), *rpath("$ORIGIN"))
    lab.env.install("one", core, library)
    fails = lab.imports("one.core")
    assert lab.said() == ([("CXXRT-H13", "error")] if fails else [])


def test_a_library_as_two_files_is_noted_and_a_warning_where_both_are_mapped(lab: Lab) -> None:
    first = lab.library("plug/libplug.so.1", SUB)
    second = first.with_name("libplug.so")
    second.write_bytes(first.read_bytes())
    core = lab.module("plug/core", "sub(1)", "int sub(int);", str(first), *rpath("$ORIGIN"))
    lab.env.install("plug", core, first, second)
    assert lab.said() == [("CXXRT-H18", "note")]
    opened = f"import plug.core, ctypes; ctypes.CDLL({str(second)!r})"
    assert lab.env.doctor("--import", "plug.core")[1]["findings"] == []
    (core.parent / "both.py").write_text(opened)
    code, document = lab.env.doctor("--import", "plug.both")
    assert (code, findings(document)) == (1, [("CXXRT-H18", "warning", ["plug"], [])])
    for replacement in (Path.symlink_to, Path.hardlink_to):
        second.unlink()
        replacement(second, first)
        assert lab.said() == []
        assert findings(lab.env.doctor("--import", "plug.both")[1]) == []


def test_links_into_a_cache_are_the_packages_files(lab: Lab, tmp_path: Path) -> None:
    """As uv's link mode "symlink" installs: $ORIGIN is where the link lies, not its target."""
    cache = tmp_path / "cache"
    library = lab.library("vendor/libvendor.so.3", SUB)
    core = lab.module(
        "ops/core", "sub(1)", "int sub(int);", str(library), *rpath("$ORIGIN/../vendor")
    )
    for each in (library, core, core.with_name("__init__.py")):
        place = cache / f"{len(each.name)}" / each.parent.name / each.name
        place.parent.mkdir(parents=True, exist_ok=True)
        each.rename(place)
        each.symlink_to(place)
    lab.env.install("ops", core)
    lab.env.install("vendor", library)
    assert (lab.imports("ops.core"), lab.said()) == ("", [])
    document = lab.env.doctor("--import", "ops.core")[1]
    assert (document["findings"], len(document["packages"])) == ([], 2)
    gone = core.resolve()
    gone.rename(gone.with_name("core.moved"))
    assert "No module named 'ops.core'" in lab.imports("ops.core")
    (found,) = lab.judged().findings
    assert (found.rule, found.severity.value, found.victims) == ("CXXRT-W5", "error", ("ops",))
    assert f"a link to {gone}, which does not exist" in found.message


def test_an_import_that_fails_is_explained_by_the_same_rules(lab: Lab, tmp_path: Path) -> None:
    right = lab.library("one/libframe.so.2", ADD + SUB)
    wrong = lab.library(str(tmp_path / "old" / "libframe.so.2"), ADD)
    core = lab.module("one/core", "sub(1)", "int sub(int);", str(right), *rpath("$ORIGIN"))
    lab.env.install("one", core, right)
    mine = lab.library("two/libframe.so.2", ADD)
    other = lab.module("two/core", "add(1)", "int add(int);", str(mine), *rpath("$ORIGIN"))
    lab.env.install("two", other, mine)
    shadowed = lab.env.doctor("--import", "one.core", LD_LIBRARY_PATH=str(wrong.parent))[1]
    assert findings(shadowed) == [("CXXRT-D10", "error", [], ["one"])]
    assert "undefined symbol: sub" in shadowed["findings"][0]["evidence"][0]
    document = lab.env.doctor("--import", "two.core,one.core")[1]
    (found,) = document["findings"]
    assert (found["rule"], found["culprits"], found["victims"]) == ("CXXRT-D3", ["two"], ["one"])
    assert found["remedies"] == ["tried, works: import one before two"]
    lab.library("one/libframe.so.2", ADD)
    document = lab.env.doctor("--import", "one.core")[1]
    assert findings(document) == [("CXXRT-P7", "error", ["one"], ["one"])]


NONE, RPATH, RUNPATH = KINDS = ("none", "rpath", "runpath")
PATHS = ("", "good", "old", "middle", "middle:old", "old:middle", "none:good:middle")
"""``LD_LIBRARY_PATH``, of folders below the place of the test."""
PRELOADS = ("", "old/libleaf.so.1", "good/libleaf.so.1")


@pytest.mark.parametrize("middles", KINDS)
@pytest.mark.parametrize("mine", KINDS)
@pytest.mark.parametrize(
    ("listed", "preloads"),
    [(PATHS[3:5], PRELOADS[:2]), pytest.param(PATHS, PRELOADS, marks=pytest.mark.fuzz)],
)
def test_the_simulation_agrees_with_the_loader(
    lab: Lab,
    tmp_path: Path,
    mine: str,
    middles: str,
    listed: tuple[str, ...],
    preloads: tuple[str, ...],
) -> None:
    """An error if and only if the import fails, for each combination of search paths and variables.

    The module's search path leads to the library that it needs, and to the good leaf; the search
    path of the library leads to an old leaf that lacks a symbol.
    """
    good = lab.library(f"{tmp_path}/good/libleaf.so.1", ADD + SUB)
    old = lab.library(f"{tmp_path}/old/libleaf.so.1", ADD)
    paths = {NONE: (), RPATH: rpath(str(old.parent), old=True), RUNPATH: rpath(str(old.parent))}
    source = "int sub(int); int mid(void) { return sub(2); }"
    middle = lab.library(f"{tmp_path}/middle/libmiddle.so.1", source, str(good), *paths[middles])
    both = f"{middle.parent}:{good.parent}"
    paths = {NONE: (), RPATH: rpath(both, old=True), RUNPATH: rpath(both)}
    options = ("-Wl,--allow-shlib-undefined", *paths[mine])
    core = lab.module("pack/core", "mid()", "int mid(void);", str(middle), *options)
    lab.env.install("pack", core)
    environment = read_environment(describe(str(lab.env.root / "bin" / "python")), Store())
    for path, preload in itertools.product(listed, preloads):
        given = {"LD_LIBRARY_PATH": path.split(":"), "LD_PRELOAD": [preload]}
        variables = {
            name: ":".join(f"{tmp_path}/{each}" for each in places)
            for name, places in given.items()
            if any(places)
        }
        said = judge(collect_environment(environment, variables, Store()))
        errors = [each for each in said if each.severity is Severity.ERROR]
        fails = lab.imports("pack.core", **variables)
        assert bool(errors) == bool(fails), (given, fails, errors)


def test_a_library_that_only_code_opens_is_looked_at(lab: Lab) -> None:
    frame = lab.library("frame/libframe.so", ADD + SUB)
    opened = lab.library(
        "native/libnative.so", "int sub(int); int f(void) { return sub(2); }",
        str(frame), *rpath("$ORIGIN/../frame"),
    )  # fmt: skip
    lab.env.install("native", opened)
    lab.env.install("frame", frame)
    opens = lab.env.site / "opens.py"
    opens.write_text(f"import ctypes; ctypes.CDLL({str(opened)!r})")
    assert (lab.imports("opens"), lab.said()) == ("", [])
    # Nothing of the package opens: a warning, for its code may do what is not seen here.
    lab.library("frame/libframe.so", ADD)
    assert "undefined symbol: sub" in lab.imports("opens")
    (found,) = lab.judged().findings
    assert (found.rule, found.severity.value) == ("CXXRT-P7", "warning")
    assert f"{opened} cannot be opened" in found.evidence
    (tried,) = lab.env.doctor("--import", "opens")[1]["findings"]
    assert (tried["rule"], tried["severity"]) == ("CXXRT-P7", "error"), "it was opened"
    away = frame.rename(lab.folder / frame.name)
    (lab.env.site / "frame-1.0.dist-info" / "RECORD").write_text("")
    assert "libframe.so: cannot open" in lab.imports("opens")
    assert lab.said() == [("CXXRT-P1", "note")], "the machine may have it where the code runs"
    away.rename(frame.with_name("moved.so"))
    other = lab.library("frame/deep/libframe.so", ADD + SUB)
    (lab.env.site / "frame-1.0.dist-info" / "RECORD").write_text("frame/deep/libframe.so,,\n")
    assert lab.said() == [("CXXRT-P1", "warning")]
    opens.write_text(f"import ctypes; ctypes.CDLL({str(other)!r}); ctypes.CDLL({str(opened)!r})")
    assert lab.imports("opens") == ""
    start = opened.parent / "start.py"
    start.write_text("import ctypes; ctypes.CDLL('libframe.so')")
    assert lab.said() == [("CXXRT-P1", "warning")], "by its name it is not found (numba and TBB)"
    start.write_text("import ctypes, os\nctypes.CDLL(os.path.join(found, 'libframe.so'))")
    assert lab.said() == [], "the package's own code opens it before"


def test_a_library_beside_others_that_open_may_be_a_plug_in(lab: Lab) -> None:
    """It takes symbols of what opens it, as MKL's kernels do; a lost file is lost anyway."""
    core = lab.library("native/libnative.so", ADD + SUB)
    plug = lab.library("native/libplug.so", "int sub(int); int p(void) { return sub(1); }")
    lab.env.install("native", core, plug)
    assert lab.said() == []
    gone = lab.library("native/libgone.so", "int g(void) { return 1; }")
    asks = "int g(void); int q(void) { return g(); }"
    lab.library("native/libplug.so", asks, str(gone), *rpath("$ORIGIN"))
    gone.unlink()
    assert lab.said() == [("CXXRT-P1", "note")]
    record = lab.env.site / "native-1.0.dist-info" / "RECORD"
    record.write_text(f"{record.read_text()}native/libgone.so,,\n")
    assert lab.said() == [("CXXRT-P1", "error")]
    # One that opens alone and that the others need counts, too.
    base = lab.library("native/libgone.so", "int g(void) { return 1; }")
    lab.library("native/libplug.so", asks + "int sub(int); int p(void) { return sub(1); }",
                str(base), *rpath("$ORIGIN"))  # fmt: skip
    record.write_text("native/libplug.so,,\nnative/libgone.so,,\n")
    assert lab.said() == []
    record.write_text("native/libplug.so,,\n")
    assert lab.said() == [("CXXRT-P7", "note")], "the program that opens it may have the symbol"
    (base.parent / "start.py").write_text("import ctypes; ctypes.CDLL('libplug.so')\n")
    assert lab.said() == [("CXXRT-P7", "warning")], "Python opens it"


def test_a_variable_that_breaks_a_library_that_code_opens_is_an_error(
    lab: Lab, tmp_path: Path
) -> None:
    right = lab.library("native/libright.so", SUB)
    wrong = lab.library(str(tmp_path / "old" / "libright.so"), ADD)
    asks = "int sub(int); int f(void) { return sub(2); }"
    opened = lab.library("native/libnative.so", asks, str(right), *rpath("$ORIGIN"))
    lab.env.install("native", opened)
    variables = {"LD_LIBRARY_PATH": str(wrong.parent)}
    assert "undefined symbol: sub" in lab.imports(
        f"ctypes; ctypes.CDLL({str(opened)!r})", **variables
    )
    assert lab.said() == []
    assert lab.said(**variables) == [("CXXRT-D10", "error")]


def test_an_allocator_that_is_meant_for_ld_preload_is_no_fault(lab: Lab) -> None:
    library = lab.library("heap/libheap.so.1", TLS.format(3000))
    lab.env.install("heap", library)
    assert "static TLS block" in lab.imports(f"ctypes; ctypes.CDLL({str(library)!r})")
    assert lab.said() == [("CXXRT-H13", "note")]
    assert lab.imports("ctypes", LD_PRELOAD=str(library)) == ""


def told(lab: Lab, **variables: str) -> bool:
    """Whether the doctor says an error; it is the same as a failed import of ``pack.core``."""
    errors = [each for each in lab.judged(**variables).findings if each.severity is Severity.ERROR]
    fails = lab.imports("pack.core", **variables)
    assert bool(errors) == bool(fails), (variables, fails, errors)
    return bool(errors)


def test_what_the_machine_decides_is_as_the_loader_has_it(lab: Lab, tmp_path: Path) -> None:
    """``$LIB``, ``$PLATFORM`` and the folders for newer processors, good and bad."""
    good = lab.library(f"{tmp_path}/good/libleaf.so.1", ADD + SUB)
    old = lab.library(f"{tmp_path}/old/libleaf.so.1", ADD)
    by = rpath(f"{tmp_path}/run/$LIB/${{PLATFORM}}")
    core = lab.module("pack/core", "sub(1)", "int sub(int);", str(good), *by)
    lab.env.install("pack", core)
    words = loader_words(os.path.realpath(lab.env.root / "bin" / "python"))
    place = tmp_path / "run" / words["LIB"] / words["PLATFORM"]
    place.mkdir(parents=True)
    assert told(lab), "it is not found"
    (place / good.name).symlink_to(good)
    assert not told(lab)
    by_word = f"{tmp_path}/old-$LIB.so"
    Path(by_word.replace("$LIB", words["LIB"])).parent.mkdir(parents=True)
    Path(by_word.replace("$LIB", words["LIB"])).symlink_to(old)
    assert told(lab, LD_PRELOAD=by_word), "its SONAME serves the module"
    seen = set()
    for level in ("x86-64-v4", "x86-64-v3", "x86-64-v2", "not-a-level"):
        special = place / "glibc-hwcaps" / level
        special.mkdir(parents=True)
        (special / good.name).symlink_to(old)
        seen.add(told(lab))
        shutil.rmtree(place / "glibc-hwcaps")
    assert seen == ({False, True} if words["hwcaps"] else {False})


IN_NAMESPACE = """
cp -r /etc/. "$1" 2>/dev/null
echo "$2 # a comment" > "$1/ld.so.preload"
mount --bind "$1" /etc || exit 77
shift 2
exec "$@"
"""


def test_what_the_preload_file_names_is_in_every_process(lab: Lab, tmp_path: Path) -> None:
    good = lab.library(f"{tmp_path}/good/libleaf.so.1", ADD + SUB)
    old = lab.library(f"{tmp_path}/old/libleaf.so.1", ADD)
    core = lab.module("pack/core", "sub(1)", "int sub(int);", str(good), *rpath(str(good.parent)))
    lab.env.install("pack", core)
    assert not told(lab)
    python = str(lab.env.root / "bin" / "python")
    enter = ["unshare", "--map-root-user", "--mount", "sh", "-c", IN_NAMESPACE, "sh"]
    (tmp_path / "etc").mkdir()

    def inside(*command: str) -> subprocess.CompletedProcess[str]:
        entered = [*enter, str(tmp_path / "etc"), f"{old.parent}/missing.so:{old}", *command]
        done = subprocess.run(entered, capture_output=True, text=True, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip(f"no mount namespace: {done.stderr}")
        return done

    assert "undefined symbol: sub" in inside(python, "-c", "import pack.core").stderr
    doctor = (sys.executable, "-m", "cxxrt_toolchain", "doctor", "--json", "--python", python)
    (found,) = json.loads(inside(*doctor).stdout)["findings"]
    assert (found["rule"], found["severity"]) == ("CXXRT-D10", "error")
    assert found["message"].startswith(f"/etc/ld.so.preload puts {old} before {good}")
    assert found["remedies"] == [f"Remove {old} from /etc/ld.so.preload"]
