"""Plan, run, report over real sources; after a kill no row is lost and none is there twice."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from jsonschema import Draft202012Validator
from servers import NGINX, Served, free_port, nginx, wait_for, write_index
from survey_wheels import ELF, TAG, write

from cxxrt_toolchain.cli import main
from cxxrt_toolchain.survey.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

needs_nginx = pytest.mark.skipif(NGINX is None, reason="needs nginx (apt install nginx-light)")
PLANNED = 17
"""Wheels of the fixture that are for Linux, the broken one included."""


def rows(folder: Path, table: str = "wheels", level: str = "names") -> list[dict[str, Any]]:
    pattern = Store(folder).parts(level, table)
    found = duckdb.execute(f"select * from read_parquet('{pattern}')")  # noqa: S608 - our own
    names = [column[0] for column in found.description or ()]
    keyed = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return sorted(keyed, key=lambda row: (row["filename"], row.get("member", "")))


def surveyed(source: str, folder: Path, *more: str, per: int = 4) -> Path:
    assert main(["survey", "plan", source, "-o", str(folder), "--per", str(per)]) == 0
    assert main(["survey", "run", str(folder), "-j", "2", *more]) == 0
    return folder


@pytest.fixture(scope="module")
def served(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("index")
    write_index(folder / "www", sorted(wheels.glob("*.whl")))
    with nginx(folder) as server:
        yield server


@pytest.fixture(scope="module")
def local(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of the folder at both levels."""
    folder = surveyed(str(wheels), tmp_path_factory.mktemp("rows") / "local")
    assert main(["survey", "run", str(folder), "-j", "2", "--level", "full"]) == 0
    return folder


def test_every_planned_wheel_is_one_row_at_each_level(local: Path) -> None:
    for level in ("names", "full"):
        found = rows(local, level=level)
        assert len(found) == len({row["filename"] for row in found}) == PLANNED
        assert [row["project"] for row in found if row["error"]] == ["broken"]
        assert found[0]["error"].startswith("bad-wheel: ")


def test_rows_conform_to_their_schema(local: Path) -> None:
    path = Path("abi-tag-spec/cxxrt_abi_tag_spec/schemas/survey-rows.schema.json")
    schema = json.loads((Path(__file__).parents[3] / path).read_text())
    for table, kind in (("wheels", "wheel"), ("objects", "object")):
        validator = Draft202012Validator({**schema, "oneOf": [{"$ref": f"#/$defs/{kind}"}]})
        for level in ("names", "full"):
            found = rows(local, table, level)
            assert found
            for row in found:
                validator.validate(row)


def test_both_levels_agree_on_what_both_tell(local: Path) -> None:
    shared = ("filename", "member", "size", "compressed_size", "crc", "sha256", "family")
    names, full = (
        [{key: row[key] for key in shared} for row in rows(local, "objects", level)]
        for level in ("names", "full")
    )
    assert names == full


def test_the_verdict_is_the_one_of_check(
    local: Path, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(path) for path in sorted(wheels.glob("p*cp311*.whl"))]
    main(["check", "--json", *paths])
    said = {each["filename"]: each for each in json.loads(capsys.readouterr().out)["wheels"]}
    for row in rows(local, level="full"):
        if row["filename"] in said:
            checked = said[row["filename"]]
            errors = {f["rule"] for f in checked["findings"] if f["severity"] == "error"}
            assert (row["conforms"], set(row["errors"])) == (checked["conforms"], errors)


