"""``cxxrt survey plan``: a folder, an index or a list of files as shards of references.

What is planned stays planned. Planning again adds what is new: of an index with serials, only pages
that changed are fetched; a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.survey.index import Index
from cxxrt_toolchain.survey.lists import of_parquet
from cxxrt_toolchain.survey.refs import (
    WheelRef,
    is_linux_wheel,
    read_downloads,
    sampled,
    since,
    weighted,
)
from cxxrt_toolchain.web.address import is_address, public

if TYPE_CHECKING:
    from cxxrt_toolchain.survey.store import Store
    from cxxrt_toolchain.web.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which wheels of a source are wanted."""

    since: str | None = None
    top: int | None = None
    downloads: Path | None = None
    sample: int | None = None
    seed: int = 0
    parquet: bool = False
    """The source is a pattern of Parquet files that list wheels."""


@dataclass(slots=True)
class Batch:
    """Some references, and what was passed over with them."""

    refs: list[WheelRef]
    others: int = 0
    """Files that are no wheels for Linux."""
    project: str = ""
    serial: int | None = None


class Planned(NamedTuple):
    """What planning added."""

    new: int
    """Wheels."""
    twice: int
    """Other files of the source with the name of one of these; one wheel stands for a name."""


def make_plan(
    source: str, store: Store, choice: Choice, per: int, client: Client | None
) -> Planned:
    """Add the wheels of a source to a plan.

    `client` is needed for an address. `per` is the number of wheels in a shard.

    Raises:
        ToolchainError: The source cannot be read; shards that are complete stay.
    """
    downloads = read_downloads(choice.downloads) if choice.downloads else {}
    wanted = set(islice(downloads, choice.top)) if choice.top else None
    with store.planning():
        if choice.sample is not None and store.shards():
            advice = "Give another folder with -o."
            raise UsageError(f"{store.folder} is planned, and a sample is drawn once.", advice)
        batches = _batches(source, store, choice, wanted, client)
        return _Planner(store, choice, per, downloads, wanted).run(public_source(source), batches)


def public_source(source: str) -> str:
    """The source without secrets."""
    return public(source) if is_address(source) else source


