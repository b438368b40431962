"""What a survey's rows say, asked of DuckDB: shares, culprits, collisions."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from glob import glob
from importlib.resources import files
from math import sqrt
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from cxxrt_toolchain.errors import InputError, UsageError
from cxxrt_toolchain.survey.store import LEVELS, Store, extra, parquet_schema
from cxxrt_toolchain.wording import counted

_ORDER = ("project", "version", "place")
_Z = 1.959964
"""The quantile of the normal distribution for 95 %."""
FACTS = {
    "have shared objects": "native",
    "need libstdc++.so.6": "list_contains(needs, 'libstdc++.so.6')",
    "bundle libstdc++": "list_contains(bundles, 'libstdc++')",
    "bundle libgcc_s": "list_contains(bundles, 'libgcc_s')",
    "bundle libgomp": "list_contains(bundles, 'libgomp')",
    "bundle Intel's or LLVM's OpenMP": "list_has_any(bundles, ['libiomp5', 'libomp'])",
    "bundle libquadmath": "list_contains(bundles, 'libquadmath')",
    "bundle libcudart": "list_contains(bundles, 'libcudart')",
    "link libstdc++ statically": "list_contains(static, 'libstdc++')",
    "export a static libstdc++": "list_contains(exports, 'libstdc++')",
    "link libcudart statically": "list_contains(static, 'libcudart')",
    "export a static libcudart": "list_contains(exports, 'libcudart')",
    "export what libstdc++ looks up by name (H8)": "captures > 0",
    "export STB_GNU_UNIQUE symbols (H10)": '"unique" > 0',
    "export strong std:: definitions (H9)": "std_strong > 0",
    "use the old std::string": "old_strings > 0",
    "need a library from outside (P1)": "len(outside) > 0",
    "do not conform to their tag": "not conforms",
}
"""What the headline table counts: words, and a condition; null where a row does not tell."""
KINDS = {
    "copies": ("C", "both bundle a copy of one runtime"),
    "captured": ("H", "one captures symbols of the libstdc++ that the other needs"),
    "exported": ("E", "one exports a static runtime that the other needs"),
    "soname": ("S", "both bring a library of one plain name with other content"),
    "unique": ("U", "both define the same STB_GNU_UNIQUE symbols"),
    "definition": ("D", "both export the same symbols; they meet only under RTLD_GLOBAL"),
}
GROUPS = {"month": "substr(upload_time, 1, 7)", "project": "project", "tag": "platform"}


_KNOWN = "if(exists (from newest where downloads is not null),"
"""Before what means something only where a plan has downloads."""


class Culprit(NamedTuple):
    """A project in collisions."""

    project: str
    partners: int
    kinds: str
    """Names, with commas."""
    weight: int | None
    """The sum over its collisions of the smaller number of downloads, where they are known."""


class Share(NamedTuple):
    """So many of so many, and where the true share is with 95 % confidence (Wilson)."""

    label: str
    found: int
    of: int
    low: float
    high: float

    @property
    def part(self) -> float:
        """From 0 to 1."""
        return self.found / self.of if self.of else 0.0


def share(label: str, count: int, of: int) -> Share:
    """A share with its interval (Wilson 1927), which holds for small counts, too."""
    if not of:
        return Share(label, 0, 0, 0.0, 1.0)
    part, term = count / of, _Z * _Z / of
    middle = (part + term / 2) / (1 + term)
    reach = _Z * sqrt((part * (1 - part) + term / 4) / of) / (1 + term)
    return Share(label, count, of, max(0.0, middle - reach), min(1.0, middle + reach))


def measure(each: Share, *, sampled: bool) -> str:
    """``4.4 %``, in a sample with its interval: ``4.4 % (2.6 to 7.4)``."""
    text = f"{100 * each.part:.1f} %"
    return f"{text} ({100 * each.low:.1f} to {100 * each.high:.1f})" if sampled else text


@dataclass(frozen=True)
class Answers:
    """The answers; without slots, because it keeps its connection."""

    store: Store

    @cached_property
    def plan(self) -> dict[str, Any]:
        """How the wheels were chosen."""
        return self.store.plan

    @property
    def sampled(self) -> bool:
        """Whether the wheels are a random sample, so that shares have intervals."""
        return bool(self.plan.get("sample"))

    @property
    def base(self) -> str:
        """What the shares are of: all wheels of a sample, else one of each project."""
        return "(select * from wheels where error is null)" if self.sampled else "newest"

    @property
    def subject(self) -> str:
        """What the shares are of."""
        sample = self.plan.get("sample")
        if sample:
            return f"a random sample of {sample['of']} wheels, seed {sample['seed']}"
        return "one wheel of each project's newest version"

    @property
    def state(self) -> str:
        """How much is surveyed."""
        wheels, projects, size = self.rows(
            "select count(*), count(distinct project), coalesce(sum(size), 0) from wheels"
        )[0]
        failed = sum(count for _, count, _ in self.errors())
        text = f"{counted(wheels, 'wheel')} of {counted(projects, 'project')}, {size / 1e9:.2f} GB"
        if wheels < self.plan["wheels"]:
            text = f"{text}; {self.plan['wheels']} are planned"
        return f"{text}, {failed} of them not readable" if failed else text

    @cached_property
    def _connection(self) -> Any:  # noqa: ANN401 - duckdb's
        duckdb = extra("duckdb")
        connection = duckdb.connect()
        for level in LEVELS:
            for table in ("wheels", "objects"):
                pattern = self.store.parts(level, table)
                name = f"{level}_{table}"
                if glob(pattern):  # noqa: PTH207 - of a pattern
                    quoted = pattern.replace("'", "''")
                    connection.execute(
                        f"create view {name} as select * from read_parquet('{quoted}')"  # noqa: S608
                    )
                else:
                    connection.register(name, parquet_schema(table).empty_table())
        if not (self.store.done("names") or self.store.done("full")):
            if not self.plan["wheels"]:
                raise UsageError(f"The plan of {self.store.folder} has no wheel.")
            advice = f"'cxxrt survey run {self.store.folder}' makes them."
            raise UsageError(f"{self.store.folder} has no rows yet.", advice)
        connection.execute("create table version_order (project text, version text, place int)")
        views = files("cxxrt_toolchain.survey").joinpath("views.sql").read_text("utf-8")
        before, after = views.split("-- Of each project", 1)
        connection.execute(before)
        known = connection.execute("select distinct project, version from wheels").fetchall()
        rows = list(_ordered(known))
        if rows:
            columns = dict(zip(_ORDER, map(list, zip(*rows, strict=True)), strict=True))
            connection.register("ordered", extra("pyarrow").table(columns))
            connection.execute("insert into version_order select * from ordered")
        connection.execute(f"-- {after}")
        return connection

    def rows(self, query: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query of ours; `InputError` where a file of rows is damaged."""
        try:
            found: list[tuple[Any, ...]] = self._connection.execute(
                query, list(parameters)
            ).fetchall()
        except extra("duckdb").Error as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"The rows of {self.store.folder} cannot be read: {reason}") from error
        return found

    def asked(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Names of columns and rows of a user's query; `InputError` where it cannot be answered."""
        try:
            cursor = self._connection.execute(query)
            if cursor is None:
                raise UsageError("--sql has no query.")
            return [column[0] for column in cursor.description], cursor.fetchall()
        except extra("duckdb").Error as error:
            raise InputError(f"--sql: {error}") from error

    def shares(self) -> list[Share]:
        """The headline table: how many wheels, or projects, do what."""
        counts = ", ".join(f"count(*) filter ({test}), count({test})" for test in FACTS.values())
        row = self.rows(f"select {counts} from {self.base}")[0]  # noqa: S608 - our names
        found = [share(label, row[2 * at], row[2 * at + 1]) for at, label in enumerate(FACTS)]
        if not self.sampled:
            together = ("len(missing) > 0", "not conforms_with_required")
            counts = ", ".join(f"count(*) filter ({test})" for test in together)
            lacking, broken, of = self.rows(f"select {counts}, count(*) from verdicts")[0]  # noqa: S608
            found.append(share("need one that no surveyed requirement brings", lacking, of))
            found.append(share("do not conform even with their requirements", broken, of))
        return [each for each in found if each.of]

    def rules(self) -> list[tuple[str, str, int]]:
        """Rule, severity and how many of the base it fires on."""
        parts = " union all ".join(
            f"select unnest({kind}s) as rule, '{kind}' as severity, {at} as place from {self.base}"  # noqa: S608
            for at, kind in enumerate(("error", "warning", "note"))
        )
        return [
            (rule, severity, count)
            for rule, severity, count in self.rows(
                f"select rule, severity, count(*) from ({parts}) group by rule, severity "  # noqa: S608
                "order by any_value(place), 3 desc, rule"
            )
        ]

    def groups(self, by: str) -> list[tuple[Any, ...]]:
        """Group, wheels, share that conforms, share that bundles or links a runtime."""
        key, order = GROUPS[by], "1" if by == "month" else "count(*) desc"
        return self.rows(
            f"select {key}, count(*), avg(conforms::int), "  # noqa: S608 - our names
            "avg((len(bundles) > 0 or len(static) > 0)::int), "
            'avg(("unique" > 0)::int) from wheels where error is null '
            f"and {key} is not null group by 1 order by {order}, 1"
        )

    def errors(self) -> list[tuple[str, int, str]]:
        """Kinds of wheels that could not be read, how many each, and the name of one."""
        return [(kind, wheels, one) for kind, wheels, one in self.rows("select * from unreadable")]

    @cached_property
    def _meetings(self) -> str:
        """A table of how often each project meets others, because it is most of a report."""
        self._connection.execute("create temp table met as select * from meetings")
        return "met"

    def collision_counts(self) -> list[tuple[str, int, int, int | None]]:
        """Kind, pairs, projects in them, and the sum of their weights where downloads are known."""
        query = (
            f"select kind, sum(meetings)::bigint // 2, count(*), "  # noqa: S608 - our names
            f"{_KNOWN} sum(weight)::bigint // 2, null) from {self._meetings} group by kind"
        )
        found = {row[0]: (row[1], row[2], row[3]) for row in self.rows(query)}
        return [(kind, *found[kind]) for kind in KINDS if kind in found]

    def culprits(self, most: int) -> list[Culprit]:
        """Projects in the heaviest collisions; those that need RTLD_GLOBAL do not count."""
        worst = self.rows(
            f"select id, project, string_agg(kind, ', ' order by kind), {_KNOWN} "  # noqa: S608
            f"sum(met.weight)::bigint, null) from {self._meetings} "
            "join newest using (id) where kind <> 'definition' group by id, project "
            "order by sum(met.weight) desc, sum(meetings) desc, project limit ?",
            [most],
        )
        ids = [row[0] for row in worst]
        partners = dict(
            self.rows(
                "select id, count(distinct partner) from ("
                "select one as id, other as partner, kind from met_between($1, null) union all "
                "select other, one, kind from met_between(null, $1)) "
                "where kind <> 'definition' group by id",
                [ids],
            )
        )
        return [
            Culprit(project, partners[each], kinds, weight)
            for each, project, kinds, weight in worst
        ]

    def pairs(self, projects: list[str]) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """Kind and object of the collisions between some projects, by pair in alphabetic order."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        known = self.rows("select id from newest where list_contains(?, project)", [projects])
        query = (
            "select least(a.project, b.project), greatest(a.project, b.project), kind, "
            "string_agg(distinct what, ', ') from met_between($1, $1) m "
            "join newest a on a.id = m.one join newest b on b.id = m.other "
            "where kind <> 'definition' group by 1, 2, 3 order by 1, 2, 3"
        )
        for one, other, kind, what in self.rows(query, [[each for (each,) in known]]):
            found.setdefault((one, other), []).append((kind, what))
        return found


def _ordered(known: list[tuple[str, str]]) -> Iterable[tuple[str, str, int]]:
    """Each project's versions with their place in the order of PEP 440."""
    by_project: dict[str, list[tuple[Version, str]]] = {}
    for project, text in known:
        with suppress(InvalidVersion):
            by_project.setdefault(project, []).append((Version(text), text))
    for project, versions in by_project.items():
        for place, (_, text) in enumerate(sorted(versions)):
            yield project, text, place
