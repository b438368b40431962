"""Editable installs as installers leave them behind: whose the files of the source tree are."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from installed_packages import install, interpreter

from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.facts.installed import Distribution, Environment

if TYPE_CHECKING:
    from pathlib import Path

CORE = "core.cpython-312-x86_64-linux-gnu.so"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "env" / "lib" / "python3.12" / "site-packages"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Flat: a package, and what else lies in a project's folder."""
    folder = tmp_path / "project"
    for place in (
        *(f"demo/{CORE}", "demo/__init__.py", "demo/sub/data.so", "tests/__init__.py"),
        *(f"build/lib/demo/{CORE}", "docs/conf.py", "target/debug/libdemo.so"),
        *(".venv/pyvenv.cfg", f".venv/lib/python3.12/site-packages/other/{CORE}"),
    ):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def make(
    site: Path, record: str, pth: str | bytes, project: Path | None = None, **more: str
) -> None:
    """A distribution ``demo`` with one ``.pth`` file."""
    place = site / "demo.pth"
    place.write_bytes(pth if isinstance(pth, bytes) else pth.encode())
    told = {"url": project.as_uri(), "dir_info": {"editable": True}} if project else {}
    install(
        site,
        "demo",
        record=f"demo.pth,,\n{record}",
        **({"direct_url.json": json.dumps(told)} | more),
    )


def only(environment: Environment) -> Distribution:
    (found,) = environment.distributions
    return found


def files_of(site: Path, base: Path) -> set[str]:
    """The files of the one distribution, relative to a folder."""
    found = only(read_environment(interpreter(site), Store()))
    return {os.path.relpath(each, base.resolve()) for each in found.files}


def test_a_folder_of_a_pth_file_is_searched_for_packages(site: Path, project: Path) -> None:
    make(site, "", f"{project}\n", project)
    assert files_of(site, project) == {f"demo/{CORE}", "demo/sub/data.so"}


def test_declared_packages_are_the_only_ones(site: Path, project: Path) -> None:
    (project / "helper").mkdir()
    (project / "helper" / CORE).write_bytes(b"")
    (project / "single.abi3.so").write_bytes(b"")
    make(site, "", f"{project}\n", project, **{"top_level.txt": "helper\nsingle\n"})
    assert files_of(site, project) == {f"helper/{CORE}", "single.abi3.so"}


def test_a_hook_is_read_and_not_run(site: Path, project: Path) -> None:
    mark = site / "mark"
    (site / "_hook.py").write_text(
        f"open({str(mark)!r}, 'w')\nMAPPING = {{'demo': {str(project / 'demo')!r}}}\n"
    )
    make(site, "_hook.py,,\n", f"import _hook; open({str(mark)!r}, 'w')\n", project)
    assert files_of(site, project) == {f"demo/{CORE}", "demo/sub/data.so"}
    assert not mark.exists()


def test_only_the_distributions_own_hook_is_read(site: Path, project: Path) -> None:
    (site / "_foreign.py").write_text(f"MAPPING = {{'demo': {str(project / 'demo')!r}}}\n")
    make(site, "", "import _foreign\n", project)
    assert files_of(site, project) == set()


@pytest.mark.parametrize("pth", ["demo.pth,,\n", ""])
def test_of_an_unknown_hook_the_project_is_known(site: Path, project: Path, pth: str) -> None:
    """A backend of tomorrow, with and without a ``.pth`` file: its source tree is its own."""
    (site / "_unknown.py").write_text("import sys\nsys.meta_path.insert(0, object())\n")
    (site / "demo.pth").write_text("import _unknown\n")
    told = json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}})
    record = f"_unknown.py,,\n{pth}demo-1.0.dist-info/direct_url.json,,\n"
    install(site, "demo", record=record, **{"direct_url.json": told})
    environment = read_environment(interpreter(site), Store())
    assert only(environment).files == ()
    owner = environment.owner(str(project / "demo" / CORE))
    assert owner is not None
    assert owner.name == "demo"


def test_meson_says_what_it_would_install(site: Path, tmp_path: Path) -> None:
    build = tmp_path / "project" / "build" / "cp312"
    (build / "meson-info").mkdir(parents=True)
    rows = {
        str(build / CORE): {"destination": f"{{py_platlib}}/demo/{CORE}"},
        str(build / "libtext.so"): {"destination": "{py_platlib}/demo/libtext.so"},
        str(build / "libelsewhere.so"): {"destination": "{libdir_shared}/libelsewhere.so"},
    }
    plan = build / "meson-info" / "intro-install_plan.json"
    plan.write_text(json.dumps({"targets": rows, "python": {"/p/a.py": {}}}))
    (site / "_demo_editable_loader.py").write_text(
        f"def init():\n    MesonpyMetaFinder('demo', {{'demo'}}, {str(build)!r}, [], False)\n"
    )
    make(site, "_demo_editable_loader.py,,\n", "import _demo_editable_loader\n")
    assert files_of(site, build) == {CORE, "libtext.so"}
    for damaged in ("", "{", "[]", '{"targets": 1}', '{"targets": {"a.so": {}}}'):
        plan.write_text(damaged)
        assert files_of(site, build) == set()


