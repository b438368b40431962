"""One shard: references in, rows in the store. What every engine runs, any number of times.

Whatever a wheel or its server is or does becomes a row with an error. A wheel that kills its worker
does, too: a note of the wheels in work outlives the worker; the next one looks at them one by one,
and what it dies of again is not looked at a third time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain import __version__
from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.processors import one_processor
from cxxrt_toolchain.survey import rows
from cxxrt_toolchain.survey.store import Row, Store
from cxxrt_toolchain.temporary import removed_by_signals
from cxxrt_toolchain.web.address import host_of, is_address
from cxxrt_toolchain.web.client import TRANSIENT, Client, WebError
from cxxrt_toolchain.web.pace import CONTACT_RATE, UNASKED_RATE, Pace, is_local
from cxxrt_toolchain.wheel.ranges import Spent, remote_wheel
from cxxrt_toolchain.wheel.reader import Wheel
from cxxrt_toolchain.wording import listed

if TYPE_CHECKING:
    from cxxrt_toolchain.survey.refs import WheelRef

_AT_ONCE = 16
"""Wheels in work at a time where a worker waits for a server."""
_DEATHS = 2
_MOST_TEXT = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a survey is run; the same for all shards."""

    level: str
    rate: float | None = None
    """Requests a second to each host, of all workers together; None: the default."""
    share: float = 1.0
    """The part of the rate that one worker has."""
    contact: str = ""

    def shared_by(self, workers: int) -> Settings:
        """The same for one of so many workers."""
        return replace(self, share=self.share / workers)

    def client(self) -> Client:
        """A client that says who asks."""
        contact = f"; {self.contact}" if self.contact else ""
        most = self.rate or CONTACT_RATE
        # Also where a plan of this machine's index is redirected to somebody else's files.
        other = most if contact else min(most, UNASKED_RATE)
        return Client(
            f"cxxrt-survey/{__version__} (survey of native code in wheels{contact})",
            pace=Pace(self.rate, other=other, share=self.share),
            connections=_AT_ONCE,
        )


def require_contact(places: Iterable[str], rate: float | None, contact: str) -> None:
    """`UsageError` where others would be asked more often than they can ask back."""
    others = sorted({host_of(place) for place in places if not is_local(host_of(place))})
    if others and rate is not None and rate > UNASKED_RATE and not contact:
        raise UsageError(
            f"--rate {rate:g} to {listed(others)} needs --contact MAIL.",
            "It goes into the User-Agent, so that the operator can ask you.",
        )


def work(folder: str, shard: str, settings: Settings) -> int:
    """Survey the wheels of a shard and write its rows; how many there are."""
    store, level = Store(Path(folder)), settings.level
    refs = store.refs(shard)
    notes = _Notes(store.work_file(level, shard), level)
    client = _client(settings) if any(is_address(ref.place) for ref in refs) else None

    def look(ref: WheelRef) -> tuple[Row, list[Row]]:
        return survey(ref, level, client)

    with removed_by_signals(), one_processor():
        found = notes.guard(refs, look, _AT_ONCE if client and level == "names" else 1)
    notes.forget()
    wheels = [row for row, _ in found]
    again = any((row["error"] or "").partition(":")[0] in TRANSIENT for row in wheels)
    store.write_rows(level, shard, wheels, [each for _, objects in found for each in objects])
    store.try_again(level, shard, wanted=again)
    return len(wheels)


@cache
def _client(settings: Settings) -> Client:
    """One for all shards of a process: its pace counts on from shard to shard."""
    return settings.client()


def survey(ref: WheelRef, level: str, client: Client | None) -> tuple[Row, list[Row]]:
    """The rows of one wheel."""
    row = rows.new_row(ref, level)
    objects: list[Row] = []
    spent = Spent()
    try:
        if ref.members is not None and level == "names":
            row["level"] = "listing"
            return row, rows.listed(row, ref.members)
        with _open(ref, level, client, spent) as wheel:
            objects = rows.full(row, wheel) if level == "full" else rows.names(row, wheel)
            row["size"] = wheel.size
    except WebError as error:
        row["error"] = rows.error_text(error.kind, error.detail)
    except (InputError, OSError) as error:
        row["error"] = rows.error_text("bad-wheel", str(error))
    except Exception as error:  # noqa: BLE001 - one wheel must not end a survey of a million
        row["error"] = rows.error_text("failed", _explained(error))
    row.update(requests=spent.requests, bytes_read=spent.bytes, retries=spent.retries)
    return row, objects


def _open(
    ref: WheelRef, level: str, client: Client | None, spent: Spent
) -> AbstractContextManager[Wheel]:
    if client is None or not is_address(ref.place):
        return Wheel.open(Path(ref.place))
    return remote_wheel(
        client,
        ref.place,
        whole=level == "full",
        size=ref.size,
        sha256=ref.sha256 or "",
        spent=spent,
    )


def _explained(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace.tb_frame.f_code.co_filename.rpartition("/")[2] if trace else ""
    line = trace.tb_lineno if trace else 0
    return f"{type(error).__name__} at {place}:{line}: {str(error)[:_MOST_TEXT]}"


class _Notes:
    """Which wheels are in work, in a file that is left when the process is killed."""

    def __init__(self, path: Path, level: str) -> None:
        self._path = path
        self._level = level
        self._deaths: dict[str, int] = {}
        try:
            noted = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):  # none, or cut by the death
            return
        self._deaths = noted["deaths"]
        for name in noted["now"]:
            self._deaths[name] = self._deaths.get(name, 0) + 1

    def guard(
        self, refs: list[WheelRef], look: Callable[[WheelRef], tuple[Row, list[Row]]], at_once: int
    ) -> list[tuple[Row, list[Row]]]:
        """Look at wheels, those alone in which a worker died."""
        try:
            if not self._deaths:
                self._note([ref.filename for ref in refs])
                if at_once == 1:
                    return list(map(look, refs))
                with ThreadPoolExecutor(at_once) as pool:
                    return list(pool.map(look, refs))
            return [self._alone(ref, look) for ref in refs]
        except BaseException:
            self.forget()  # this process lives: it is no death
            raise

    def forget(self) -> None:
        """Remove the notes."""
        self._path.unlink(missing_ok=True)

    def _alone(
        self, ref: WheelRef, look: Callable[[WheelRef], tuple[Row, list[Row]]]
    ) -> tuple[Row, list[Row]]:
        if self._deaths.get(ref.filename, 0) >= _DEATHS:
            row = rows.new_row(ref, self._level)
            row["error"] = rows.error_text("killed", "its worker died twice while it read this")
            return row, []
        self._note([ref.filename])
        return look(ref)

    def _note(self, now: list[str]) -> None:
        text = json.dumps({"deaths": self._deaths, "now": now})
        hidden = self._path.with_suffix(f".{os.getpid()}")
        hidden.write_text(text, "utf-8")
        hidden.replace(self._path)
