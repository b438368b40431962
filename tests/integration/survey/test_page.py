"""The report's page in a real browser: complete without a script, in the dark, narrow, on paper."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

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
