"""The page is well formed, complete, self-contained, and the same for the same diagnosis."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from large_diagnosis import large_environment, large_process
from page_reader import Page, read_page
from sample_diagnosis import MODULE, PRIVATE, SYSTEM, sample

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.facts.imports.run import Outcome, Step
from cxxrt_toolchain.report.demangle import readable
from cxxrt_toolchain.report.page.document import page_text, write_page
from cxxrt_toolchain.rules.rule import Finding, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from cxxrt_toolchain.report.diagnosis import Diagnosis

_BARE = replace(
    sample(), packages=(), libraries=(), edges=(), steps=(), findings=(), variables=(), python=""
)
_CASES = {
    "sample": sample(),
    "environment": large_environment(),
    "process": large_process(),
    "bare": _BARE,
    "healthy": replace(sample(), findings=(), steps=()),
}


@pytest.fixture(scope="module", params=_CASES)
def page(request: pytest.FixtureRequest) -> Page:
    return read_page(page_text(_CASES[request.param]))


def text_of(diagnosis: Diagnosis) -> str:
    return " ".join(read_page(page_text(diagnosis)).all("main")[0].text.split())


def test_every_tag_is_closed_and_every_id_is_there_once(page: Page) -> None:
    assert page.complaints == []
    assert page.elements[0].tag == "html"
    assert page.elements[0].attributes["lang"] == "en"


def test_every_link_leads_somewhere_in_the_page(page: Page) -> None:
    ids = set(page.attribute("id"))
    for target in page.attribute("href"):
        assert target.startswith("#")
        assert target[1:] in ids
    for name in ("aria-labelledby", "for"):
        assert {word for value in page.attribute(name) for word in value.split()} <= ids


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    assert not [
        each.tag
        for each in page.elements
        if each.tag
        in {"link", "img", "iframe", "object", "embed", "base", "form", "video", "audio"}
    ]
    assert page.attribute("src") == []
    assert page.attribute("style") == []
    assert not [name for each in page.elements for name in each.attributes if name.startswith("on")]
    for sheet in (*page.all("style"), *page.all("script")):
        assert not re.search(r"@import|url\((?!#)|https?:|//[a-z]|fetch\(|XMLHttp", sheet.text)


def test_the_policy_allows_this_style_and_this_script_only(page: Page) -> None:
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]
    rules = dict(rule.split(" ", 1) for rule in policy.attributes["content"].split("; "))
    assert rules["default-src"] == "'none'"
    for tag in ("style", "script"):
        (inside,) = page.all(tag)
        digest = b64encode(sha256(inside.text.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    first = [each.tag for each in page.elements].index
    assert page.elements.index(policy) < first("style")


def test_headings_skip_no_level(page: Page) -> None:
    levels = [int(each.tag[1]) for each in page.elements if re.fullmatch(r"h[1-6]", each.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_boxes_of_the_drawing_are_links_with_a_spoken_name() -> None:
    page = read_page(page_text(sample()))
    boxes = page.all("a", class_="node")
    assert len(boxes) == 6
    assert all("svg" in box.ancestors for box in boxes)
    spoken = {box.attributes["aria-label"] for box in boxes}
    assert "Package maker, culprit, 1.0 · 2 objects" in spoken
    assert (
        "Runtime libstdc++.so.6, evidence, GLIBCXX_3.4.30 · system, number 4 in the load order"
        in spoken
    )
    for box in boxes:
        assert box.attributes["href"] == f"#t{box.attributes['id']}"


def test_everything_that_a_reader_asks_for_is_there() -> None:
    text = text_of(sample())
    assert "Importing victim crashed the process (SIGSEGV): maker has to change first." in text
    assert "maker 1.0 brings a libstdc++ of its own, and it came first" in text
    assert "num_put<char>::id and codecvt<char16_t>::id are both 5" in text
    assert "CXXRT-H1: Bundled libstdc++ or libgcc_s" in text
    assert "import cxx11_cuda_runtime before maker" in text
    assert "LD_LIBRARY_PATH /opt/old" in text.replace("LD_LIBRARY_PATH/", "LD_LIBRARY_PATH /")
    assert "Captures symbols of" in text
    assert readable("_ZNSt7num_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEE2idE") in text
    for path in (MODULE, PRIVATE, SYSTEM):
        assert path in text


def test_the_last_object_before_a_crash_is_named() -> None:
    steps = read_page(page_text(sample())).all("li", class_="step")
    assert [step.attributes["class"] for step in steps] == ["step imported", "step crashed"]
    said = " ".join(steps[1].text.split())
    assert "Last object that was loaded or initialized: core.so of victim" in said
    assert "Loaded libstdc++.so.6 of the system" in said


def test_a_rule_is_explained_once_and_referred_to_afterwards() -> None:
    finding = sample().findings[0]
    twice = replace(sample(), findings=(finding, replace(finding, message="again")))
    page = read_page(page_text(twice))
    assert len(page.all("details", class_="rule")) == 1
    (again,) = page.all("p", class_="again")
    assert again.text.endswith("explained under finding 1")


def test_a_rule_without_an_entry_is_no_error() -> None:
    finding = replace(sample().findings[0], rule="CXXRT-X999")
    assert "no entry for this rule" in text_of(replace(sample(), findings=(finding,)))


def test_a_message_names_libraries_by_their_short_names() -> None:
    message = f"maker has taken over 78 symbols of {SYSTEM}: {PRIVATE} came first, not {SYSTEM}.7"
    finding = replace(sample().findings[0], message=message, culprits=())
    page = read_page(page_text(replace(sample(), findings=(finding,), steps=())))
    said = "maker has taken over 78 symbols of libstdc++.so.6: libstdc++-maker.so.6 came first"
    assert page.all("h3")[0].text == f"{said}, not {SYSTEM}.7"
    assert page.by_id("verdict").text == f"{said}, not {SYSTEM}.7."
    titles = [each.attributes["title"] for each in page.all("a") if "title" in each.attributes]
    assert titles == [SYSTEM, PRIVATE]


def verdict_of(*findings: Finding, steps: tuple[Step, ...] = ()) -> str:
    page = read_page(page_text(replace(sample(), findings=findings, steps=steps)))
    return page.by_id("verdict").text


def found(severity: Severity, *culprits: str, message: str = "two copies") -> Finding:
    return Finding(rule="CXXRT-H1", severity=severity, message=message, culprits=culprits)


def test_verdicts() -> None:
    assert verdict_of() == "Nothing here needs action."
    assert verdict_of(found(Severity.NOTE, "a")) == "Nothing here needs action."
    assert verdict_of(found(Severity.ERROR, "a")) == "a has to change first."
    assert (
        verdict_of(found(Severity.ERROR, "a", "b"), found(Severity.WARNING, "c"))
        == "a and b have to change first."
    )
    assert verdict_of(found(Severity.WARNING)) == "two copies."
    crash = Step(module="m", outcome=Outcome.CRASHED, detail="SIGABRT")
    assert (
        verdict_of(steps=(crash,))
        == "Importing m crashed the process (SIGABRT), and no rule explains it."
    )
    slow = Step(module="m", outcome=Outcome.TIMED_OUT)
    assert (
        verdict_of(found(Severity.ERROR, "a"), steps=(slow,))
        == "Importing m did not end: a has to change first."
    )


def commands_of(remedy: str) -> list[str]:
    finding = replace(found(Severity.ERROR, "a"), remedies=(remedy,))
    page = read_page(page_text(replace(sample(), findings=(finding,))))
    said = page.all("main")[0].text
    assert remedy.replace("'", "").replace("`", "") in said.replace("'", "")
    return [each.text for each in page.all("span", class_="command")]


@pytest.mark.parametrize(
    ("remedy", "commands"),
    [
        ("pip install -U cxx11-cuda-runtime (it ends with 3.4.33 here)",
         ["pip install -U cxx11-cuda-runtime"]),
        ("'import cxx11_cuda_runtime' before 'import maker'",
         ["import cxx11_cuda_runtime", "import maker"]),
        ("import cxx11_cuda_runtime before maker", ["import cxx11_cuda_runtime"]),
        ("start with `python -m cxx11_cuda_runtime run app.py`",
         ["python -m cxx11_cuda_runtime run app.py"]),
        ("conda install libstdcxx>=15", ["conda install libstdcxx>=15"]),
        ("LD_PRELOAD=/a/libstdc++.so.6 python app.py",
         ["LD_PRELOAD=/a/libstdc++.so.6 python app.py"]),
        ("remove /opt/old from LD_LIBRARY_PATH", []),
        ("Unset LD_PRELOAD, or take /opt/old off it", []),
        ("import it first", []),
        ("repair its wheel: cxxrt repair -w DIR maker-*.whl", ["cxxrt repair -w DIR maker-*.whl"]),
        ("cxx11_cuda_runtime.require(openmp=True) before the packages that bring them",
         ["cxx11_cuda_runtime.require(openmp=True)"]),
        ("pip install cxx11-cuda-runtime, then python -m cxx11_cuda_runtime activate",
         ["pip install cxx11-cuda-runtime", "python -m cxx11_cuda_runtime activate"]),
        ("pip install cxx11-cuda-runtime; python -m cxx11_cuda_runtime activate",
         ["pip install cxx11-cuda-runtime", "python -m cxx11_cuda_runtime activate"]),
        ("pip install -U nvidia-cuda-runtime, or the -cu12 one",
         ["pip install -U nvidia-cuda-runtime"]),
        ("cxxrt repair the wheel of maker", ["cxxrt repair"]),
        ("pip install 'nvidia-cuda-runtime>=13.2,<14'",
         ["pip install 'nvidia-cuda-runtime>=13.2,<14'"]),
    ],
)  # fmt: skip
def test_commands_are_set_apart_from_the_words_around_them(
    remedy: str, commands: list[str]
) -> None:
    assert commands_of(remedy) == commands


def test_large_pages_stay_small() -> None:
    assert len(page_text(large_process()).encode()) < 400_000
    assert len(page_text(large_environment()).encode()) < 200_000


def test_the_same_diagnosis_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    write_page(large_process(), first)
    write_page(large_process(), second)
    assert first.read_bytes() == second.read_bytes()


def test_a_page_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    place.write_text("old")
    write_page(sample(), place)
    assert place.read_text(encoding="utf-8") == page_text(sample())
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_put_in_place_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    place = tmp_path / "page.html"
    place.write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        write_page(sample(), place)
    assert place.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_places_that_cannot_hold_a_page_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing is not a folder"):
        write_page(sample(), tmp_path / "missing" / "page.html")
    with pytest.raises(InputError, match="is a folder"):
        write_page(sample(), tmp_path)
