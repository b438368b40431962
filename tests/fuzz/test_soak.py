"""Ten minutes of random wheels: repair, check, encode and back; what one makes, the others accept.

``CXXRT_SOAK`` is another number of seconds. A failure names the seed of its wheel.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from typing import TYPE_CHECKING

import framing
import pytest
import seeds
import targets

from cxxrt_toolchain import cli
from cxxrt_toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = float(os.environ.get("CXXRT_SOAK") or 600)


@pytest.mark.fuzz
def test_what_one_command_writes_the_others_accept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheels = [framing.decode(each) for each in seeds.flows()]
    tried = written = 0
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        seed = tried
        tried += 1
        folder = tmp_path / "wheel"
        folder.mkdir()
        try:
            wheel = targets._write(_mixed(wheels, random.Random(seed)), folder)  # noqa: S311 - a seed
        except (ToolchainError, ValueError, OSError):
            continue  # no name of a wheel, or none that a file can have
        else:
            try:
                written += _walk(wheel, tmp_path / "out")
            except AssertionError as error:
                kept = shutil.copy(wheel, tmp_path)
                raise AssertionError(f"seed {seed}, {kept}: {error}") from error
        finally:
            shutil.rmtree(folder)
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            capsys.readouterr()
    assert written, f"none of {tried} wheels was repaired"


def _mixed(wheels: list[list[framing.Part]], choice: random.Random) -> list[framing.Part]:
    """A wheel with some members of another one, dropped, doubled or damaged ones."""
    parts, other = list(choice.choice(wheels)), choice.choice(wheels)
    for _ in range(choice.randrange(4)):
        at = choice.randrange(1, len(parts))
        match choice.randrange(4):
            case 0:
                parts.insert(at, choice.choice(other[1:]))
            case 1 if len(parts) > 2:
                del parts[at]
            case 2:
                content = bytearray(parts[at].content)
                for _ in range(choice.randrange(1, 4)):
                    if content:
                        content[choice.randrange(len(content))] = choice.randrange(256)
                parts[at] = parts[at]._replace(content=bytes(content))
            case _:
                parts[at] = parts[at]._replace(flags=choice.randrange(8))
    return parts


def _walk(wheel: Path, out: Path) -> int:
    """1 if a wheel was written, and all that has to hold of it does."""
    before = wheel.read_bytes()
    foretold = _run("repair", "--no-graft", "--dry-run", str(wheel))
    code = _run("repair", "--no-graft", "-w", str(out / "1"), str(wheel))
    assert code == foretold, "--dry-run foretold another exit"
    assert wheel.read_bytes() == before
    found = list((out / "1").glob("*")) if (out / "1").is_dir() else []
    if code:
        assert not found, f"exit {code} left {found}"
        return 0
    (repaired,) = found
    assert _run("check", str(repaired)) == 0, "check does not accept what repair wrote"
    assert _run("repair", "--no-graft", "-w", str(out / "2"), str(repaired)) == 0
    (again,) = (out / "2").iterdir()
    assert (again.name, again.read_bytes()) == (repaired.name, repaired.read_bytes())
    there_and_back = ("plain", "tag") if "-cxxrt" in repaired.name else ("tag", "plain")
    for encoding in there_and_back:
        target = out / encoding
        if _run("encode", "--to", encoding, "-w", str(target), str(again)):
            return 1  # a wheel that needs no runtime has no other form
        (again,) = (each for each in target.glob("*.whl"))
        assert _run("check", str(again)) == 0, f"check does not accept {again.name}"
    assert again.read_bytes() == repaired.read_bytes(), "there and back is another wheel"
    return 1


def _run(*arguments: str) -> int:
    code = cli.main(arguments)
    assert code in (0, 1, 2, 3)
    return code
