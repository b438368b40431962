"""A wheel -> its `WheelReport`, read straight from the archive.

In: an open `Wheel`. Out: facts. Nothing is extracted, run or looked up on the machine, and no
opinion is formed here. A member that starts like an ELF file and cannot be read is a fact too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from packaging.version import InvalidVersion

from cxxrt_toolchain.abi.platforms import machines_of
from cxxrt_toolchain.abi.versions import parse_version
from cxxrt_toolchain.collect.files import ANY_EXECUTE
from cxxrt_toolchain.elf.image import MAX_HEADER
from cxxrt_toolchain.elf.reader import ElfError, is_elf, machine_of, read_elf_groups
from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_object
from cxxrt_toolchain.facts.fingerprints import TextWatch, candidates
from cxxrt_toolchain.facts.installed import normalized
from cxxrt_toolchain.facts.needs.protos import registered_protos
from cxxrt_toolchain.facts.needs.provided import replaceable
from cxxrt_toolchain.facts.symbols import digest
from cxxrt_toolchain.facts.wheel import ObjectReport, SymbolDigest, UnreadableObject, WheelReport
from cxxrt_toolchain.wheel.record import RunningDigest
from cxxrt_toolchain.wheel.sweep import sweep
from cxxrt_toolchain.wording import quoted

if TYPE_CHECKING:
    from cxxrt_toolchain.elf.facts import SharedObject
    from cxxrt_toolchain.wheel.metadata import WheelFile
    from cxxrt_toolchain.wheel.reader import Member, Wheel
    from cxxrt_toolchain.wheel.stream import MemberStream

    Identity = tuple[str, int, int]
    """A member's name, size and CRC-32."""
    Watch = Callable[[int, bytes], None]

_MAGIC_SIZE = 4

# Suffixes of files that no loader opens; the others are recognized by their first four bytes.
NEVER_ELF = tuple(
    f".{suffix}"
    for suffix in (
        *("c", "cc", "cpp", "cu", "cuh", "h", "hpp", "inc", "py", "pyc", "pyi", "pxd", "pyx"),
        *("cfg", "css", "csv", "html", "in", "ini", "ipynb", "js", "json", "md", "rst", "toml"),
        *("ts", "txt", "typed", "xml", "yaml", "yml", "cmake", "pc", "proto", "qml", "sh"),
        *("dat", "gif", "jpg", "npy", "npz", "pickle", "pkl", "png", "svg", "ttf", "zip"),
    )
)
"""Lower-case suffixes, each with its dot."""


def collect(
    wheel: Wheel, *, record: bool = True, known: Mapping[Identity, ObjectReport] | None = None
) -> WheelReport:
    """The facts of a wheel that any rule asks for.

    `record`: RECORD is compared with the archive, which reads and hashes every member. `known`
    objects were looked at before, in the wheel that their bytes were copied from.
    """
    suspects = [
        member
        for member in wheel.members
        if not member.is_dir
        and member.size >= _MAGIC_SIZE
        and not member.name.lower().endswith(NEVER_ELF)
    ]
    names = [member.name for member in suspects]
    looked = sweep(suspects, partial(_look, wheel, record, known or {}))
    digests = {name: each.digest for name, each in zip(names, looked, strict=True) if each.digest}
    wheel_file, requirements, metadata_issues = _metadata(wheel)
    report = WheelReport(
        filename=wheel.path.name,
        tags=wheel.name,
        wheel_file=wheel_file,
        requires_dist=requirements,
        metadata_issues=metadata_issues,
        dist_info=wheel.dist_info,
        members=tuple(member.name for member in wheel.members if not member.is_dir),
        record_issues=wheel.record_issues(digests) if record else None,
        objects=_sorted(each.found for each in looked if isinstance(each.found, ObjectReport)),
        unreadable=_sorted(
            each.found for each in looked if isinstance(each.found, UnreadableObject)
        ),
    )
    report = report.for_machines(machines_of(wheel.name.platform))
    return replace(report, replaceable=replaceable(report))


def identities(wheel: Wheel, report: WheelReport) -> dict[Identity, ObjectReport]:
    """The objects of a wheel's report, for another wheel that some of them are copied into."""
    return {_identity(wheel.member(found.member)): found for found in report.objects}