class _Planner:
    """Collects references and freezes a shard as soon as one is full."""

    def __init__(
        self,
        store: Store,
        choice: Choice,
        per: int,
        downloads: Mapping[str, int],
        wanted: set[str] | None,
    ) -> None:
        self._store = store
        self._choice = choice
        self._per = per
        self._downloads = downloads
        self._wanted = wanted
        self._planned = {ref.filename for shard in store.shards() for ref in store.refs(shard)}
        self._waiting: list[WheelRef] = []
        self._projects: dict[str, int | None] = {}
        self._hosts: set[str] = set()
        self._new = self._others = self._twice = 0
        self._added: set[str] = set()

    def run(self, source: str, batches: Iterator[Batch]) -> Planned:
        population = None
        if self._choice.sample is not None:
            everything = list(batches)
            refs = [ref for batch in everything for ref in self._chosen(batch)]
            population = len(refs)
            drawn = sampled(refs, self._choice.sample, self._choice.seed)
            batches = iter([Batch(drawn, sum(batch.others for batch in everything))])
        for batch in batches:
            self._others += batch.others
            self._take(self._chosen(batch))
            if batch.project:
                self._projects[batch.project] = batch.serial
            if len(self._waiting) >= self._per:
                self._freeze()
        self._freeze(whole=True)
        self._write(source, population)
        return Planned(self._new, self._twice)

    def _chosen(self, batch: Batch) -> list[WheelRef]:
        refs = batch.refs
        if self._wanted is not None:
            refs = [ref for ref in refs if ref.project in self._wanted]
        return since(refs, self._choice.since) if self._choice.since else refs

    def _take(self, refs: list[WheelRef]) -> None:
        for ref in refs:
            if ref.filename in self._added:
                self._twice += 1
            elif ref.filename not in self._planned:
                self._added.add(ref.filename)
                if is_address(ref.place):
                    self._hosts.add("/".join(ref.place.split("/", 3)[:3]))
                self._waiting.append(weighted(ref, self._downloads))
                self._new += 1

    def _freeze(self, *, whole: bool = False) -> None:
        while len(self._waiting) >= self._per or (whole and self._waiting):
            self._store.add_shard(self._waiting[: self._per])
            del self._waiting[: self._per]
        if not self._waiting:  # so these projects are in shards, with all of their files
            self._store.saw_projects(self._projects)
            self._projects.clear()

    def _write(self, source: str, population: int | None) -> None:
        store = self._store
        before: dict[str, Any] = store.plan if (store.folder / "plan.json").exists() else {}
        choice = self._choice
        passed: dict[str, int] = before.get("passed_over", {})
        # Of an index that was planned before, only the pages that changed were looked at again.
        passed = {**passed, source: max(self._others, passed.get(source, 0))}
        store.write_plan(
            {
                "schema": 1,
                "sources": sorted({source, *before.get("sources", ())}),
                "wheels": before.get("wheels", 0) + self._new,
                "others": sum(passed.values()),
                "passed_over": passed,
                "hosts": sorted({*self._hosts, *before.get("hosts", ())}),
                "since": choice.since,
                "top": choice.top,
                "sample": None if population is None else {"of": population, "seed": choice.seed},
                "planned": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )


def _batches(
    source: str, store: Store, choice: Choice, wanted: set[str] | None, client: Client | None
) -> Iterator[Batch]:
    if choice.parquet:
        return (Batch(refs) for refs in of_parquet(source))
    if is_address(source):
        if client is None:
            raise UsageError(f"{source} is an address; it needs a client.")
        return _of_index(Index(client, source), store, wanted, keep=choice.sample is None)
    path = Path(source)
    if path.suffix == ".whl" and path.is_file():
        return _of_files(iter([path]))
    if path.is_dir():
        return _of_files(path.rglob("*.whl"))
    if path.is_file():
        return _of_list(path)
    raise InputError(f"{source} is no folder, file or address.")


def _of_index(
    index: Index, store: Store, wanted: set[str] | None, *, keep: bool
) -> Iterator[Batch]:
    """Its pages; where the plan is kept, those only that were not seen as they are now."""
    projects = index.projects()
    seen = store.seen_projects() if keep else {}
    new = {
        name: serial
        for name, serial in projects.items()
        if (wanted is None or name in wanted)
        and not (serial is not None and seen.get(name) == str(serial))
    }
    for page in index.pages(new):
        yield Batch(list(page.refs), page.others, page.project if keep else "", page.serial)


def _of_files(paths: Iterator[Path]) -> Iterator[Batch]:
    # Not resolved: a mirror may keep its files under other names than its links have.
    found = sorted(path.absolute() for path in paths if path.is_file())
    refs = [_of_file(path) for path in found if is_linux_wheel(path.name)]
    yield Batch(refs, len(found) - len(refs))


def _of_file(path: Path) -> WheelRef:
    state = path.stat()
    moment = datetime.fromtimestamp(state.st_mtime, timezone.utc)
    return WheelRef(
        filename=path.name,
        place=str(path),
        size=state.st_size,
        upload_time=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _of_list(path: Path) -> Iterator[Batch]:
    """A text with a path or an address in each line; ``#`` begins a comment."""
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of files: {error}.") from error
    named = [line for line in lines if line and not line.startswith("#")]
    paths = [Path(line) for line in named if not is_address(line)]
    if missing := next((each for each in paths if not each.is_file()), None):
        raise InputError(f"{path} names {missing}, which is no file.")
    remote = [WheelRef(filename=_name(url), place=public(url)) for url in named if is_address(url)]
    refs = [ref for ref in remote if is_linux_wheel(ref.filename)]
    yield from chain([Batch(refs, len(remote) - len(refs))], _of_files(iter(paths)))


def _name(url: str) -> str:
    from urllib.parse import unquote

    return unquote(public(url).rpartition("/")[2])
