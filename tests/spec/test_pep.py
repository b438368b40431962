"""The proposal has the form that an editor asks for, and says what the data and the code say.

Form: PEP 1 (headers), PEP 12 (sections, in the order of February 2026).
"""

from __future__ import annotations

import calendar
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import interpreter_matrix
import lock_matrix
import pep_figures
import pep_tables
import pytest
import runtime_matrix
import tool_matrix
from sentences import read_sentences

ROOT = Path(__file__).parents[2]
PROPOSAL = ROOT / "PEP-DRAFT.rst"
TEXT = PROPOSAL.read_text(encoding="utf-8")
HEAD, _, BODY = TEXT.partition("\n\n")
HEADERS = dict(re.findall(r"^([A-Z][A-Za-z-]+): ?(.*(?:\n[ ]+.*)*)", HEAD, re.MULTILINE))
HEADER_ORDER = (
    *("PEP", "Title", "Author", "Sponsor", "PEP-Delegate", "Discussions-To", "Status", "Type"),
    *("Topic", "Requires", "Created", "Python-Version", "Post-History", "Replaces"),
    *("Superseded-By", "Resolution"),
)
REQUIRED = {"PEP", "Title", "Author", "Status", "Type", "Created"}
SECTIONS = [
    *("Abstract", "Motivation", "Specification", "Rationale", "Backwards Compatibility"),
    *("Security Implications", "How to Teach This", "Reference Implementation"),
    *("Rejected Ideas", "Open Issues", "Acknowledgements", "Footnotes", "Change History"),
    "Copyright",
]
ABSTRACT_WORDS = range(100, 260)
PLAIN_ROLES = {"pep", "rfc"}


def section(title: str) -> str:
    return re.split(r"\n[^\n]+\n=+\n", BODY.split(f"\n{title}\n{'=' * len(title)}\n")[1])[0]


def test_the_headers_are_known_complete_and_in_order() -> None:
    assert list(HEADERS) == [name for name in HEADER_ORDER if name in HEADERS]
    assert set(HEADERS) >= REQUIRED


def test_the_header_values_have_their_form() -> None:
    assert len(HEADERS["Title"]) <= 79
    assert HEADERS["Status"] == "Draft"
    assert HEADERS["Type"] == "Standards Track"
    assert HEADERS["Topic"] == "Packaging"
    day, month, year = HEADERS["Created"].split("-")
    assert month in calendar.month_abbr[1:]
    assert (len(day), len(year)) == (2, 4)


def test_the_sections_are_those_of_the_template_in_their_order() -> None:
    assert re.findall(r"\n([^\n]+)\n={3,}\n", f"\n{BODY}") == SECTIONS


def test_an_underline_is_as_long_as_its_title() -> None:
    headings = re.findall(r"\n\n([A-Za-z][^\n]+)\n(={3,}|-{3,})\n", TEXT)
    assert [title for title, line in headings if len(title) != len(line)] == []


def test_the_abstract_is_short_and_the_copyright_is_the_exact_sentence() -> None:
    assert len(section("Abstract").split()) in ABSTRACT_WORDS
    assert " ".join(section("Copyright").split()) == (
        "This document is placed in the public domain or under the CC0-1.0-Universal license, "
        "whichever is more permissive."
    )


def test_the_length_is_that_of_a_proposal() -> None:
    assert 600 <= len(TEXT.splitlines()) <= 780


def test_lines_fit_and_hold_no_tab_or_trailing_space() -> None:
    for number, line in enumerate(TEXT.splitlines(), 1):
        assert line == line.rstrip(), number
        assert "\t" not in line, number
        assert len(line) <= 79 or re.match(r"\.\. _|[= ]+$", line), number


def test_only_roles_that_plain_docutils_knows_are_used() -> None:
    assert set(re.findall(r":([a-z:]+):`", TEXT)) <= PLAIN_ROLES


def test_other_proposals_are_named_by_role_and_not_by_address() -> None:
    assert re.findall(r"(?:peps\.python\.org|python\.org/dev/peps|datatracker\.ietf)", TEXT) == []


def test_the_tables_are_current() -> None:
    assert pep_tables.rendered(TEXT) == TEXT


def test_the_epoch_in_the_text_is_that_of_the_data() -> None:
    path = ROOT / "abi-tag-spec" / "cxxrt_abi_tag_spec" / "tags.json"
    ((number, epoch),) = json.loads(path.read_text(encoding="utf-8"))["epochs"].items()
    architectures, majors = (
        " and ".join(map(str, epoch[key])) for key in ("architectures", "cuda_majors")
    )
    assert (
        f"Epoch {number} has the string ABI ``{epoch['string_abi']}``, the glibc floor "
        f"{epoch['glibc_floor']}, the architectures {architectures}, and the CUDA majors {majors}."
    ) in " ".join(TEXT.split())


