"""The report's page in a real browser: complete without a script, in the dark, narrow, on paper."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright
from survey_wheels import write

from cxxrt_toolchain.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (apt install chromium)"),
]
_GROUND = "getComputedStyle(document.body).backgroundColor"
_WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def page_file(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    rows = str(folder / "rows")
    main(["survey", "plan", str(wheels), "-o", rows])
    main(["survey", "run", rows, "--level", "full", "-j", "1"])
    main(["survey", "report", rows, "--html", str(folder / "page.html")])
    return folder / "page.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_the_page_loads_nothing_and_says_what_the_rows_say(
    page_file: Path, browser: Browser
) -> None:
    page = browser.new_page()
    problems: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert problems == []
    assert asked == [page_file.as_uri()]
    assert page.locator("h1").inner_text().startswith("17 wheels of 16 projects")
    row = page.locator("#shares tbody tr", has_text="bundle libgomp")
    assert row.locator("td").all_inner_texts()[:2] == ["3", "15"]
    hit = page.locator(".matrix td.hit").first
    assert (
        hit.get_attribute("aria-label") == "p0 and p4: both bundle a copy of one runtime: libgomp"
    )
    assert page.locator(".matrix td.hit").count() == 8  # three pairs of copies, one of symbols
    bars = page.locator("svg.chart rect.fill").count()
    assert bars == page.locator("#shares tbody tr").count()


def test_it_is_whole_without_a_script_and_by_keyboard(page_file: Path, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(page_file.as_uri())
    assert page.locator("table").count() >= 5
    page = browser.new_page()
    page.goto(page_file.as_uri())
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert {"shares", "Matrix of collisions"} <= seen


def test_light_dark_narrow_and_paper(page_file: Path, browser: Browser) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        page = browser.new_context(color_scheme=scheme).new_page()
        page.goto(page_file.as_uri())
        grounds.add(page.evaluate(_GROUND))
    assert len(grounds) == 2
    narrow = browser.new_page(viewport={"width": 390, "height": 800})
    narrow.goto(page_file.as_uri())
    assert narrow.evaluate(_WIDTH) <= 390
    narrow.emulate_media(media="print")
    assert not narrow.locator("header.bar").is_visible()
    assert len(narrow.pdf()) > 10_000


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of many colliding projects, each with downloads."""
    folder = tmp_path_factory.mktemp("weighted")
    names = [f"project-with-a-name-{number}" for number in range(30)]
    for number, name in enumerate(names):
        stem = name.replace("-", "_")
        write(folder, stem, {f"{stem}.libs/libgomp-{number:08x}.so.1": b"x"})
    lines = [f"{name},{10**6 * (number + 2)}\n" for number, name in enumerate(names)]
    (folder / "downloads.csv").write_text("project,downloads\n" + "".join(lines))
    rows, plan = str(folder / "rows"), ["--downloads", str(folder / "downloads.csv")]
    main(["survey", "plan", str(folder), "-o", rows, *plan])
    main(["survey", "run", rows, "-j", "1"])
    main(["survey", "report", rows, "--html", str(folder / "page.html")])
    return folder / "page.html"


def test_numbers_are_read_and_sorted_as_numbers(weighted: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(weighted.as_uri())
    assert "\\u" not in page.locator("body").inner_text()
    cells = page.locator("#kinds tbody td").all_inner_texts()
    assert cells[1:] == ["435", "30", f"{sum(10**6 * (n + 2) * (29 - n) for n in range(30)):,}"]
    page.locator("#culprits thead button", has_text="Weight").click()
    shown = page.locator("#culprits tbody td:nth-child(3)").all_inner_texts()
    weights = [int(text.replace(",", "")) for text in shown]
    assert weights == sorted(weights)
    assert len(set(weights)) > 20


def test_nothing_is_cut_narrow_or_on_paper(weighted: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(weighted.as_uri())
    cell = page.locator("#culprits tbody td").first
    said = cell.evaluate("node => getComputedStyle(node, '::before').content")
    assert "Partners" in said
    assert page.locator("svg.chart").first.evaluate("node => node.clientWidth") >= 600
    outside = "nodes => nodes.filter(node => node.getBBox().x < 0).map(node => node.textContent)"
    assert page.locator("svg.chart text").evaluate_all(outside) == []
    paper = browser.new_page(viewport={"width": 700, "height": 1000})  # A4 without its margins
    paper.emulate_media(media="print")
    paper.goto(weighted.as_uri())
    for table in ("table.matrix", "#culprits", "#shares"):
        assert paper.locator(table).evaluate("node => node.scrollWidth") <= 700
