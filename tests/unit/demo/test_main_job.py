"""Reading what a process mapped."""

from __future__ import annotations

from pathlib import Path

from cxxrt_toolchain.demo.main_job import Mapped, mapped_runtimes, mapped_twice


def test_a_file_is_one_entry_and_other_libraries_are_left_out(tmp_path: Path) -> None:
    other = tmp_path / "libother.so"
    maps = (
        f"7f0000000000-7f0000001000 r--p 00000000 fe:00 12 {other}\n"
        "7f0000001000-7f0000002000 rw-p 00000000 00:00 0 [heap]\n"
        "7f0000002000-7f0000003000 rw-p 00000000 00:00 0\n"
    )
    assert mapped_runtimes(maps) == ()


def test_two_files_of_one_soname_are_found() -> None:
    mapped = tuple(
        Mapped(soname=soname, path=Path(path), kib=1)
        for soname, path in (
            ("libgcc_s.so.1", "/a/libgcc_s.so.1"),
            ("libstdc++.so.6", "/a/libstdc++.so.6"),
            ("libstdc++.so.6", "/b/libstdc++.so.6.0.30"),
        )
    )
    assert mapped_twice(mapped) == ("libstdc++.so.6",)
    assert mapped_twice(mapped[:2]) == ()
