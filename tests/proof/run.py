"""The proof on published wheels.

``run.py prove [--only GLOB]``   run the cases that have no result yet, then write the tables
``run.py doctor [--only GLOB]``  ask ``cxxrt doctor`` about the same environments and imports
``run.py report``                write the tables anew from the results file
``run.py pin PYTHON NAME==VERSION…``  pin published files

Everything that is fetched and unpacked lies in the cache (``--cache``, ``CXXRT_PROOF_CACHE``;
default: ``cxxrt/proof`` in the user's cache directory): about 20 GB.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from realwheels.cases import Case, load_catalogue  # noqa: E402 - after the path that finds it
from realwheels.environments import Environments  # noqa: E402 - needs the path above
from realwheels.pins import ProofError, add_pins, resolve  # noqa: E402 - needs the path above
from realwheels.prove import CaseResult, Prover  # noqa: E402 - needs the path above
from realwheels.report import write_report  # noqa: E402 - needs the path above
from realwheels.results import Results  # noqa: E402 - needs the path above


def main() -> int:
    """Run a command; 1 where something ended otherwise than the tables of cases say."""
    args = _parser().parse_args()
    try:
        return int(args.run(args))
    except ProofError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, run in (("prove", _prove), ("doctor", _doctor), ("report", _report)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("--only", metavar="GLOB", action="append", default=[])
        command.add_argument("--again", action="store_true", help="also those that have a result")
        command.add_argument("--cache", type=Path, default=_default_cache())
        command.add_argument("--runtime", type=Path, help="runtime wheel; default: built, cached")
        command.add_argument("--results", type=Path, default=HERE / "results.json")
        command.add_argument("--report", type=Path, default=HERE / "RESULTS.md")
        command.add_argument("--no-frames", action="store_true", help="do not ask gdb")
    pin = commands.add_parser("pin")
    pin.set_defaults(run=_pin)
    pin.add_argument("python", metavar="PYTHON")
    pin.add_argument("requirements", metavar="NAME==VERSION", nargs="+")
    pin.add_argument("--with-dependencies", action="store_true")
    return parser


def _prove(args: argparse.Namespace) -> int:
    results = Results(args.results)
    prover = Prover(_environments(args), args.cache, frames=not args.no_frames)
    unexpected = 0
    for case in _chosen(args.only):
        result = None if args.again else results.get(case)
        started = time.monotonic()
        if result is None:
            result = prover.prove(case)
            results.put(result)
        _say(result, time.monotonic() - started)
        unexpected += not result.as_expected
    results.document["host"] = _host()
    results.write()
    write_report(args.report, load_catalogue(), results)
    return int(unexpected > 0)


def _doctor(args: argparse.Namespace) -> int:
    from realwheels.doctor import Doctor  # noqa: PLC0415 - only this command needs the doctor

    results = Results(args.results)
    doctor = Doctor(_environments(args))
    wrong = 0
    for case in _chosen(args.only):
        answer = None if args.again else results.get_answer(case)
        if answer is None:
            answer = doctor.ask(case)
            results.put_answer(case, answer)
        print(f"{'right' if answer.right else 'WRONG':6} {case.id}: {answer.summary}", flush=True)
        wrong += not answer.right
    write_report(args.report, load_catalogue(), results)
    return int(wrong > 0)


def _report(args: argparse.Namespace) -> int:
    write_report(args.report, load_catalogue(), Results(args.results))
    return 0


def _pin(args: argparse.Namespace) -> int:
    pins = resolve(args.python, args.requirements, with_dependencies=args.with_dependencies)
    add_pins(args.python, pins)
    print(*pins, sep="\n")
    return 0


def _chosen(globs: list[str]) -> list[Case]:
    cases = load_catalogue().cases
    found = [
        case
        for case in cases
        if not globs
        or any(fnmatchcase(case.id, each) or fnmatchcase(case.family, each) for each in globs)
    ]
    if not found:
        raise ProofError(f"no case matches {', '.join(globs)}.")
    return found


def _environments(args: argparse.Namespace) -> Environments:
    return Environments(args.cache, args.runtime or _build_runtime(args.cache))


def _build_runtime(cache: Path) -> Path:
    command = [sys.executable, "-m", "cxxrt_toolchain", "runtime", "build", "--arch", "x86_64"]
    done = subprocess.run(
        [*command, "-w", str(cache / "runtime-wheel")], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProofError(f"the runtime wheel cannot be built: {done.stderr.strip()[-300:]}")
    return Path(done.stdout.splitlines()[-1])


def _default_cache() -> Path:
    own = os.environ.get("CXXRT_PROOF_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(own) if own else Path(base, "cxxrt", "proof")


def _host() -> dict[str, str]:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or "unknown"
    return {"machine": platform.machine(), "libc": libc, "date": time.strftime("%Y-%m-%d")}


def _say(result: CaseResult, seconds: float) -> None:
    print(f"{result.case.id} ({seconds:.0f} s)", flush=True)
    for way in result.ways:
        mark = "" if way.as_expected else f"   NOT {' or '.join(way.expected.outcomes)}"
        details = {each.detail for each in way.outcomes if each.detail and each.kind != "refused"}
        print(f"    {way.way}: {way.summary} {' | '.join(sorted(details))}{mark}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