@needs_nginx
@pytest.mark.parametrize("level", ["names", "full"])
def test_an_index_gives_the_rows_of_its_folder(
    served: Served, local: Path, tmp_path: Path, level: str
) -> None:
    remote = surveyed(served.index, tmp_path / "rows", "--level", level)
    cost = ("requests", "bytes_read", "retries", "sha256", "upload_time")

    def facts(folder: Path) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in row.items() if key not in cost}
            for row in rows(folder, level=level)
        ]

    assert facts(remote) == facts(local)
    assert rows(remote, "objects", level) == rows(local, "objects", level)
    found = [row for row in rows(remote, level=level) if not row["error"]]
    assert {row["upload_time"] for row in found} == {"2026-11-05T10:00:00Z"}
    requests = [row["requests"] for row in found]
    if level == "full":
        assert set(requests) == {1}
        assert all(row["bytes_read"] == row["size"] for row in found)
    else:
        assert sum(requests) / len(requests) <= 1.6
    assert not any(served.url.partition("//")[2] in str(row) for row in found)


@needs_nginx
def test_an_index_in_html_gives_the_same_wheels(wheels: Path, tmp_path: Path, local: Path) -> None:
    write_index(tmp_path / "www", sorted(wheels.glob("*.whl")), html=True)
    with nginx(tmp_path, html=True) as server:
        remote = surveyed(server.index, tmp_path / "rows")
    same = ("filename", "size", "members", "native")
    assert [{k: row[k] for k in same} for row in rows(remote) if not row["error"]] == [
        {k: row[k] for k in same} for row in rows(local) if not row["error"]
    ]


