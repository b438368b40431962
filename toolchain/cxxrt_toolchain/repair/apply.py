"""Carry out a repair plan: a plan and an open wheel in, the path of a new wheel out.

The input is only read. Members that no edit touches are copied as compressed bytes; the new wheel
appears under its name whole, or not at all. The same plan and wheel give the same bytes.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.tags import parse_tag

from cxxrt_toolchain.elf.patcher import ElfEdit, Patchelf, Patcher
from cxxrt_toolchain.errors import ToolchainError, UsageError
from cxxrt_toolchain.facts.searchpath import installed_path
from cxxrt_toolchain.repair.edits import (
    AddFile,
    ClearExecutableStack,
    DropMember,
    Edit,
    ImportFirst,
    ReplaceNeeded,
    Retag,
    SetRequirement,
    SetSearchPath,
)
from cxxrt_toolchain.repair.forwarder import import_first
from cxxrt_toolchain.temporary import scratch_folder, whole_file
from cxxrt_toolchain.wheel.writer import CopiedMember, NewMember, write_wheel

if TYPE_CHECKING:
    from cxxrt_toolchain.repair.plan import RepairPlan
    from cxxrt_toolchain.wheel.metadata import CoreMetadata
    from cxxrt_toolchain.wheel.reader import Wheel

_EXECUTABLE = 0o111
_MOST_THREADS = 4


class RepairRefusedError(ToolchainError):
    """The wheel cannot be repaired; the message has every reason."""

    exit_code = 1


def apply_plan(
    plan: RepairPlan, wheel: Wheel, dest_dir: Path, *, patcher: Patcher | None = None
) -> Path:
    """Write the wheel that a plan describes into an existing folder; returns its path.

    Raises `RepairRefusedError` where the plan has refusals, `UsageError` where the new wheel would
    take the place of the source, `ElfEditError`, `StepFailedError` and `MissingToolError` as the
    patcher does (by default, the installed patchelf).
    """
    if not plan.possible:
        reasons = "\n".join(f"  {refusal.refusal}" for refusal in plan.refusals)
        raise RepairRefusedError(f"{plan.source} cannot be repaired:\n{reasons}")
    target = dest_dir / plan.result
    refuse_source(target, wheel.path)
    if not plan.edits:
        return _copy_whole(wheel.path, target)
    with scratch_folder() as scratch:
        edited = _edited_objects(plan, wheel, scratch, patcher)
        texts = {member.name: member for member in _edited_texts(plan, wheel)}
        new = {**edited, **texts}
        dropped = {edit.member for edit in plan.edits if isinstance(edit, DropMember)}
        kept = [
            CopiedMember(wheel=wheel, name=member.name)
            for member in wheel.members
            if not (member.is_dir or member.name in dropped or member.name in new)
        ]
        return write_wheel(dest_dir, plan.result, [*kept, *new.values()])


def refuse_source(target: Path, source: Path) -> None:
    """Raise `UsageError` where a new wheel would take the place of the one it is made from."""
    if target.exists() and target.samefile(source):
        raise UsageError(
            f"{target} is the wheel to repair itself.", "Name another folder: inputs stay as is."
        )


def move_whole(source: Path, target: Path) -> Path:
    """Give a wheel another place, where it appears whole or not at all; returns the target."""
    try:
        return source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    return _copy_whole(source, target)


def elf_edits(edits: Sequence[Edit]) -> dict[str, ElfEdit]:
    """The edits of objects, gathered per member: one call of the patcher each."""
    found: dict[str, ElfEdit] = defaultdict(ElfEdit)
    for edit in edits:
        match edit:
            case ReplaceNeeded(member=member, old=old, new=new):
                before = found[member].replace_needed
                found[member] = replace(found[member], replace_needed=(*before, (old, new)))
            case SetSearchPath(member=member, path=path, as_rpath=as_rpath):
                found[member] = replace(found[member], search_path=path, as_rpath=as_rpath)
            case ClearExecutableStack(member=member):
                found[member] = replace(found[member], clear_executable_stack=True)
    return dict(found)


def _edited_objects(
    plan: RepairPlan, wheel: Wheel, scratch: Path, patcher: Patcher | None
) -> dict[str, NewMember]:
    edits = elf_edits(plan.edits)
    if not edits:
        return {}
    tool = patcher or Patchelf()
    modes = {member.name: member.mode for member in wheel.members}

    def edit_one(numbered: tuple[int, str]) -> tuple[str, NewMember]:
        number, name = numbered
        path = scratch / f"{number}.so"
        path.write_bytes(tool.apply(wheel.read(name), edits[name], name))
        return name, NewMember(name, path, bool(modes[name] & _EXECUTABLE))

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        return dict(pool.map(edit_one, enumerate(sorted(edits))))


def _edited_texts(plan: RepairPlan, wheel: Wheel) -> Iterator[NewMember]:
    firsts: dict[str, list[str]] = defaultdict(list)
    if any(isinstance(edit, SetRequirement) for edit in plan.edits):
        yield NewMember(f"{wheel.dist_info}/METADATA", _metadata(plan, wheel).text)
    for edit in plan.edits:
        match edit:
            case AddFile(member=member, content=content):
                yield NewMember(member, content.encode())
            case ImportFirst(member=member, module=module):
                firsts[member].append(module)
            case Retag():
                yield NewMember(f"{wheel.dist_info}/WHEEL", _retagged(wheel, edit))
    for member, modules in firsts.items():
        source = wheel.read(member)
        for module in modules:
            relative = "/" in (installed_path(member) or "")
            source = import_first(source, module, relative=relative)
        yield NewMember(member, source)


def _metadata(plan: RepairPlan, wheel: Wheel) -> CoreMetadata:
    metadata = wheel.metadata
    for edit in plan.edits:
        if isinstance(edit, SetRequirement):
            if edit.distribution:
                metadata = metadata.without_requirement(edit.distribution, edit.requirement)
            metadata = metadata.with_requirement(edit.requirement)
    return metadata


def _retagged(wheel: Wheel, tags: Retag) -> bytes:
    expanded = parse_tag(f"{tags.python}-{tags.abi}-{tags.platform}")
    new = replace(
        wheel.wheel_file, root_is_purelib=False, tags=tuple(sorted(str(tag) for tag in expanded))
    )
    return str(new).encode()


def _copy_whole(source: Path, target: Path) -> Path:
    with source.open("rb") as old, whole_file(target) as new:
        shutil.copyfileobj(old, new)
    return target
