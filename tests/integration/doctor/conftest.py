"""A headless chromium for the doctor's page, and a workshop for packages that break each other."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from machine import need_extension_builder

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "doctor"))
sys.path.insert(0, str(Path(__file__).parent))

from doctor_workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from cxxrt_toolchain.report.diagnosis import Diagnosis

_FLAGS = (
    "--no-sandbox",  # CI runs as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's chromium, in a new empty profile."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium; Debian and Ubuntu: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()


@dataclass
class Opener:
    """Opens diagnoses as pages, and remembers what the console said and what was requested."""

    browser: Browser
    folder: Path
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def __call__(self, diagnosis: Diagnosis, **options: Any) -> Page:  # noqa: ANN401 - playwright's
        from cxxrt_toolchain.report.page.document import write_page  # noqa: PLC0415 - by one test

        place = self.folder / "page.html"
        write_page(diagnosis, place)
        options.setdefault("viewport", {"width": 1360, "height": 900})
        page = self.browser.new_context(**options).new_page()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))
        page.goto(place.as_uri())
        return page


@pytest.fixture
def open_page(chromium: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Open a page; afterwards nothing may have been complained of, nor fetched."""
    opener = Opener(chromium, tmp_path)
    yield opener
    for context in chromium.contexts:
        context.close()
    assert opener.said == []
    assert {url.partition("#")[0] for url in opener.requested} <= {
        (tmp_path / "page.html").as_uri()
    }


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A place for packages, which children import from."""
    need_extension_builder()
    made = Workshop(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(made.site))
    return made
