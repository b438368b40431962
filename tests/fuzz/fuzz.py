"""Coverage-guided fuzzing: ``python tests/fuzz/fuzz.py TARGET CORPUS [libFuzzer options]``.

Needs atheris, which is no dependency of this project; README.md says how to run, what to do with a
finding, and how the committed corpus is made.
"""

from __future__ import annotations

import random
import sys

import atheris
import framing

with atheris.instrument_imports(
    include=["cxxrt_toolchain", "packaging", "zipfile", "surfaces", "targets"],
    exclude=["packaging.licenses"],
):
    import targets


def mutate_part(data: bytes, max_size: int, seed: int) -> bytes:
    """Mutate one part of a framing and leave the others whole; now and then, all of the bytes."""
    parts = framing.decode(data)
    choice = random.Random(seed)  # noqa: S311 - the fuzzer's own seed
    if not parts or choice.random() < 0.1:
        return bytes(atheris.Mutate(data, max_size))
    at = choice.randrange(len(parts))
    flags, name, content = parts[at]
    room = min(framing.MAX_CONTENT, max(1, max_size - len(data) + len(content)))
    action = choice.random()
    if action < 0.1:
        parts[at] = framing.Part(flags ^ 1 << choice.randrange(3), name, content)
    elif action < 0.25:
        parts[at] = framing.Part(flags, bytes(atheris.Mutate(name, 255))[:255], content)
    elif action < 0.3:
        del parts[at]
    elif action < 0.4:
        other = parts[choice.randrange(len(parts))]
        parts.insert(
            at, framing.Part(flags, name + b"x", other.content)._replace(name=b"x" + name[:200])
        )
    else:
        parts[at] = framing.Part(flags, name, bytes(atheris.Mutate(content, room))[:room])
    return framing.encode(parts)[:max_size]


_FRAMED = ("flow", "environment", "cache", "arguments")


def main() -> None:
    """Run one target until libFuzzer's options say stop."""
    name = sys.argv.pop(1)
    mutator = mutate_part if name in _FRAMED else None
    atheris.Setup(sys.argv, targets.TARGETS[name], custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
