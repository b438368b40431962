"""More of what is fuzzed, as in `targets`: what lies in an environment, a cache, a command line.

An input is a framing (`framing`): its parts are files, answers or arguments.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import framing

from cxxrt_toolchain import cli
from cxxrt_toolchain.abi.manifest import RuntimeManifest
from cxxrt_toolchain.abi.symbols import read_cudart, read_releases, read_versions
from cxxrt_toolchain.backend.config import read_config
from cxxrt_toolchain.collect.environment.finder_modules import read_finder
from cxxrt_toolchain.collect.environment.installed import read_environment
from cxxrt_toolchain.collect.environment.reader import collect_environment
from cxxrt_toolchain.collect.imports.channel import parse_answer
from cxxrt_toolchain.collect.store import Store
from cxxrt_toolchain.errors import ToolchainError
from cxxrt_toolchain.facts.imports.run import Outcome, last_line, parse_trace
from cxxrt_toolchain.facts.objects import decode
from cxxrt_toolchain.host.describe import _read_answer
from cxxrt_toolchain.host.interpreter import Interpreter
from cxxrt_toolchain.report.diagnosis_text import show_diagnosis
from cxxrt_toolchain.report.documents import diagnosis_document
from cxxrt_toolchain.report.graph import draw
from cxxrt_toolchain.rules.scenes import judge
from cxxrt_toolchain.runtime.recipe_reader import load_component, load_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_FILES = 40
_COMMANDS = ("show", "check", "repair", "encode", "explain", "config", "runtime", "tags", "doctor")
_STARTING = ("pip", "build", "demo", "compiler", "doctor", "tags", "survey", "repair", "config")
"""Commands that start processes, write, or look at this machine: only their parsers are asked."""
_QUESTION: dict[str, Any] = {"epochs": {}, "packaging": None}


def environment(data: bytes, scratch: Path) -> None:
    """The parts as files of a site-packages folder: what the doctor says about it."""
    site = scratch / "site-packages"
    with _files(data, site):
        store = Store(scratch / "cache")
        found = read_environment(_interpreter(site), store)
        with contextlib.suppress(ToolchainError):
            facts = collect_environment(found, {}, store)
            diagnosis = draw(facts, judge(facts))
            json.dumps(diagnosis_document(diagnosis))
            with contextlib.redirect_stdout(io.StringIO()):
                show_diagnosis(diagnosis)
    for part in framing.decode(data):
        read_finder(part.content)


def channel(data: bytes, scratch: Path) -> None:
    """What children answer, and what the loader and faulthandler write beside it."""
    answer = scratch / "answer"
    answer.write_bytes(data)
    for question in (None, _QUESTION):
        found = _read_answer(answer, question)
        assert found is None or isinstance(found["path"], list)
    for line in data.split(b"\n"):
        reply = parse_answer(line, "q")
        if reply is not None and reply["outcome"] != "ready":
            Outcome(reply["outcome"])
            tuple(reply.get("causes", ()))
    text = data.decode("utf-8", "surrogateescape")
    parse_trace(text)
    last_line(text)


def cache(data: bytes, scratch: Path) -> None:
    """The parts as files of the store's folder; the last one as a row that was kept."""
    folder = scratch / "store"
    parts = framing.decode(data)
    with _files(data, folder):
        for kind in ("facts", "answers-environment", "x"):
            store = Store(folder)
            store.get(kind, "/site-packages/a.so", (1, 2, 3, 4, 5))
            store.put(kind, "/site-packages/a.so", (1, 2, 3, 4, 5), ("row",))
            store.save()
            kept = Store(folder).get(kind, "/site-packages/a.so", (1, 2, 3, 4, 5))
            assert kept in (None, ("row",))  # None: something lies where it would be written
    with contextlib.suppress(ValueError, RecursionError):
        row = _plain(json.loads(parts[-1].content if parts else b""))
        decode(row, "/a.so", 1, {})


def arguments(data: bytes, scratch: Path) -> None:
    """The parts as arguments of a command; the first one's flags choose it."""
    parts = framing.decode(data)[:8]
    if not parts:
        return
    name = _COMMANDS[parts[0].flags % len(_COMMANDS)]
    texts = [part.content.replace(b"\0", b"") for part in parts]  # execve(2) takes none with a NUL
    given = [text.decode("utf-8", "surrogateescape") for text in texts]
    if name in _STARTING or any(each in _STARTING for each in given):
        given.append("--help")
    wheel = scratch / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(b"no wheel")
    given = [str(wheel) if each == "WHEEL" else each for each in given]
    # What is written goes where the fuzzer may write.
    given = [each for each in given if not each.startswith(("-w", "--wheel-dir", "--html"))]
    out, complaints = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(scratch)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
            code = cli.main([name, *given])
    except SystemExit as stopped:  # argparse
        code = int(stopped.code or 0)
    finally:
        os.chdir(before)
    text = complaints.getvalue()
    assert code in (0, 1, 2, 3), (code, given)
    assert "Traceback" not in text
    assert "Please report this" not in text, text


def documents(data: bytes, scratch: Path) -> None:
    """A manifest, symbol tables, a recipe and a project's configuration."""
    text = data.decode("utf-8", "replace")
    readers: tuple[Callable[[], object], ...] = (
        lambda: RuntimeManifest.from_json(text),
        lambda: read_versions(data),
        lambda: read_cudart("cudart12.json", data),
        lambda: read_releases(data),
    )
    for read in readers:
        with contextlib.suppress(ToolchainError):
            read()
    recipe = scratch / "recipes" / "one"
    recipe.mkdir(parents=True, exist_ok=True)
    for file in (recipe / "recipe.toml", recipe.parent / "runtime.toml", recipe / "pyproject.toml"):
        file.write_bytes(data)
    for read in (
        lambda: load_component(recipe.parent, "one"),
        lambda: load_runtime(recipe.parent),
        lambda: read_config(recipe, None, {}),
        lambda: read_config(recipe, {"cxxrt.encoding": text}, {"CXXRT_BUILD_CUDA": text}),
    ):
        with contextlib.suppress(ToolchainError):
            read()


def _interpreter(site: Path) -> Interpreter:
    return Interpreter(
        executable=sys.executable,
        program=os.path.realpath(sys.executable),
        python="3.11.2",
        glibc="2.36",
        prefix="/usr",
        base_prefix="/usr",
        path=(str(site),),
    )


@contextlib.contextmanager
def _files(data: bytes, folder: Path) -> Iterator[None]:
    """The parts as files below a folder: a part's name is its path, as far as it can be one."""
    folder.mkdir()
    try:
        for part in framing.decode(data)[:_MOST_FILES]:
            path = os.path.normpath(b"/" + part.name.replace(b"\0", b"")).lstrip(b"/")
            target = folder / os.fsdecode(path)
            with contextlib.suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                if part.flags & framing.EXECUTABLE:
                    os.mkfifo(target)
                elif not target.exists():
                    target.write_bytes(part.content)
        yield
    finally:
        shutil.rmtree(folder)


def _plain(value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    """JSON's value with tuples for lists, as rows are."""
    return tuple(map(_plain, value)) if isinstance(value, list) else value


SURFACES: dict[str, Callable[[bytes, Path], None]] = {
    "environment": environment,
    "channel": channel,
    "cache": cache,
    "arguments": arguments,
    "documents": documents,
}
