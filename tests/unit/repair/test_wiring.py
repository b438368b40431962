"""Where the calls of ``require()`` go, layout by layout."""

from __future__ import annotations

import json

import pytest

from cxxrt_toolchain.repair.edits import AddFile, ImportFirst
from cxxrt_toolchain.repair.wiring import RuntimeNeed, Wiring, wire

_NEED = RuntimeNeed(who="foo", requirement="cxx11-cuda-runtime<2,>=1.9", glibcxx="3.4.26")
_EXT = "_ext.cpython-312-x86_64-linux-gnu.so"


def _wire(users: list[str], others: dict[str, bytes], natives: list[str] | None = None) -> Wiring:
    natives = natives or users
    return wire(users, natives, [*natives, *others], others.__getitem__, _NEED)


def _added(wiring: Wiring) -> list[str]:
    return [edit.member for edit in wiring.edits if isinstance(edit, AddFile)]


def _firsts(wiring: Wiring) -> list[ImportFirst]:
    return [edit for edit in wiring.edits if isinstance(edit, ImportFirst)]


def test_a_package_imports_its_own_init_module_first() -> None:
    wiring = _wire([f"foo/{_EXT}"], {"foo/__init__.py": b""})
    assert _added(wiring) == ["foo/_cxxrt_init.py"]
    assert _firsts(wiring) == [ImportFirst(member="foo/__init__.py", module="_cxxrt_init")]
    assert wiring.unwired == ()


def test_the_outermost_package_is_wired_once_for_all_its_binaries() -> None:
    sources = {"foo/__init__.py": b"", "foo/a/__init__.py": b"", "foo/b/__init__.py": b""}
    wiring = _wire([f"foo/a/{_EXT}", f"foo/b/{_EXT}"], sources)
    assert _added(wiring) == ["foo/_cxxrt_init.py"]


@pytest.mark.parametrize(
    "sources",
    [
        {"ns/foo/__init__.py": b""},
        {
            "ns/__init__.py": b"__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
            "ns/foo/__init__.py": b"",
        },
        {
            "ns/__init__.py": b"__import__('pkg_resources').declare_namespace(__name__)",
            "ns/foo/__init__.py": b"",
        },
    ],
)
def test_a_namespace_is_passed_over_for_the_package_below_it(sources: dict[str, bytes]) -> None:
    wiring = _wire([f"ns/foo/{_EXT}"], sources)
    assert _added(wiring) == ["ns/foo/_cxxrt_init.py"]
    assert [edit.member for edit in _firsts(wiring)] == ["ns/foo/__init__.py"]


@pytest.mark.parametrize("folder", ["", "ns/"])
def test_a_lone_extension_module_gets_a_forwarder_of_its_name(folder: str) -> None:
    wiring = _wire([f"{folder}foo.cpython-312-x86_64-linux-gnu.so"], {})
    assert _added(wiring) == [f"{folder}foo/__init__.py", f"{folder}foo/_cxxrt_init.py"]
    for edit in wiring.edits:
        assert isinstance(edit, AddFile)
        compile(edit.content, edit.member, "exec")


@pytest.mark.parametrize("suffix", [".so", ".abi3.so", ".pypy311-pp73-x86_64-linux-gnu.so"])
def test_every_importable_suffix_counts(suffix: str) -> None:
    assert _added(_wire([f"foo{suffix}"], {}))[0] == "foo/__init__.py"


def test_the_types_of_a_lone_module_stay_visible() -> None:
    wiring = _wire(["foo.abi3.so"], {"foo.pyi": b"x: int\n"})
    stub = next(edit for edit in wiring.edits if edit.member == "foo/__init__.pyi")
    assert isinstance(stub, AddFile)
    assert stub.content == "x: int\n"


def test_a_folder_in_the_forwarders_place_is_not_overwritten() -> None:
    wiring = _wire(["foo.abi3.so"], {"foo/data.txt": b""})
    assert wiring.edits == ()
    assert wiring.unwired == ("foo.abi3.so",)


def test_a_folder_of_stubs_beside_a_lone_module_becomes_the_forwarders_package() -> None:
    wiring = _wire(["foo.abi3.so"], {"foo/__init__.pyi": b"x: int\n", "foo/py.typed": b""})
    assert _added(wiring) == ["foo/__init__.py", "foo/_cxxrt_init.py"]
    assert wiring.unwired == ()


def test_a_library_for_ctypes_is_wired_by_its_package() -> None:
    wiring = _wire(["foo/lib/libfoo.so"], {"foo/__init__.py": b""})
    assert _added(wiring) == ["foo/_cxxrt_init.py"]


def test_a_library_without_a_package_is_wired_by_the_modules_beside_it() -> None:
    wiring = _wire(["libfoo.so"], {"foo.py": b"", "other/__init__.py": b""})
    assert _added(wiring) == ["_cxxrt_init_libfoo.py"]
    assert _firsts(wiring) == [ImportFirst(member="foo.py", module="_cxxrt_init_libfoo")]


def test_members_of_purelib_and_platlib_count_as_installed() -> None:
    wiring = _wire([f"foo-1.data/platlib/foo/{_EXT}"], {"foo-1.data/purelib/foo/__init__.py": b""})
    assert _added(wiring) == ["foo-1.data/purelib/foo/_cxxrt_init.py"]
    lone = _wire(["foo-1.data/platlib/foo.abi3.so"], {})
    assert _added(lone)[0] == "foo-1.data/platlib/foo/__init__.py"


def test_a_grafted_library_is_wired_by_the_modules_that_load_it() -> None:
    wiring = _wire(
        ["foo.libs/libbar-1234.so.1"],
        {"foo/__init__.py": b""},
        natives=["foo.libs/libbar-1234.so.1", f"foo/{_EXT}"],
    )
    assert _added(wiring) == ["foo/_cxxrt_init.py"]
    assert wiring.unwired == ()


def test_what_no_import_comes_before_is_named() -> None:
    members = ["foo/__init__.cpython-312-x86_64-linux-gnu.so", "foo-1.data/data/lib/libfoo.so"]
    wiring = _wire(members, {}, natives=[members[1], members[0]])
    assert wiring.edits == ()
    assert wiring.unwired == tuple(sorted(members))


def test_the_call_says_only_what_is_needed() -> None:
    assert _NEED.call() == 'require(glibcxx="3.4.26", who="foo")'
    everything = RuntimeNeed(who="f", requirement="r", glibcxx="3.4.9", cudart="12", openmp=True)
    assert everything.call() == 'require(glibcxx="3.4.9", cudart="12", openmp=True, who="f")'


def test_the_record_for_other_encodings_is_json_with_the_runtime_abi() -> None:
    document = json.loads(_NEED.as_json("cxxrt1_cu12"))
    assert document["runtime_abi"] == "cxxrt1_cu12"
    assert document["requirement"] == _NEED.requirement
