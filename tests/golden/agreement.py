"""What must hold between ``repair``, its dry run, ``encode`` and ``check``, for any wheel."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, NamedTuple

from cxxrt_toolchain.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADVICE = "'cxxrt repair"
"""How remedies name the command."""


class _Done(NamedTuple):
    code: int
    output: str
    files: tuple[Path, ...]
    """What is in the folder for new wheels."""


def disagreements(wheel: Path, folder: Path, *options: str) -> Iterator[str]:
    """A sentence for everything that does not hold; nothing for a wheel where all does.

    Args:
        wheel: Any wheel.
        folder: An empty folder.
        options: Of ``cxxrt repair``.
    """
    before = wheel.read_bytes()
    dry = _run(None, "repair", "--dry-run", *options, str(wheel))
    done = _run(folder / "once", "repair", *options, str(wheel))
    if dry.code != done.code:
        yield f"the dry run ends with {dry.code}, the real one with {done.code}: {done.output}"
    if wheel.read_bytes() != before:
        yield "the input was changed"
    if done.code:
        if done.files:
            yield f"a repair that ends with {done.code} leaves {done.files[0].name}"
        if done.code == 1 and ADVICE in done.output:
            yield f"the repair advises itself: {done.output}"
    else:
        yield from _accepted(done.files, "the repaired wheel")
        yield from _repaired(done.files[0], folder, options)
    yield from _encoded(wheel, folder / "as-it-is")


def _repaired(wheel: Path, folder: Path, options: tuple[str, ...]) -> Iterator[str]:
    again = _run(folder / "twice", "repair", *options, str(wheel))
    if again.code:
        yield f"a second repair ends with {again.code}: {again.output}"
    elif again.files[0].name != wheel.name:
        yield f"a second repair names it {again.files[0].name}, the first one {wheel.name}"
    elif again.files[0].read_bytes() != wheel.read_bytes():
        yield "a second repair gives other bytes"
    advice = [
        line for line in _run(None, "check", str(wheel)).output.splitlines() if ADVICE in line
    ]
    if advice:
        yield f"check advises to repair what was repaired: {advice}"
    yield from _encoded(wheel, folder / "encoded")


def _encoded(wheel: Path, folder: Path) -> Iterator[str]:
    for encoding in ("tag", "plain", "variant"):
        done = _run(folder / encoding, "encode", "--to", encoding, str(wheel))
        wheels = tuple(each for each in done.files if each.suffix == ".whl")
        if done.code:
            if done.files:
                yield f"encode --to {encoding} ends with {done.code} and leaves {done.files[0]}"
        else:
            yield from _accepted(wheels, f"the wheel of encode --to {encoding}")


def _accepted(wheels: tuple[Path, ...], what: str) -> Iterator[str]:
    if len(wheels) != 1:
        yield f"{what} is not one file but {len(wheels)}"
    elif (checked := _run(None, "check", str(wheels[0]))).code:
        yield f"check rejects {what}: {checked.output}"


def _run(folder: Path | None, *arguments: str) -> _Done:
    output = io.StringIO()
    target = () if folder is None else ("-w", str(folder))
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            code = main([*arguments, *target])
        except SystemExit as end:
            code = int(end.code or 0)
    files = sorted(folder.iterdir()) if folder is not None and folder.is_dir() else []
    return _Done(code, output.getvalue(), tuple(files))
