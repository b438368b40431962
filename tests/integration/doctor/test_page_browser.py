"""The doctor's page in a real browser: by keyboard, without scripts, in the dark, on paper."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from large_diagnosis import large_environment, large_process
from sample_diagnosis import PRIVATE, sample

from cxxrt_toolchain.report.demangle import readable
from cxxrt_toolchain.report.page.graph import draw_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from cxxrt_toolchain.report.diagnosis import Diagnosis

    Opener = Callable[..., Page]

pytestmark = pytest.mark.browser

_FOCUSED = """() => {
    const here = document.activeElement;
    const finding = here.closest('li.finding');
    const kind = here === document.body ? 'nothing' : here.className.baseVal ?? here.className;
    return [here.id, finding ? finding.id : '', kind];
}"""
_MARKED = """() => {
    const here = document.activeElement;
    const box = here.querySelector(':scope > .box');
    const style = getComputedStyle(here);
    const outline = style.outlineStyle + style.outlineWidth;
    return box ? `box ${getComputedStyle(box).strokeWidth}` : outline;
}"""
_GROUND = "getComputedStyle(document.body).backgroundColor"
_OVERLAPS = """() => {
    const boxes = [...document.querySelectorAll('#graph .box')].map(b => b.getBoundingClientRect());
    const beside = (a, b) => a.left >= b.right || b.left >= a.right;
    const hits = (a, b) => !beside(a, b) && a.top < b.bottom && b.top < a.bottom;
    return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => hits(a, b))).length;
}"""
_OVERFLOWS = """() => [...document.querySelectorAll('#graph a.node')].filter(node => {
    const box = node.querySelector('.box').getBoundingClientRect();
    return [...node.querySelectorAll('text')].some(text => {
        const words = text.getBoundingClientRect();
        return words.right > box.right || words.left < box.left || words.bottom > box.bottom;
    });
}).map(node => node.textContent)"""


def walk(page: Page) -> list[tuple[str, str, str]]:
    """What has the focus after each press of Tab: its id, its finding, its classes."""
    seen = []
    for _ in range(900):
        page.keyboard.press("Tab")
        anchor, finding, kind = page.evaluate(_FOCUSED)
        seen.append((anchor, finding, kind))
        if kind == "nothing":
            break
    return seen


def test_the_keyboard_reaches_every_finding_and_every_box(open_page: Opener) -> None:
    diagnosis = large_environment()
    page = open_page(diagnosis)
    seen = walk(page)
    assert "skip" in seen[0][2], "the first stop is the way past everything"
    findings = [finding for _, finding, _ in seen if finding]
    assert list(dict.fromkeys(findings)) == [f"f{at}" for at in range(1, 6)], "worst first"
    boxes = [anchor for anchor, _, kind in seen if "node" in kind.split()]
    assert sorted(boxes) == sorted(f"n{at + 1}" for at in range(len(draw_graph(diagnosis).nodes)))


def test_the_focus_can_be_seen(open_page: Opener) -> None:
    page = open_page(sample())
    page.keyboard.press("Tab")
    skip = page.locator(".skip").first
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0, "comes into view with the focus"
    widths = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        widths.add(page.evaluate(_MARKED))
    assert widths == {"solid3px", "box 3.5px"}


def test_focus_lights_what_belongs_together_and_names_its_symbols(open_page: Opener) -> None:
    page = open_page(sample())
    page.locator("a.node", has_text="victim").first.focus()
    lit = page.locator("a.node.lit .name").all_text_contents()
    assert sorted(lit) == ["core.so", "libstdc++-maker.so.6", "libstdc++.so.6", "victim"]
    assert page.locator("path.link.lit.binds.serious").count() == 1
    assert page.locator("a.node:not(.lit)").count() == 2
    page.locator("a.node.runtimes.culprit").focus()
    panel = page.locator("#panel")
    assert "libstdc++-maker.so.6" in panel.inner_text()
    assert "Captures symbols of" in panel.inner_text()
    mangled = "_ZNSt7num_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEE2idE"
    assert readable(mangled) in panel.inner_text()
    assert panel.get_attribute("aria-live") == "polite"


def test_pointing_lights_a_click_pins_and_escape_lets_go(open_page: Opener) -> None:
    page = open_page(sample())
    page.locator("a.node", has_text="camera.so").hover()
    assert "camera.so" in page.locator("#panel").inner_text()
    page.locator("h1").hover()
    assert page.locator("svg.busy").count() == 0
    page.locator("a.node", has_text="camera.so").click()
    page.locator("h1").hover()
    assert page.locator("svg.busy a.node.chosen .name").all_text_contents() == ["camera.so"]
    page.locator("h1").click()
    page.keyboard.press("Escape")
    assert page.locator("svg.busy").count() == 0


def test_enter_goes_from_a_box_to_its_text_and_escape_back(open_page: Opener) -> None:
    page = open_page(sample())
    page.locator("a.node", has_text="camera.so").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "camera.so"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "maker"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.querySelector('.name').textContent") == "camera.so"


def test_arrow_keys_move_between_boxes(open_page: Opener) -> None:
    page = open_page(sample())
    page.locator("a.node.packages").first.focus()
    visited = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        visited.append(page.evaluate("document.activeElement.querySelector('.name').textContent"))
    assert visited == [
        "camera.so", "libstdc++-maker.so.6", "libstdc++.so.6", "core.so", "victim", "maker",
    ]  # fmt: skip


def test_a_link_in_a_finding_chooses_the_box(open_page: Opener) -> None:
    page = open_page(sample())
    page.locator(".who a", has_text="maker").click()
    assert page.evaluate("document.activeElement.querySelector('.name').textContent") == "maker"
    assert page.locator("a.node.chosen").count() == 1


def visible_rows(page: Page) -> list[str]:
    found: list[str] = page.locator("#libraries-table tbody tr:visible th").all_text_contents()
    return found


def test_the_filter_narrows_the_table_and_counts(open_page: Opener) -> None:
    page = open_page(large_process())
    total = len(large_process().libraries)
    page.locator("#filter").fill("pymomentum libstdc++")
    assert visible_rows(page) == ["libstdc++-pymomentum.so.6"]
    assert page.locator("#matches").inner_text() == f"1 of {total}"
    page.locator("#filter").fill("no such thing")
    assert visible_rows(page) == []
    page.locator("#filter").fill("")
    page.get_by_label("runtimes only").check()
    assert len(visible_rows(page)) == sum(
        bool(each.family or each.static) for each in large_process().libraries
    )
    # A link to a row that is hidden shows it.
    page.locator("#filter").fill("no such thing")
    page.locator("#f1 .evidence a").first.click()
    assert page.locator("tr:target").is_visible()


def test_a_column_sorts_up_down_and_back(open_page: Opener) -> None:
    page = open_page(sample())
    before = visible_rows(page)
    head = page.locator("#libraries-table th", has_text="Library")
    button = head.locator("button")
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert visible_rows(page) == sorted(before)
    page.keyboard.press("Enter")
    assert visible_rows(page) == sorted(before, reverse=True)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert visible_rows(page) == before
    page.locator("#libraries-table th", has_text="#").locator("button").click()
    numbers = page.locator("#libraries-table td.number").all_text_contents()
    assert numbers == ["1", "2", "3", "4"]


def test_a_command_is_copied(open_page: Opener) -> None:
    page = open_page(sample(), permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: import cxx11_cuda_runtime").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "import cxx11_cuda_runtime"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_can_be_switched(open_page: Opener, scheme: str) -> None:
    grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}
    other = "dark" if scheme == "light" else "light"
    page = open_page(sample(), color_scheme=scheme)
    assert page.evaluate(_GROUND) == grounds[scheme]
    page.locator("#theme").click()
    assert page.evaluate(_GROUND) == grounds[other]
    page.reload()
    assert page.evaluate(_GROUND) == grounds[other], "remembered"


def test_without_scripts_everything_can_be_read_and_reached(open_page: Opener) -> None:
    page = open_page(sample(), java_script_enabled=False)
    assert page.locator("#graph-text").get_by_text("Captures symbols of").is_visible()
    assert page.locator("#libraries-table tbody tr").count() == 4
    for control in ("#theme", ".filter", "#panel", "button"):
        assert page.locator(control).locator("visible=true").count() == 0, control
    page.locator("a.node.culprit.packages").click()
    assert page.url.endswith("#tn1")
    rule = page.locator("details.rule")
    assert not rule.locator(".catalogue").is_visible()
    rule.locator("summary").click()
    assert rule.locator(".catalogue").is_visible()


@pytest.mark.parametrize("diagnosis", [sample(), large_environment(), large_process()],
                         ids=["sample", "environment", "process"])  # fmt: skip
def test_texts_fit_their_boxes_and_boxes_keep_apart(
    open_page: Opener, diagnosis: Diagnosis
) -> None:
    page = open_page(diagnosis)
    assert page.evaluate(_OVERLAPS) == 0
    assert page.evaluate(_OVERFLOWS) == []


@pytest.mark.parametrize("width", [360, 768, 1024, 1920])
def test_no_width_makes_the_page_scroll_sideways(open_page: Opener, width: int) -> None:
    page = open_page(large_process(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_long_names_do_not_widen_a_narrow_page(open_page: Opener) -> None:
    long = "a_very_long_name_without_a_break_" * 6
    finding = replace(
        sample().findings[0], message=long, evidence=(long,), remedies=(f"pip install {long}",)
    )
    diagnosis = replace(sample(), title=long, variables=((long, long),), findings=(finding,))
    page = open_page(diagnosis, viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_print_shows_what_is_folded_and_hides_controls(open_page: Opener) -> None:
    page = open_page(sample(), color_scheme="dark", java_script_enabled=False)
    page.emulate_media(media="print")
    assert page.evaluate(_GROUND) == "rgb(255, 255, 255)", "no dark ground on paper"
    assert page.locator("details.rule .catalogue").is_visible()
    assert not page.locator("header.bar").is_visible()
    content = page.pdf(format="A4", prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") <= 6


def test_pictures_of_every_kind_have_something_in_them(open_page: Opener) -> None:
    """Light, dark and narrow differ, and the drawing has ink: no blank screenshot."""
    shots = set()
    for options in (
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 360, "height": 800}},
    ):
        page = open_page(sample(), **options)
        drawing = page.locator("#graph")
        drawing.scroll_into_view_if_needed()
        shot = page.screenshot()
        assert len(shot) > 20_000, "a blank page compresses to less"
        shots.add(shot)
    assert len(shots) == 3


def test_the_same_page_looks_the_same_twice(open_page: Opener) -> None:
    shots = [open_page(sample()).screenshot(full_page=True) for _ in range(2)]
    assert shots[0] == shots[1]


def test_the_private_copy_is_reachable_from_its_finding(open_page: Opener) -> None:
    page = open_page(sample())
    page.locator("#f1 .evidence a", has_text="libstdc++-maker").click()
    assert PRIVATE in page.locator("tr:target").inner_text()
