"""Ask two implementations of the specification the same mutated questions; compare the answers.

In: the inputs of the vectors, a count, a seed. Out: the questions that were answered differently,
or not at all. The first implementation is this one, in process; the other is a command that speaks
the protocol of ``abi-tag-spec/vectors/README.md``.

    python tests/spec/differential.py 100000 1 -- node ANSWER.mjs
"""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import answer

from cxxrt_abi_tag_spec.conformance import VECTORS, load_vectors, question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Question = dict[str, Any]
_NOT_ASKED = ("schema",)
"""A JSON Schema library answers it: the other implementations do not claim it."""
_FEW = {"policy": 8}
"""Of these one in so many is asked: each is a whole wheel for this implementation."""
_CHARACTERS = "019azAZ_-.+:/ \t\n()<>=,!;[]{}$\"'\\é١１😀\x00cxrtu"
_WORDS = (
    *(
        "cxxrt1",
        "cxxrt1_cu12",
        "_cu13",
        "cxxrt",
        "CXXRT1",
        "_cp312",
        "cp312",
        "abi3",
        "none",
        "cu12",
    ),
    *(
        "pypy311_pp73",
        "graalpy240_310_native",
        "py3",
        "pp311",
        "graalpy310",
        "manylinux_2_17_x86_64",
    ),
    *("manylinux2014_x86_64", "linux_x86_64", "manylinux_2_5_aarch64", "any", "-1-", "-x86_64_v3"),
    *(
        ">=1.9",
        "<2",
        "<2.0.0",
        "cxx11-cuda-runtime",
        "Cxx11_Cuda.Runtime",
        " ; extra == 'x'",
        "(",
        ")",
    ),
    *("constructor", "__proto__", "18446744073709551617", "9" * 60, "1" * 256, "0", "00", "-0", ""),
    *("own", "conda", "system", "nvidia", "torch", "library-path", "local", "global", "line"),
    *(
        "libstdc++.so.6",
        "libcudart.so.12",
        "libgomp.so.1",
        "3.4.30",
        "3.4.33",
        "12.4",
        "12",
        "2.17",
    ),
    *("GLIBCXX_3.4.30", "x86_64 :: level :: v4", "cxxrt :: abi :: 1", "site:a/b"),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 9, 10, 12, 999, 1000, 2**53 + 1, 10**60, 10**256, 1.5, 1e300),
    *("", [], {}, "x", ["x"], {"x": "x"}, [[]], "constructor", {"__proto__": []}),
)


def questions(count: int, seed: int) -> Iterator[Question]:
    """Mutated inputs of the vectors, the same for the same seed."""
    pick = random.Random(seed)  # noqa: S311 - to be repeated
    asked = [
        json.loads(question(vector, VECTORS / "files"))
        for vector in load_vectors(VECTORS)
        if vector.operation not in _NOT_ASKED
    ]
    by_operation: dict[str, list[Question]] = {}
    for each in asked:
        by_operation.setdefault(each["operation"], []).append(each["input"])
    names = [name for name in by_operation for _ in range(8 // _FEW.get(name, 1))]
    for number in range(count):
        name = pick.choice(names)
        inputs = by_operation[name]
        mutated = copy.deepcopy(pick.choice(inputs))
        for _ in range(pick.choice((1, 1, 2, 3))):
            mutated = _mutate(mutated, pick, pick.choice(inputs))
        yield {"id": number, "operation": name, "input": mutated}


def _mutate(value: Any, pick: random.Random, other: Any) -> Any:  # noqa: ANN401, PLR0911 - JSON
    """The value with one place changed; `other` is the same place of another input."""
    if isinstance(value, dict) and "base64" in value:  # other bytes would only test ELF readers
        return other if isinstance(other, dict) and "base64" in other else value
    if pick.random() < 0.06:
        return copy.deepcopy(pick.choice((other, pick.choice(_VALUES))))
    if isinstance(value, dict) and value:
        key = pick.choice(list(value))
        if pick.random() < 0.08:
            held = value.pop(key)
            if pick.random() < 0.5:
                value[pick.choice(_WORDS)] = held
        else:
            beside = other.get(key) if isinstance(other, dict) else None
            value[key] = _mutate(value[key], pick, beside)
        return value
    if isinstance(value, list):
        return _mutate_list(value, pick, other)
    if isinstance(value, str):
        return _mutate_text(value, pick, other)
    if isinstance(value, int) and not isinstance(value, bool):
        return pick.choice((value + 1, value - 1, -value, value * 10, 10**30 + value, str(value)))
    return copy.deepcopy(pick.choice((other, *_VALUES)))


def _mutate_list(value: list[Any], pick: random.Random, other: object) -> list[Any]:
    beside = other if isinstance(other, list) and other else [pick.choice(_VALUES)]
    place = pick.randrange(len(value) + 1)
    how = pick.randrange(6)
    if how == 0 or not value:
        value.insert(place, copy.deepcopy(pick.choice(beside)))
    elif how == 1:
        value.insert(place, copy.deepcopy(pick.choice(value)))
    elif how == 2:
        del value[pick.randrange(len(value))]
    elif how == 3:
        pick.shuffle(value)
    else:
        place = pick.randrange(len(value))
        value[place] = _mutate(value[place], pick, pick.choice(beside))
    return value


def _mutate_text(value: str, pick: random.Random, other: object) -> str:
    start = pick.randrange(len(value) + 1)
    end = min(len(value), start + pick.choice((0, 0, 1, 1, 2, 5)))
    new = pick.choice(("", pick.choice(_CHARACTERS), pick.choice(_WORDS), value[:start][-8:]))
    if isinstance(other, str) and other and pick.random() < 0.3:
        cut = pick.randrange(len(other))
        new = other[cut : cut + pick.randrange(1, 12)]
    return value[:start] + new + value[end:]


def differences(
    command: Sequence[str], asked: Iterator[Question]
) -> Iterator[tuple[Question, object, object]]:
    """The questions with two answers: question, this implementation's, the command's."""
    process = subprocess.Popen(
        list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    pending: list[Question] = []
    answers = iter(process.stdout.readline, "")
    for each in asked:
        pending.append(each)
        if len(pending) == 500:
            yield from _compare(process, answers, pending)
            pending = []
    yield from _compare(process, answers, pending)
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


def _compare(
    process: subprocess.Popen[str], answers: Iterator[str], pending: list[Question]
) -> Iterator[tuple[Question, object, object]]:
    lines = "".join(f"{json.dumps(each)}\n" for each in pending)
    assert process.stdin is not None
    writer = threading.Thread(target=_write, args=(process, lines))
    writer.start()
    for each in pending:
        mine = answer.reply(json.dumps(each))
        theirs = json.loads(next(answers, "null"))
        if json.dumps(mine, sort_keys=True) != json.dumps(theirs, sort_keys=True) or (
            "answer" not in mine
        ):
            yield each, mine, theirs
    writer.join()


def _write(process: subprocess.Popen[str], lines: str) -> None:
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.flush()


def main() -> None:
    """Print the differences, one JSON line each, and how many questions were asked."""
    count = int(sys.argv[1])
    seed = int(sys.argv[2])
    command = sys.argv[sys.argv.index("--") + 1 :]
    found = 0
    for asked, mine, theirs in differences(command, questions(count, seed)):
        found += 1
        print(json.dumps({"asked": asked, "mine": mine, "theirs": theirs}), flush=True)
    print(f"{count} questions, {found} differences", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
