"""What stands alone in the drawing, what is put together, and what is left out."""

from __future__ import annotations

from dataclasses import replace

from large_diagnosis import large_environment, large_process
from sample_diagnosis import MODULE, PRIVATE, SYSTEM, sample

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Library, Origin, Package
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation
from cxxrt_toolchain.report.page.cast import Role
from cxxrt_toolchain.report.page.graph import Column, Graph, Node, draw_graph
from cxxrt_toolchain.report.page.svg import Font, fitted
from cxxrt_toolchain.rules.rule import Severity


def drawn(graph: Graph, column: Column) -> list[Node]:
    return [node for node in graph.nodes if node.column is column]


def package(name: str) -> Package:
    return Package(name=name, version="1", objects=1, location="/site")


def library(path: str, owner: str | None, family: RuntimeFamily | None = None) -> Library:
    return Library(
        path=path, soname=path, origin=Origin.WHEEL, package=owner, family=family, order=None
    )


def healthy(packages: int) -> Diagnosis:
    """So many packages, each with two libraries that need the system's libstdc++."""
    names = [f"p{at}" for at in range(packages)]
    libraries = [library(f"/{name}/{part}.so", name) for name in names for part in "ab"]
    system = library(SYSTEM, None, RuntimeFamily.LIBSTDCXX)
    return replace(
        sample(),
        packages=tuple(package(name) for name in names),
        libraries=(*libraries, system),
        edges=tuple(
            Edge(source=each.path, target=SYSTEM, relation=Relation.NEEDS) for each in libraries
        ),
        findings=(),
        steps=(),
    )


def test_roles_come_from_the_findings() -> None:
    roles = {node.key: node.role for node in draw_graph(sample()).nodes if node.role}
    assert roles == {
        "package:maker": Role.CULPRIT,
        "package:victim": Role.VICTIM,
        PRIVATE: Role.CULPRIT,
        SYSTEM: Role.EVIDENCE,
    }


def test_information_blames_nobody() -> None:
    calm = replace(sample().findings[0], severity=Severity.NOTE)
    graph = draw_graph(replace(sample(), findings=(calm,)))
    assert [node.role for node in graph.nodes if node.role] == []


def test_a_package_and_its_library_are_linked_without_a_recorded_edge() -> None:
    links = {(each.source, each.target, each.relation) for each in draw_graph(sample()).links}
    assert ("package:maker", PRIVATE, Relation.OWNS) in links
    assert ("package:victim", "libraries:package:victim", Relation.OWNS) in links


def test_few_packages_are_drawn_one_by_one() -> None:
    graph = draw_graph(healthy(5))
    assert [len(node.packages) for node in drawn(graph, Column.PACKAGES)] == [1] * 5
    assert [len(node.libraries) for node in drawn(graph, Column.LIBRARIES)] == [2] * 5


def test_many_packages_that_are_alike_are_one_node() -> None:
    graph = draw_graph(healthy(40))
    (group,) = drawn(graph, Column.PACKAGES)
    (libraries,) = drawn(graph, Column.LIBRARIES)
    assert len(group.packages) == 40
    assert len(libraries.libraries) == 80
    (need,) = [link for link in graph.links if link.relation is Relation.NEEDS]
    assert (need.source, need.target, need.count) == (libraries.key, SYSTEM, 80)


def test_packages_that_use_no_runtime_are_listed_not_drawn() -> None:
    diagnosis = healthy(3)
    idle = package("idle")
    graph = draw_graph(
        replace(
            diagnosis,
            packages=(*diagnosis.packages, idle),
            libraries=(*diagnosis.libraries, library("/idle/x.so", "idle")),
        )
    )
    assert graph.idle == (idle,)
    assert all(idle not in node.packages for node in graph.nodes)


def test_a_lone_libgcc_is_left_out_and_said_to_be() -> None:
    diagnosis = healthy(3)
    lone = library("/lib/libgcc_s.so.1", None, RuntimeFamily.LIBGCC)
    graph = draw_graph(replace(diagnosis, libraries=(*diagnosis.libraries, lone)))
    assert graph.unshown == (lone,)
    again = library("/env/libgcc_s.so.1", "p0", RuntimeFamily.LIBGCC)
    graph = draw_graph(replace(diagnosis, libraries=(*diagnosis.libraries, lone, again)))
    assert graph.unshown == ()


def test_counts_and_symbols_of_one_relation_are_put_together() -> None:
    diagnosis = healthy(1)
    binds = [
        Edge(source=f"/p0/{part}.so", target=SYSTEM, relation=Relation.BINDS, count=count,
             symbols=tuple(f"{part}{at}" for at in range(4)))
        for part, count in (("a", 3), ("b", 4))
    ]  # fmt: skip
    diagnosis = replace(diagnosis, edges=(*diagnosis.edges, *binds))
    (found,) = [each for each in draw_graph(diagnosis).links if each.relation is Relation.BINDS]
    assert (found.count, found.symbols) == (7, ("a0", "a1", "a2", "a3", "b0"))
    assert not found.serious, "no finding complains of it"
    blamed = replace(sample().findings[0], libraries=("/p0/a.so", SYSTEM), culprits=("p0",))
    graph = draw_graph(replace(diagnosis, findings=(blamed,)))
    apart = {
        link.source: (link.count, link.serious)
        for link in graph.links
        if link.relation is Relation.BINDS
    }
    assert apart == {"/p0/a.so": (3, True), "libraries:package:p0": (4, False)}


def test_a_link_that_leads_nowhere_is_left_out() -> None:
    stray = Edge(source=MODULE, target="/nowhere.so", relation=Relation.NEEDS)
    assert draw_graph(replace(sample(), edges=(*sample().edges, stray))) == draw_graph(sample())


def test_large_diagnoses_stay_readable() -> None:
    for diagnosis in (large_environment(), large_process()):
        graph = draw_graph(diagnosis)
        assert len(graph.nodes) <= 60
        shown = {each.name for node in graph.nodes for each in node.packages}
        assert shown | {each.name for each in graph.idle} == {
            each.name for each in diagnosis.packages
        }
        for name in ("pymomentum-cpu", "tesseract-robotics-nanobind"):
            (node,) = [each for each in graph.nodes if name in {p.name for p in each.packages}]
            assert node.role is Role.CULPRIT


def test_sixty_culprits_do_not_get_four_libraries_each() -> None:
    diagnosis = healthy(60)
    static = tuple(
        each._replace(static=(RuntimeFamily.LIBSTDCXX,)) if each.package else each
        for each in diagnosis.libraries
    )
    blamed = replace(sample().findings[0], culprits=tuple(p.name for p in diagnosis.packages))
    graph = draw_graph(replace(diagnosis, libraries=static, findings=(blamed,)))
    alone = [node for node in drawn(graph, Column.LIBRARIES) if len(node.libraries) == 1]
    assert len(graph.nodes) == 60 * 2 + 1
    assert alone == []


def test_texts_are_shortened_in_the_middle() -> None:
    font = Font(size=10, fixed=True)
    assert fitted("libgomp.so.1", 80, font) == "libgomp.so.1"
    short = fitted("libgomp-e985bcbb.so.1.0.0", 80, font)
    assert short.startswith("libgomp-")
    assert short.endswith(".0.0")
    assert font.width(short) <= 80
    assert font.width(fitted("漢字" * 20, 80, font)) <= 80