def test_a_develop_install_is_followed(site: Path, project: Path) -> None:
    """As ``setup.py develop`` made them, in an interpreter that has not read easy-install.pth."""
    info = project / "demo.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Name: demo\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("demo\n")
    (site / "demo.egg-link").write_text(f"{project}\n.")
    environment = read_environment(interpreter(site), Store())
    assert files_of(site, project) == {f"demo/{CORE}", "demo/sub/data.so"}
    assert only(environment).sources == (str(project), str(project / "demo"))
    for damaged in ("", "relative\n.", "/gone\n.", "/nul\0\n.", str(site)):
        (site / "demo.egg-link").write_text(damaged)
        assert read_environment(interpreter(site), Store()).distributions == ()


def test_what_lies_in_the_source_tree_is_the_projects(site: Path, project: Path) -> None:
    make(site, "", f"{project}\n", project)
    environment = read_environment(interpreter(site), Store())
    for path in (f"demo/{CORE}", f"build/lib/demo/{CORE}", "demo/built/since.so"):
        owner = environment.owner(str(project / path))
        assert owner is not None, path
        assert owner.name == "demo"
    for other in (
        project / ".venv" / "lib" / "python3.12" / "site-packages" / "other" / CORE,
        project.parent / "projects" / "x.so",
        site / "x.so",
    ):
        assert environment.owner(str(other)) is None


def test_an_environment_inside_the_project_is_not_the_projects(site: Path, project: Path) -> None:
    make(site, "", f"{project}\n", project)
    found = read_environment(interpreter(site), Store())
    inside = str(project / "conda")
    environment = Environment(
        interpreter=replace(found.interpreter, prefix=inside), distributions=found.distributions
    )
    assert environment.owner(f"{inside}/lib/libstdc++.so.6") is None
    assert environment.owner(f"{project}/lib/x.so") is not None


def test_of_nested_projects_the_inner_one_has_it(site: Path, project: Path) -> None:
    make(site, "", f"{project}\n", project)
    inner = project / "plugins" / "inner"
    (inner / "src" / "inner").mkdir(parents=True)
    (site / "inner.pth").write_text(f"{inner / 'src'}\n")
    told = json.dumps({"url": inner.as_uri(), "dir_info": {"editable": True}})
    install(site, "inner", record="inner.pth,,\n", **{"direct_url.json": told})
    owner = read_environment(interpreter(site), Store()).owner(f"{inner}/build/x.so")
    assert owner is not None
    assert owner.name == "inner"


@pytest.mark.parametrize(
    ("encoding", "seen"),
    [("utf-8", True), ("utf-8-sig", True), ("utf-16", False), ("latin-1", True)],
)
def test_pth_files_of_any_encoding(site: Path, project: Path, encoding: str, *, seen: bool) -> None:
    """Python takes UTF-8 with and without a mark, and the bytes of the file system's encoding."""
    named = project.with_name("pröject")
    raw = str(named).encode("latin-1") if encoding == "latin-1" else os.fsencode(named)
    os.rename(os.fsencode(project), raw)  # noqa: PTH104 - bytes
    text = raw if encoding == "latin-1" else str(named).encode(encoding)
    make(site, "", b"# a comment\n\n" * (encoding in {"utf-8", "latin-1"}) + text)
    found = only(read_environment(interpreter(site), Store()))
    assert len(found.files) == 2 * seen


@pytest.mark.parametrize(
    "pth",
    [
        *("", "/gone/entirely\n", "import\n", "import 1\n", "import os; os.abort()\n"),
        *("relative/folder\n", ".\n", "\0\n", "/nul\0\n", "import\tsys\n", b"\xff\xfe\n"),
    ],
)
def test_pth_files_that_lead_nowhere(site: Path, pth: str | bytes) -> None:
    make(site, f"demo/{CORE},,\n", pth)
    assert files_of(site, site) == {f"demo/{CORE}"}


def test_a_loop_of_links_ends(site: Path, project: Path) -> None:
    (project / "demo" / "again").symlink_to(project)
    (project / "loop").symlink_to("loop")
    make(site, "", f"{project}\n{project / 'loop'}\n", project)
    assert {f"demo/{CORE}", "demo/sub/data.so"} <= files_of(site, project)


@pytest.mark.parametrize(
    "told",
    [
        *("", "{", "[]", "null", "{}", '{"url": 1, "dir_info": {"editable": true}}'),
        *('{"dir_info": {"editable": true}}', '{"url": "file:///p", "dir_info": {}}'),
        *('{"url": "https://h/p", "dir_info": {"editable": true}}', "[" * 100_000),
        '{"url": "file://[", "dir_info": {"editable": true}}',
    ],
)
def test_a_direct_url_that_is_none_of_a_folder(site: Path, project: Path, told: str) -> None:
    make(site, "", f"{project}\n", None, **{"direct_url.json": told})
    assert only(read_environment(interpreter(site), Store())).sources == (
        *(str(project / "demo"), str(project / "tests")),
    ), "not the project"


@pytest.mark.usefixtures("settled")
def test_a_second_look_takes_the_folders_from_the_store(
    site: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(site, "", f"{project}\n", project)
    kept = Store(tmp_path / "cache")
    first = read_environment(interpreter(site), kept)
    kept.save()
    monkeypatch.setattr(os, "scandir", lambda _: pytest.fail("it is known"))
    again = read_environment(interpreter(site), Store(tmp_path / "cache"))
    assert again.distributions == first.distributions
