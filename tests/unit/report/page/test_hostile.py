"""Names, paths and messages of an environment cannot become markup, script or a disguise."""

from __future__ import annotations

import pytest
from page_reader import read_page

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.imports.run import Outcome, Step
from cxxrt_toolchain.facts.libraries import Library, Origin, Package
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation, Subject
from cxxrt_toolchain.report.page.document import page_text
from cxxrt_toolchain.rules.rule import Finding, Severity

HOSTILE = {
    "script end": "</script><script>alert(1)</script>",
    "style end": "</style><style>*{display:none}",
    "attribute end": "\" onfocus='alert(1)' x=\"",
    "comment": "<!-- <svg onload=alert(1)> -->",
    "entity": "&lt;b&gt; &amp;#60;",
    "markdown": "[x](javascript:alert(1)) `a` 'b c'",
    "right to left": "lib\u202egnp.os",
    "isolates": "a\u2066b\u2069c\u200b\ufeff",
    "control": "a\x00b\x1b[31mc\x7f\x85d",
    "not UTF-8": "lib\udcff\udc80.so",
    "line ends": "a\r\nb\u2028c\td",
    "tag in capitals": "<IMG SRC=x ONERROR=alert(1)>",
}


def hostile(text: str) -> Diagnosis:
    """Every string that an environment can choose is the text."""
    path = f"/env/{text}/lib.so"
    other = f"/env/{text}/libstdc++.so.6"
    return Diagnosis(
        subject=Subject.IMPORTS,
        title=text,
        python=text,
        executable=text,
        glibc=text,
        variables=((text, text),),
        packages=(Package(name=text, version=text, objects=1, location=text),),
        libraries=(
            Library(path=path, soname=text, origin=Origin.WHEEL, package=text, family=None,
                    static=(RuntimeFamily.LIBSTDCXX,), order=0),
            Library(path=other, soname=text, origin=Origin.WHEEL, package=text,
                    family=RuntimeFamily.LIBSTDCXX, version=text, order=1, deleted=True),
        ),
        edges=(
            Edge(source=path, target=other, relation=Relation.NEEDS),
            Edge(source=other, target=path, relation=Relation.BINDS, symbols=(text,)),
        ),
        steps=(Step(module=text, outcome=Outcome.CRASHED, detail=text, last_object=text,
                    loaded=(path, text)),),
        findings=(
            Finding(rule="CXXRT-H1", severity=Severity.ERROR, message=text, culprits=(text,),
                    victims=(text,), libraries=(path, text), evidence=(text,),
                    remedies=(text, f"pip install {text}", f"`{text}`")),
            Finding(rule=text, severity=Severity.ERROR, message=text, culprits=("unknown",)),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def harmless() -> list[str]:
    return [each.tag for each in read_page(page_text(hostile("harmless name"))).elements]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_name_adds_no_element_and_no_attribute(text: str, harmless: list[str]) -> None:
    page = read_page(page_text(hostile(text)))
    assert page.complaints == []
    # A remedy's quotes and backticks set commands apart; nothing else may differ.
    extra = {"span", "code"}
    assert [each.tag for each in page.elements if each.tag not in extra] == [
        tag for tag in harmless if tag not in extra
    ]
    names = {name for each in page.elements for name in each.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert all(target.startswith("#") for target in page.attribute("href"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_does_not_print_is_shown_as_an_escape(text: str) -> None:
    page = page_text(hostile(text))
    assert [char for char in page if not char.isprintable() and char != "\n"] == []
    page.encode()  # no lone surrogate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lib\u202egnp.os", "lib\\u202egnp.os"),
        ("a\x1b[31m", "a\\x1b[31m"),
        ("lib\udcff.so", "lib\\xff.so"),
        ("\U000e0041", "\\U000e0041"),
        ("größe", "größe"),
    ],
)
def test_escapes_are_those_of_python(text: str, shown: str) -> None:
    assert shown in read_page(page_text(hostile(text))).all("h1")[0].text


def test_anchors_have_no_name_in_them() -> None:
    anchors = read_page(page_text(hostile("évil name"))).attribute("id")
    assert not [anchor for anchor in anchors if not anchor.isascii() or " " in anchor]