def test_the_pairs_in_the_text_are_those_of_the_survey() -> None:
    counts = pep_tables.survey_counts()
    said = r"libraries: (\d+)\s+pairs[^.]*?, (\d+) two libquadmath,\s+and (\d+)"
    (words,) = re.findall(said, TEXT)
    copies = [counts[f"bundle {name}"][0] for name in ("libgomp", "libquadmath")]
    report = (pep_tables.ROOT / "tests/proof/survey/headline.txt").read_text(encoding="utf-8")
    (unique,) = re.findall(r"(\d+) both define the same STB_GNU_UNIQUE", report)
    pairs = [str(n * (n - 1) // 2) for n in copies]
    assert list(words) == [*pairs, unique]


def test_every_sentence_id_exists() -> None:
    named = set(re.findall(r"\b([A-Z]-[1-9][0-9]*[a-z]?)\b", BODY)) - {"C-1"}
    assert named - {sentence.id for sentence in read_sentences()} == set()


def test_every_command_of_a_footnote_exists() -> None:
    text = " ".join(section("Footnotes").split())
    paths = re.findall(r"\b((?:tests|abi-tag-spec)/[\w/.-]*\w)", text)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_footnote_and_link_is_used() -> None:
    footnotes = (r"\[(#\w+)\]_", r"^\.\. \[(#\w+)\]")
    links = (r"`([\w#]+)`_", r"^\.\. _([\w#]+):")
    for use, target in (footnotes, links):
        assert set(re.findall(use, TEXT)) == set(re.findall(target, TEXT, re.MULTILINE))


def test_the_figures_are_current() -> None:
    assert pep_figures.stale() == []


def test_every_release_of_uv_reads_the_locks_of_the_others_alike() -> None:
    found = json.loads(lock_matrix.RECORDED.read_text(encoding="utf-8"))
    assert set(found["readers"]) == set(lock_matrix.WRITERS)
    for read in found["readers"].values():
        assert len(read) == len(lock_matrix.UV_RELEASES) + 1
        assert set(read.values()) == {"plain"}


def test_the_matrix_of_tools_has_every_encoding_for_every_tool() -> None:
    rows = json.loads(tool_matrix.RECORDED.read_text(encoding="utf-8"))
    for tool, row in rows.items():
        assert set(row) - {"release"} == set(tool_matrix.endings()), tool


def test_pip_and_uv_do_alike_for_interpreters_with_another_abi() -> None:
    rows = json.loads(interpreter_matrix.RECORDED.read_text(encoding="utf-8"))
    here = json.loads(tool_matrix.RECORDED.read_text(encoding="utf-8"))
    assert {tool.split()[0] for tool in rows} == {"pip", "uv"}
    for tool, row in rows.items():
        alike = {name: row[name] for name in row if name != interpreter_matrix.NAME}
        newest = [name for name in here if name.split()[0] == tool.split()[0] and "," not in name]
        assert alike == here[newest[-1]], tool


@pytest.mark.isolated
def test_the_tools_of_this_environment_still_do_what_the_matrix_says() -> None:
    """By the tool's name without its version: a newer one that behaves alike is no news."""

    def name(tool: str) -> str:
        return re.sub(r" [0-9.]+", "", tool)

    rows = json.loads(tool_matrix.RECORDED.read_text(encoding="utf-8"))
    old = {" ".join(requirement.split("==")) for requirement in tool_matrix.OLD}
    recorded = {name(tool): row for tool, row in rows.items() if tool not in old}
    for tool in tool_matrix.present_tools():
        assert tool_matrix.measure(tool) == recorded[name(tool.name)], tool.name


LINTERS = {
    "docutils": ("--reader=pep", "--report=1", "--halt=2", "--strip-comments"),
    "sphinxlint": ("--disable=trailing-whitespace",),
    "codespell_lib": (),
}


@pytest.mark.parametrize("module", LINTERS)
def test_a_linter_finds_nothing(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}: pip install 'cxxrt-toolchain[lint]'")
    done = subprocess.run(
        [sys.executable, "-m", module, *LINTERS[module], str(PROPOSAL)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if module == "docutils":
        assert 'class="system-message' not in done.stdout
        assert done.stdout.count("<h2>") >= len(SECTIONS)


@pytest.mark.compile
@pytest.mark.runtime
def test_two_runtimes_in_a_process_still_do_what_the_matrix_says() -> None:
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: apt-get install g++")
    with tempfile.TemporaryDirectory() as folder:
        built = subprocess.run(
            [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "-w", folder],
            capture_output=True,
            text=True,
            check=True,
        )
        found = runtime_matrix.measure(Path(built.stdout.splitlines()[-1]))
    recorded = json.loads(runtime_matrix.RECORDED.read_text(encoding="utf-8"))
    assert runtime_matrix.works(found) == runtime_matrix.works(recorded)
