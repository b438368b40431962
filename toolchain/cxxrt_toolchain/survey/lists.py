"""Wheels from Parquet files that somebody else made of an index, without a request to the index.

Two kinds are known by their columns. A list of files has ``filename`` and ``url`` (``size``,
``sha256`` and ``upload_time`` where they are). A list of contents, such as the dataset that
py-code.org publishes, has one row for each file in each release: ``project_release`` (the wheel's
name), ``archive_path`` or ``path``, ``size``, ``uploaded_on``; rows at the level names follow from
it alone.
"""

from collections.abc import Iterator
from typing import Any

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.survey.refs import WheelRef, is_linux_wheel, utc
from cxxrt_toolchain.survey.store import extra

_AT_ONCE = 10_000
_CONTENTS = "project_release"
_PATHS = ("archive_path", "path")
_TIMES = ("upload_time", "uploaded_on")


def of_parquet(pattern: str) -> Iterator[list[WheelRef]]:
    """References in batches.

    Raises:
        InputError: No file matches, one is no Parquet, or the columns are of neither kind.
    """
    duckdb = extra("duckdb")
    try:
        connection = duckdb.connect()
        table = "read_parquet(?, union_by_name => true)"
        cursor = connection.execute(f"select * from {table} limit 0", [pattern])  # noqa: S608
        names = [row[0] for row in cursor.description]
        cursor = connection.execute(_query(names, table), [pattern])
        while rows := cursor.fetchmany(_AT_ONCE):
            yield [_ref(row) for row in rows if is_linux_wheel(row[0])]
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{pattern} cannot be read as Parquet: {reason}.") from error


def _query(names: list[str], table: str) -> str:
    """Rows of name, address, size, SHA-256, time, members."""
    time = next((name for name in _TIMES if name in names), "null")
    if _CONTENTS in names:
        path = next((name for name in _PATHS if name in names), None)
        if path and "size" in names:
            return f"""
                select {_CONTENTS}, '', null, null, min({time})::varchar,
                       list([{path}::varchar, size::varchar] order by {path})
                         filter (regexp_matches({path}, '\\.so[.0-9]*$'))
                from {table} where {_CONTENTS} like '%linux%.whl' group by {_CONTENTS} order by 1
            """  # noqa: S608 - names of our own
    elif "filename" in names and "url" in names:
        size = "size" if "size" in names else "null"
        sha256 = "sha256" if "sha256" in names else "null"
        return f"select filename, url, {size}, {sha256}, {time}::varchar, null from {table}"  # noqa: S608
    raise InputError(f"These Parquet files have columns of no known kind: {', '.join(names)}.")


def _ref(row: tuple[Any, ...]) -> WheelRef:
    name, place, size, sha256, moment, members = row
    try:
        uploaded = utc(moment) if moment else None
    except ValueError:
        uploaded = None
    contents = place == ""
    found = tuple((path, int(count)) for path, count in members or ()) if contents else None
    return WheelRef(
        filename=name, place=place, size=size, sha256=sha256, upload_time=uploaded, members=found
    )