def _identity(member: Member) -> Identity:
    return member.name, member.size, member.crc


_Found = TypeVar("_Found", ObjectReport, UnreadableObject)


def _sorted(found: Iterable[_Found]) -> tuple[_Found, ...]:
    return tuple(sorted(found, key=lambda each: each.member))


class _Looked(NamedTuple):
    """What one member is."""

    found: ObjectReport | UnreadableObject | None = None
    """None where it is no ELF file."""
    digest: bytes | None = None
    """SHA-256, where it was asked for and cost no second look."""


def _look(
    wheel: Wheel, record: bool, known: Mapping[Identity, ObjectReport], member: Member
) -> _Looked:
    """What one member is; runs in any thread."""
    before = None if record else known.get(_identity(member))
    if before is not None:
        return _Looked(before)
    watch = TextWatch()
    running = RunningDigest() if record else None
    with wheel.stream(member.name, _both(watch, running) if running else watch) as stream:
        if not is_elf(stream.read(_MAGIC_SIZE)):
            return _Looked()
        found: ObjectReport | UnreadableObject
        try:
            found = _object(stream, member, watch)
        except ElfError as error:
            stream.seek(0)
            found = UnreadableObject(
                member=member.name,
                reason=error.reason,
                machine=machine_of(stream.read(MAX_HEADER)),
                executable=bool(member.mode & ANY_EXECUTE),
            )
        return _Looked(found, running.finish(stream, member.size) if running else None)


def _both(first: Watch, second: Watch) -> Watch:
    def watch(offset: int, piece: bytes) -> None:
        first(offset, piece)
        second(offset, piece)

    return watch


def _object(stream: MemberStream, member: Member, watch: TextWatch) -> ObjectReport:
    facts, groups = read_elf_groups(stream, member.name, skip=stream.skip)
    versions, program = frozenset(facts.version_definitions), facts.kind == "exec"
    symbols = digest(groups, versions, program=program)
    copy_of = family_of_object(member.name, facts)
    return ObjectReport(
        member=member.name,
        size=member.size,
        facts=facts,
        copy_of=copy_of,
        symbols=symbols,
        static=() if copy_of else _static(stream, facts, symbols, watch),
        protos=registered_protos(facts, stream),
    )


def _static(
    stream: MemberStream, facts: SharedObject, symbols: SymbolDigest, watch: TextWatch
) -> tuple[RuntimeFamily, ...]:
    exported = set()
    if symbols.locale_ids:
        exported.add(RuntimeFamily.LIBSTDCXX)
    if symbols.cudart_defined:
        exported.add(RuntimeFamily.LIBCUDART)
    hidden = watch.finish(stream, candidates(facts, symbols.undefined, exported))
    return tuple(sorted(exported.union(hidden), key=lambda family: family.value))


def _metadata(wheel: Wheel) -> tuple[WheelFile | None, tuple[str, ...], tuple[str, ...]]:
    issues: list[str] = []
    wheel_file: WheelFile | None = None
    requirements: tuple[str, ...] = ()
    try:
        wheel_file = wheel.wheel_file
    except InputError as error:
        issues.append(str(error))
    try:
        requirements = wheel.metadata.requires_dist
        issues += _contradictions(wheel)
        wheel.metadata.requirements()
    except InputError as error:
        issues.append(str(error))
    return wheel_file, requirements, tuple(issues)


def _contradictions(wheel: Wheel) -> Iterator[str]:
    """Where METADATA, WHEEL and ``.dist-info`` name another release than the file does.

    Installers check the one and use the other: what is installed has the folder's name.
    """
    name, release = normalized(wheel.name.distribution), parse_version(wheel.name.version)
    own, _, version = wheel.dist_info.removesuffix(".dist-info").rpartition("-")
    folder = "its .dist-info folder"
    for place, text in (("METADATA", wheel.metadata.name), (folder, own)):
        if normalized(text) != name:
            yield f"{place} has the name {quoted(text)}, the file {name!r}"
    for place, text in (("METADATA", wheel.metadata.version), (folder, version)):
        try:
            agrees = parse_version(text) == release
        except InvalidVersion:
            agrees = False
        if not agrees:
            yield f"{place} has the version {quoted(text)}, the file {str(release)!r}"