@needs_nginx
def test_planning_again_adds_only_what_is_new(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rows"
    plan = ["survey", "plan", served.index, "-o", str(folder)]
    assert main(plan) == 0
    assert capsys.readouterr().out.startswith(f"{PLANNED} new wheels")
    before = (served.folder / "access.log").read_text().count("/simple/")
    assert main(plan) == 0
    assert capsys.readouterr().out.startswith("0 new wheels")
    asked = (served.folder / "access.log").read_text().count("/simple/") - before
    assert asked == 1  # the serials say that no page has changed


@pytest.mark.parametrize(
    ("date", "count"), [("2026-11-04", 17), ("2026-11-05T10:00:00Z", 17), ("2026-11-06", 0)]
)
def test_since_keeps_what_was_uploaded_then_or_later(
    wheels: Path, tmp_path: Path, date: str, count: int
) -> None:
    main(["survey", "plan", str(wheels), "-o", str(tmp_path / "rows"), "--since", date])
    assert Store(tmp_path / "rows").plan["wheels"] == count


def test_a_sample_is_the_same_for_the_same_seed_and_drawn_once(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def drawn(name: str, seed: str) -> list[str]:
        plan = ["survey", "plan", str(wheels), "-o", str(tmp_path / name), "--sample", "6"]
        assert main([*plan, "--seed", seed]) == 0
        store = Store(tmp_path / name)
        assert store.plan["sample"] == {"of": PLANNED, "seed": int(seed)}
        return [ref.filename for shard in store.shards() for ref in store.refs(shard)]

    assert drawn("a", "1") == drawn("b", "1") != drawn("c", "2")
    main(["survey", "plan", str(wheels), "-o", str(tmp_path / "a"), "--sample", "6"])
    assert "a sample is drawn once" in capsys.readouterr().err


def test_the_most_downloaded_projects_and_their_weights(wheels: Path, tmp_path: Path) -> None:
    table = tmp_path / "downloads.csv"
    table.write_text("project,download_count\nQ1,500\nq2,900\np0,100\nelsewhere,700\n")
    plan = ["survey", "plan", str(wheels), "-o", str(tmp_path / "rows")]
    assert main([*plan, "--top", "3", "--downloads", str(table)]) == 0
    store = Store(tmp_path / "rows")
    found = {ref.project: ref.downloads for ref in store.refs("000000")}
    assert found == {"q1": 500, "q2": 900}


@pytest.mark.parametrize(
    "table",
    [
        '"download_count","project"\n"900","P0"\n"40","p4"\n"7","p8"\n"3","far"\n',
        "file_project,num_downloads\r\np0,900\r\np4,40\r\np8,7\r\n",
        "\ufeffname,downloads\np0,450\nP0,450\np4,40\np8,7\n",
    ],
    ids=["top packages", "a query of BigQuery", "a spreadsheet"],
)
def test_collisions_are_weighted_by_the_less_downloaded(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    """Lists of downloads as their makers write them."""
    (tmp_path / "downloads.csv").write_text(table)
    plan = ["survey", "plan", str(wheels), "-o", str(tmp_path / "rows")]
    assert main([*plan, "--downloads", str(tmp_path / "downloads.csv")]) == 0
    assert main(["survey", "run", str(tmp_path / "rows"), "-j", "1"]) == 0
    capsys.readouterr()
    assert main(["survey", "report", str(tmp_path / "rows")]) == 0
    said = capsys.readouterr().out
    assert "3 both bundle a copy of one runtime (3 projects, weight 54)" in said  # 40 + 7 + 7
    assert "2 partners of p0 (copies, weight 47)" in said


@pytest.mark.parametrize(
    ("file", "content", "steps"),
    [
        ("plan.json", b"{", ("run", "report")),
        ("plan.json", b"[]", ("run", "report")),
        ("plan/000000.json", b"[{", ("run",)),
        ("plan/000000.json", b'[{"filename": "x.whl", "place": "x", "more": 1}]', ("run",)),
        ("names-1/wheels/000000.parquet", b"PAR1 no rows", ("report",)),
    ],
)
def test_a_folder_that_somebody_damaged_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    content: bytes,
    steps: tuple[str, ...],
) -> None:
    write(tmp_path, "one", {"one/a.so": b"x"})
    assert main(["survey", "plan", str(tmp_path), "-o", str(tmp_path / "rows")]) == 0
    path = tmp_path / "rows" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    for step in steps:
        assert main(["survey", step, str(tmp_path / "rows")]) == 2
        said = capsys.readouterr().err
        assert str(tmp_path / "rows") in said
        assert "report this" not in said


def test_lists_of_somebody_else_need_no_request(tmp_path: Path) -> None:
    contents = tmp_path / "contents.parquet"
    duckdb.sql(f"""copy (select * from (values
        ('a-1.0-{TAG}.whl', 'packages/a/a.libs/libgomp-0a1b2c3d.so.1', 10, timestamp '2025-01-02'),
        ('a-1.0-{TAG}.whl', 'packages/a/a.py', 5, timestamp '2025-01-02'),
        ('b-1.0-{TAG}.whl', 'packages/b/b.py', 5, timestamp '2025-01-03'),
        ('b-1.0.tar.gz', 'packages/b/b.c', 5, timestamp '2025-01-03'))
        t(project_release, archive_path, size, uploaded_on)) to '{contents}'""")  # noqa: S608 - our own
    folder = tmp_path / "rows"
    pattern = str(tmp_path / "*.parquet")
    assert main(["survey", "plan", "--from-parquet", pattern, "-o", str(folder)]) == 0
    assert main(["survey", "run", str(folder)]) == 0
    found = {row["project"]: row for row in rows(folder)}
    assert found["a"]["bundles"] == ["libgomp"]
    assert found["b"]["native"] is False
    assert {row["level"] for row in found.values()} == {"listing"}
    assert {row["requests"] for row in found.values()} == {0}


def test_parts_of_a_survey_make_the_whole(wheels: Path, local: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    main(["survey", "plan", str(wheels), "-o", str(folder), "--per", "4"])
    for part in ("2/3", "1/3", "3/3"):
        assert main(["survey", "run", str(folder), "--shard", part, "-j", "1"]) == 0
    assert rows(folder) == rows(local)
    assert rows(folder, "objects") == rows(local, "objects")


POISON = """
import os, sys
from cxxrt_toolchain.survey import rows
whole = rows.names
def names(row, wheel):
    if row["project"] in os.environ.get("POISON", "").split():
        os.kill(os.getpid(), 9)
    return whole(row, wheel)
rows.names = names
"""


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make every Python that starts now die of a project's wheels."""

    def poison(projects: str) -> None:
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(POISON)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setenv("POISON", projects)

    return poison


def test_a_wheel_that_kills_its_worker_twice_is_a_row(
    wheels: Path, tmp_path: Path, local: Path, poisoned: Callable[[str], None]
) -> None:
    poisoned("p3 p7")
    folder = surveyed(str(wheels), tmp_path / "rows", per=6)
    found = rows(folder)
    assert len(found) == PLANNED
    killed = [row["project"] for row in found if (row["error"] or "").startswith("killed: ")]
    assert killed == ["p3", "p7"]
    assert [row for row in found if row["project"] not in killed] == [
        row for row in rows(local) if row["project"] not in killed
    ]
    assert not list(folder.rglob("work/*"))


def test_what_may_be_cured_by_time_is_tried_by_the_next_run(tmp_path: Path, wheels: Path) -> None:
    port = free_port()
    names = sorted(path.name for path in wheels.glob("p1*cp311*.whl"))
    (tmp_path / "list").write_text("".join(f"http://127.0.0.1:{port}/{name}\n" for name in names))
    folder = surveyed(str(tmp_path / "list"), tmp_path / "rows")
    assert {row["error"] for row in rows(folder)} == {"unreachable: no connection"}
    server = [sys.executable, "-m", "http.server", str(port), "-b", "127.0.0.1"]
    with subprocess.Popen([*server, "-d", str(wheels)], stderr=subprocess.DEVNULL) as process:
        wait_for(f"http://127.0.0.1:{port}/")
        assert main(["survey", "run", str(folder)]) == 0
        process.terminate()
    assert [row["error"] for row in rows(folder)] == [None] * len(names)
    assert not Store(folder).todo("names")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(name[1]), []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


_HOLDING = """\
import time
from pathlib import Path
from cxxrt_toolchain.survey import rows
old, seen = rows.names, []
def names(*arguments):
    seen.append(arguments)
    time.sleep(0.02)
    while len(seen) > 20 and (Path(__file__).parent / "hold").exists():
        time.sleep(0.01)
    return old(*arguments)
rows.names = names
"""
"""A worker stops after 20 wheels until the file ``hold`` is gone: the survey is in its middle."""


@pytest.mark.parametrize("whom", ["worker", "all", "interrupt"])
def test_a_survey_that_is_killed_goes_on_and_loses_nothing(tmp_path: Path, whom: str) -> None:
    folder, source = tmp_path / "rows", tmp_path / "wheels"
    source.mkdir()
    for number in range(120):
        write(source, f"w{number}", {f"w{number}/a.so": os.urandom(2000)})
    main(["survey", "plan", str(source), "-o", str(folder), "--per", "2"])
    command = [sys.executable, "-m", "cxxrt_toolchain", "survey", "run", str(folder), "-j", "2"]
    slow = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (tmp_path / "sitecustomize.py").write_text(_HOLDING)
    hold = tmp_path / "hold"
    hold.touch()
    # What a shell starts in the background ignores SIGINT, and so do its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run = subprocess.Popen(
            command, env=slow, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    store = Store(folder)
    while len(store.done("names")) < 10:
        time.sleep(0.02)
    if whom == "interrupt":
        os.killpg(run.pid, signal.SIGINT)
    else:
        below = tree(run.pid)
        for pid in below if whom == "all" else below[-1:]:
            os.kill(pid, signal.SIGKILL)
    hold.unlink()
    said = run.communicate(timeout=60)[1]
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("names-*/wheels/*")}
    if whom == "worker":
        assert run.returncode == 0
    else:
        assert store.todo("names")
        if whom == "interrupt":
            assert (run.returncode, "goes on with them" in said) == (130, True)
        assert subprocess.run(command, env=slow, check=False).returncode == 0
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    found = rows(folder)
    assert len(found) == len({row["filename"] for row in found}) == 120
    assert sum(row["size"] for row in found) == sum(p.stat().st_size for p in source.iterdir())
    assert not list(folder.rglob(".*"))
    assert not list(folder.rglob("work/*"))


def test_a_report_in_words_groups_and_sql(local: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["survey", "report", str(local)]) == 0
    said = capsys.readouterr().out
    assert "17 wheels of 16 projects" in said
    assert "1 not readable: bad-wheel" in said
    assert "3 both bundle a copy of one runtime (3 projects)" in said
    assert "1 both define the same STB_GNU_UNIQUE symbols (2 projects)" in said
    assert main(["survey", "report", str(local), "--by", "month"]) == 0
    assert "2026-11" in capsys.readouterr().out
    query = "select one, other from collisions where kind = 'copies' order by all"
    assert main(["survey", "report", str(local), "--sql", query]) == 0
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert table == [["one", "other"], ["p0", "p4"], ["p0", "p8"], ["p4", "p8"]]


def test_what_a_required_project_brings_is_no_error_of_the_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of these needs ``libdep.so.1`` from outside.

    Alone, P1 warns of those with a requirement that may bring it, and calls the others wrong.
    """
    user, dep = ((ELF / f"lib{name}.so").read_bytes() for name in ("user", "dep"))
    requirements = {
        "direct": ["Dep_.Lib (>=1)"],
        "marked": ["other", "dep-lib>=1; platform_system == 'Linux'"],
        "extra": ["dep-lib; python_version >= '3.9' and extra == 'more'"],
        "other": ["other>=1"],
        "alone": [],
    }
    for name, requires in requirements.items():
        write(tmp_path, name, {f"{name}/a.so": user}, requires=requires, record=True)
    write(tmp_path, "dep_lib", {"dep_lib/any.so": dep}, record=True)
    folder = surveyed(str(tmp_path), tmp_path / "rows", "--level", "full")
    query = "select project from verdicts where missing = ['libdep.so.1'] order by 1"
    capsys.readouterr()
    assert main(["survey", "report", str(folder), "--sql", query]) == 0
    assert capsys.readouterr().out.split() == ["project", "alone", "extra", "other"]
    main(
        ["survey", "report", str(folder), "--sql", "select distinct library, project from brought"]
    )
    assert capsys.readouterr().out.split() == ["library,project", "libdep.so.1,dep-lib"]
    assert main(["survey", "report", str(folder)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "5 of 6 83.3 % need a library from outside (P1)" in said
    assert "3 of 6 50.0 % need one that no surveyed requirement brings" in said
    assert "2 of 6 33.3 % do not conform even with their requirements" in said


def test_a_folder_as_people_have_them(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Subfolders, links under other names, copies, sdists, pipes; a name is one wheel."""
    mirror, name = tmp_path / "mirror", f"p0-1.0-{TAG}.whl"
    for folder in ("blobs", "deep/er", "copies"):
        (mirror / folder).mkdir(parents=True)
    (mirror / "blobs" / "0a1b2c").write_bytes((wheels / name).read_bytes())
    (mirror / "deep/er" / name).symlink_to(mirror / "blobs/0a1b2c")
    (mirror / "copies" / name).write_bytes((wheels / name).read_bytes())
    (mirror / f"gone-1.0-{TAG}.whl").symlink_to("/nowhere")
    (mirror / f"folder-1.0-{TAG}.whl").mkdir()
    os.mkfifo(mirror / f"pipe-1.0-{TAG}.whl")
    (mirror / "loop").symlink_to(mirror)
    for other in ("notes.txt", "p0-1.0.tar.gz", "bad.whl", f"sp ace-1.0-{TAG}.whl"):
        (mirror / other).write_bytes(b"x")
    (mirror / f"empty-1.0-{TAG}.whl").write_bytes(b"")
    plan = ["survey", "plan", str(mirror), "-o", str(tmp_path / "rows")]
    for new in (2, 0):
        assert main(plan) == 0
        said = capsys.readouterr().out
        assert f"{new} new wheels, 2 in 1 shards; 2 other files were passed over" in said
        assert ("1 file of a name that another one has" in said) is bool(new)
    assert main(["survey", "run", str(tmp_path / "rows"), "-j", "1"]) == 0
    assert [(row["project"], row["error"] is None) for row in rows(tmp_path / "rows")] == [
        ("empty", False),
        ("p0", True),
    ]
    capsys.readouterr()
    assert main(["survey", "report", str(tmp_path / "rows")]) == 0
    assert f"1 not readable: bad-wheel, for example empty-1.0-{TAG}.whl" in capsys.readouterr().out


def test_a_list_as_editors_write_them_and_a_single_wheel(wheels: Path, tmp_path: Path) -> None:
    lines = ["\ufeff# wheels", f"{wheels}/p0-1.0-{TAG}.whl  ", "", f"  {wheels}/p1-1.0-{TAG}.whl"]
    (tmp_path / "list").write_bytes("\r\n".join(lines).encode())
    for source, count in ((tmp_path / "list", 2), (wheels / f"p2-1.0-{TAG}.whl", 1)):
        folder = tmp_path / f"rows{count}"
        assert main(["survey", "plan", str(source), "-o", str(folder)]) == 0
        assert Store(folder).plan["wheels"] == count


def test_a_report_of_half_a_survey_says_so(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rows"
    main(["survey", "plan", str(wheels), "-o", str(folder), "--per", "8"])
    main(["survey", "run", str(folder), "--shard", "3/3", "-j", "1"])
    capsys.readouterr()
    assert main(["survey", "report", str(folder)]) == 0
    assert f"; {PLANNED} are planned" in capsys.readouterr().out


def test_the_newest_version_stands_for_its_project(
    local: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["survey", "report", str(local), "--sql", "select version from newest where project='q2'"])
    assert capsys.readouterr().out == "version\n1.0\n"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["run", "{rows}"], 2, "holds no plan"),
        (["report", "{rows}"], 2, "holds no plan"),
        (["plan", "{rows}/nothing", "-o", "{rows}"], 2, "no folder, file or address"),
        (["plan", "{wheels}", "-o", "{rows}", "--since", "soon"], 2, "is no date"),
        (["plan", "{wheels}", "-o", "{rows}", "--top", "3"], 2, "--top needs --downloads"),
        (["plan", "{list}", "-o", "{rows}"], 2, "which is no file"),
        (["plan", "{list}", "-o", "{rows}", "--from-parquet"], 2, "cannot be read as Parquet"),
        (["plan", "http://127.0.0.1:9/simple/", "-o", "{rows}"], 3, "9/simple/: unreachable"),
        (["plan", "http://[bad/", "-o", "{rows}"], 2, "no address of a server"),
        (["plan", "{wheels}", "-o", "{list}"], 2, "list cannot be a folder"),
        (["plan", "https://index.invalid/", "-o", "{rows}", "--rate", "5"], 2, "needs --contact"),
    ],
)
def test_bad_input_is_one_paragraph(
    args: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    wheels: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cxxrt_toolchain.web.client._FIRST_WAIT", 0.01)
    (tmp_path / "list").write_text("/nowhere/a-1.0-py3-none-linux_x86_64.whl\n")
    places = {"rows": tmp_path / "rows", "wheels": wheels, "list": tmp_path / "list"}
    assert main(["survey", *(each.format(**places) for each in args)]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert "report this" not in error


@pytest.mark.parametrize(
    ("query", "said"),
    [("selec 1", "syntax error"), ("select no from wheels", "not found"), ("", "has no query")],
)
def test_a_query_that_cannot_be_answered_is_explained(
    local: Path, capsys: pytest.CaptureFixture[str], query: str, said: str
) -> None:
    assert main(["survey", "report", str(local), "--sql", query]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "report this" not in error


def test_a_plan_without_wheels_has_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    folder = str(tmp_path / "rows")
    assert main(["survey", "plan", str(tmp_path / "none"), "-o", folder]) == 0
    assert main(["survey", "run", folder]) == 0
    assert main(["survey", "report", folder]) == 2
    assert "has no wheel" in capsys.readouterr().err
