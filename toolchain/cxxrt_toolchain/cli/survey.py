"""``cxxrt survey``: the facts and verdicts of single wheels over a folder, a mirror or an index."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cxxrt_toolchain.errors import UsageError
from cxxrt_toolchain.web.address import is_address
from cxxrt_toolchain.wording import counted

if TYPE_CHECKING:
    from cxxrt_toolchain.survey.store import Store

_SOURCE = """\
a folder (with its subfolders), the address of a simple index, a text that lists paths or
addresses; with --from-parquet a pattern of Parquet files"""
_RUN = """\
`run` does what the plan has and the rows have not, however often it was interrupted.
Levels: names reads the directory and the texts of a wheel (1.4 requests, 0.5 % of its bytes);
full fetches it once and gives the verdict of `cxxrt check`. A host that is not this machine is
asked once a second; a contact, which the User-Agent then tells its operator, allows more.
Credentials come from netrc or a keyring. Workers of several machines need ROWS on a file
system that all of them see."""
_REPORT = """\
Views for --sql: wheels and objects (the rows; their columns are described in
abi-tag-spec/cxxrt_abi_tag_spec/schemas/survey-rows.schema.json), newest (of each project one
wheel of its newest version), brought (libraries that a required, surveyed project has),
collisions (pairs of projects, their kind, the library or symbol, the weight)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the three steps."""
    steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    raw = argparse.RawDescriptionHelpFormatter
    plan = steps.add_parser("plan", help="which wheels: a frozen list in shards")
    plan.add_argument("source", metavar="SOURCE", help=_SOURCE)
    plan.add_argument("-o", dest="rows", metavar="ROWS", type=Path, required=True, help="a folder")
    plan.add_argument("--since", metavar="DATE", help="uploaded then or later")
    plan.add_argument(
        "--top", metavar="N", type=_positive, help="of the N projects with most downloads"
    )
    plan.add_argument(
        "--downloads", metavar="FILE", type=Path, help="CSV with columns project and downloads"
    )
    plan.add_argument("--sample", metavar="N", type=_positive, help="N of them, at random")
    plan.add_argument("--seed", metavar="S", type=int, default=0, help="of --sample (default: 0)")
    plan.add_argument(
        "--per", metavar="N", type=_positive, default=100, help="wheels in a shard (default: 100)"
    )
    plan.add_argument(
        "--from-parquet", action="store_true", help="SOURCE is a pattern of Parquet files"
    )
    _add_politeness(plan)
    run_ = steps.add_parser(
        "run", help="survey what is planned and not done", description=_RUN, formatter_class=raw
    )
    run_.add_argument("rows", metavar="ROWS", type=Path)
    run_.add_argument("--level", choices=["names", "full"], default="names")
    run_.add_argument("-j", dest="jobs", metavar="N", type=_positive, help="workers")
    _add_politeness(run_)
    run_.add_argument("--shard", metavar="I/N", type=_part, help="the Ith of N parts, from 1 on")
    run_.add_argument("--engine", choices=["local", "dask", "ray"], default="local")
    run_.add_argument("--address", metavar="A", help="of a running Dask or Ray cluster")
    report = steps.add_parser(
        "report", help="what the rows say", description=_REPORT, formatter_class=raw
    )
    report.add_argument("rows", metavar="ROWS", type=Path)
    report.add_argument("--html", metavar="FILE", type=Path, help="also write a page")
    report.add_argument("--by", choices=["month", "project", "tag"], help="shares of each")
    report.add_argument("--sql", metavar="QUERY", help="the answer of DuckDB, as CSV")


def _add_politeness(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rate", metavar="R", type=_rate, help="requests a second to each host, of all workers"
    )
    parser.add_argument("--contact", metavar="MAIL", default="", help="who asks; needed above 1/s")


def run(args: argparse.Namespace) -> int:
    """Do one step."""
    from cxxrt_toolchain.survey.store import Store

    store = Store(args.rows)
    if args.step == "plan":
        return _plan(args, store)
    return _run(args, store) if args.step == "run" else _report(args, store)


def _plan(args: argparse.Namespace, store: Store) -> int:
    from cxxrt_toolchain.survey.plan import Choice, make_plan
    from cxxrt_toolchain.survey.refs import parse_moment
    from cxxrt_toolchain.survey.shard import Settings, require_contact

    if args.top and not args.downloads:
        raise UsageError("--top needs --downloads FILE.")
    choice = Choice(
        since=parse_moment(args.since) if args.since else None,
        top=args.top,
        downloads=args.downloads,
        sample=args.sample,
        seed=args.seed,
        parquet=args.from_parquet,
    )
    client = None
    if is_address(args.source) and not args.from_parquet:
        require_contact([args.source], args.rate, args.contact)
        client = Settings(level="names", rate=args.rate, contact=args.contact).client()
    new, twice = make_plan(args.source, store, choice, args.per, client)
    plan = store.plan
    print(
        f"{new} new wheels, {plan['wheels']} in {len(store.shards())} shards; "
        f"{plan['others']} other files were passed over by their names."
    )
    if twice:
        print(f"{counted(twice, 'file')} of a name that another one has: the first is planned.")
    return 0


def _run(args: argparse.Namespace, store: Store) -> int:
    from cxxrt_toolchain.survey.engines import ENGINES
    from cxxrt_toolchain.survey.progress import Progress
    from cxxrt_toolchain.survey.shard import Settings, require_contact
    from cxxrt_toolchain.survey.store import pyarrow

    pyarrow()  # before anything is fetched
    plan, shards = store.plan, store.shards()
    if args.address and args.engine == "local":
        raise UsageError("--address is of a Dask or Ray cluster.")
    if args.engine != "local" and args.shard:
        raise UsageError("--shard divides a survey without an engine; one with an engine is whole.")
    require_contact(plan["hosts"], args.rate, args.contact)
    todo = store.todo(args.level)
    settings = Settings(level=args.level, rate=args.rate, contact=args.contact)
    jobs = args.jobs or len(os.sched_getaffinity(0))
    if args.shard:
        number, count = args.shard
        mine = set(shards[number - 1 :: count])
        todo = [shard for shard in todo if shard in mine]
        settings = settings.shared_by(count)
    if args.engine == "local":
        settings = settings.shared_by(max(1, min(jobs, len(todo))))
    progress = Progress(round(plan["wheels"] * len(todo) / max(1, len(shards))))
    try:
        engine = ENGINES[args.engine]
        for wheels in engine(str(store.folder.resolve()), todo, settings, jobs, args.address):
            progress.step(wheels)
    except KeyboardInterrupt:
        progress.end()
        left = len(store.todo(args.level))
        print(f"{left} shards are left; 'cxxrt survey run' goes on with them.", file=sys.stderr)
        raise
    progress.end()
    print(f"{len(todo)} shards done, {len(store.todo(args.level))} left at the level {args.level}.")
    return 0


def _report(args: argparse.Namespace, store: Store) -> int:
    from cxxrt_toolchain.survey.queries import Answers
    from cxxrt_toolchain.survey.report import report

    _ = store.plan  # says so where there is none
    answers = Answers(store)
    report(answers, by=args.by, sql=args.sql)
    if args.html is not None:
        from cxxrt_toolchain.report.page.shell import write_html
        from cxxrt_toolchain.survey.page import page_text

        write_html(page_text(answers), args.html)
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _part(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text} is not I/N with I from 1 to N")
    return int(number), int(count)
