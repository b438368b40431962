"""The folder of a survey: a frozen plan in shards, and the rows of each shard as Parquet.

::

    plan.json                       where the wheels are from, and how they were chosen
    plan/000017.json                references of one shard; never changed once it is there
    names-1/objects/000017.parquet  level and `FACTS_VERSION`; rows of the shard's objects
    names-1/wheels/000017.parquet   rows of its wheels, written last: its presence is the commit
    names-1/work/000017.json        wheels in work; only of a shard that is not done
    names-1/again/000017            the shard has errors that the next run may not meet

A shard always writes the same names, each file complete or not at all. So a shard that two workers
do, or one worker twice, is there once, and what was interrupted is what has no wheels file.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from cxxrt_toolchain.errors import InputError, MissingToolError, UsageError
from cxxrt_toolchain.survey.refs import WheelRef
from cxxrt_toolchain.temporary import whole_file

FACTS_VERSION = 1
"""To be raised where the same wheel gives another row than before; `run` then surveys anew."""
LEVELS = ("names", "full")
Row = dict[str, Any]


class Store:
    """The folder; paths and files, no meaning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._plans = folder / "plan"

    @property
    def plan(self) -> dict[str, Any]:
        """``plan.json``; `UsageError` where there is none."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "plan.json").read_text("utf-8"))
        except FileNotFoundError:
            advice = "'cxxrt survey plan SOURCE -o ROWS' makes one."
            raise UsageError(f"{self.folder} holds no plan.", advice) from None
        except (OSError, ValueError) as error:
            raise InputError(f"{self.folder}/plan.json cannot be read: {error}.") from error
        if not (isinstance(found, dict) and found.keys() >= {"wheels", "hosts", "sources"}):
            raise InputError(f"{self.folder}/plan.json is not what 'cxxrt survey plan' writes.")
        return found

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Replace ``plan.json``."""
        _write_json(self.folder / "plan.json", plan)

    @contextmanager
    def planning(self) -> Iterator[None]:
        """Keeps other planners out; `UsageError` where one is at work."""
        try:
            self._plans.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise InputError(f"{self.folder} cannot be a folder: {error.strerror}.") from error
        with (self.folder / "plan.lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"{self.folder} is being planned by another process.") from None
            yield

    def shards(self) -> list[str]:
        """Names of the plan's shards, in order."""
        return sorted(path.stem for path in self._plans.glob("*.json"))

    def refs(self, shard: str) -> list[WheelRef]:
        """The references of a shard; `InputError` where somebody edited it wrongly."""
        path = self._plans / f"{shard}.json"
        try:
            rows = json.loads(path.read_text("utf-8"))
            return [WheelRef(**{**row, "members": _pairs(row.get("members"))}) for row in rows]
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is no list of wheels: {error}.") from error

    def add_shard(self, refs: Sequence[WheelRef]) -> None:
        """Freeze one more shard."""
        last = max(map(int, self.shards()), default=-1)
        rows = [{k: v for k, v in asdict(ref).items() if v is not None} for ref in refs]
        _write_json(self._plans / f"{last + 1:06}.json", rows)

    def seen_projects(self) -> dict[str, str]:
        """Projects of an index whose files are planned, with the serial that they had then."""
        try:
            lines = (self._plans / "projects.tsv").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return {}
        return dict(line.split("\t", 1) for line in lines if "\t" in line)

    def saw_projects(self, projects: Mapping[str, int | None]) -> None:
        """Remember such projects."""
        with (self._plans / "projects.tsv").open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\t{serial}\n" for name, serial in projects.items())

    def done(self, level: str) -> set[str]:
        """Shards whose rows are there, and are not to be tried again."""
        found = {path.stem for path in self._level(level).glob("wheels/*.parquet")}
        return found - {path.name for path in self._level(level).glob("again/*")}

    def try_again(self, level: str, shard: str, *, wanted: bool) -> None:
        """Mark a shard in which an error may be cured by time, for the next run; or unmark it."""
        path = self._level(level) / "again" / shard
        if wanted:
            path.parent.mkdir(exist_ok=True)
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def todo(self, level: str) -> list[str]:
        """Shards whose rows are not, in order."""
        done = self.done(level)
        return [shard for shard in self.shards() if shard not in done]

    def parts(self, level: str, table: str) -> str:
        """A pattern that matches the Parquet files of a table."""
        return str(self._level(level) / table / "*.parquet")

    def work_file(self, level: str, shard: str) -> Path:
        """Where a worker notes the wheels that it is looking at."""
        path = self._level(level) / "work" / f"{shard}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_rows(
        self, level: str, shard: str, wheels: Sequence[Row], objects: Sequence[Row]
    ) -> None:
        """Write the rows of a shard, the commit last."""
        for table, rows in (("objects", objects), ("wheels", wheels)):
            path = self._level(level) / table / f"{shard}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            written = pyarrow().Table.from_pylist(list(rows), schema=parquet_schema(table))
            with whole_file(path) as file:
                import_module("pyarrow.parquet").write_table(written, file, compression="zstd")

    def _level(self, level: str) -> Path:
        return self.folder / f"{level}-{FACTS_VERSION}"


@cache
def columns(table: str) -> dict[str, Mapping[str, Any]]:
    """The columns of ``wheels`` or ``objects``, as ``survey-rows.schema.json`` describes them."""
    text = (
        files("cxxrt_abi_tag_spec").joinpath("schemas/survey-rows.schema.json").read_text("utf-8")
    )
    schema = json.loads(text)
    found: dict[str, Mapping[str, Any]] = schema["$defs"][table.rstrip("s")]["properties"]
    return found


def parquet_schema(table: str) -> Any:  # noqa: ANN401 - pyarrow's
    """The same as Parquet columns."""
    arrow = pyarrow()
    plain = {"string": arrow.string(), "integer": arrow.int64(), "boolean": arrow.bool_()}

    def kind(column: Mapping[str, Any]) -> Any:  # noqa: ANN401 - pyarrow's
        first = column["type"] if isinstance(column["type"], str) else column["type"][0]
        return arrow.list_(kind(column["items"])) if first == "array" else plain[first]

    return arrow.schema([(name, kind(column)) for name, column in columns(table).items()])


def pyarrow() -> ModuleType:
    """pyarrow, or how to get it."""
    return extra("pyarrow")


def extra(name: str) -> ModuleType:
    """A package of the extra ``survey``; `MissingToolError` where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        advice = "pip install 'cxxrt-toolchain[survey]' has it."
        raise MissingToolError(f"A survey needs {name}.", advice) from error


def _pairs(members: Any) -> tuple[tuple[str, int], ...] | None:  # noqa: ANN401 - JSON
    return None if members is None else tuple((name, size) for name, size in members)


def _write_json(path: Path, value: object) -> None:
    with whole_file(path) as file:
        file.write(json.dumps(value, separators=(",", ":")).encode())
