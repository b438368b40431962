"""Ratio: an installer's tag list with the runtime ABI's tags against the list alone.

    python tests/bench/tags_expand.py [--json]

Both are made in this process, in turns, with the caches of ``packaging`` filled, so that the
quotient compares the two computations and not the machine's state. The limit is 5 ms for the
expansion of the list of a usual host (about 900 tags); the exit code is 1 above it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import TYPE_CHECKING

from packaging.tags import sys_tags

from cxxrt_toolchain.abi.spec import load_spec
from cxxrt_toolchain.host.supported import Host, supported_tags

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 41
LIMIT = 0.005
"""Seconds."""


def measure() -> dict[str, float | int]:
    """Medians over the rounds, in milliseconds, and what they are of."""
    spec = load_spec()
    host = Host(driver=12)
    base = list(sys_tags())
    plain, expansion = [], []
    for _ in range(ROUNDS):
        plain.append(_seconds(lambda: list(sys_tags())))
        expansion.append(_seconds(lambda: supported_tags(base, host, spec)))
    own, ours = statistics.median(plain), statistics.median(expansion)
    return {
        "tags": len(base),
        "tags_expanded": len(supported_tags(base, host, spec)),
        "own_list_ms": round(own * 1000, 3),
        "expansion_ms": round(ours * 1000, 3),
        "ratio": round((own + ours) / own, 2),
        "limit_ms": LIMIT * 1000,
    }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> int:
    """Print one line, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    found = measure()
    if parser.parse_args().json:
        print(json.dumps(found))
    else:
        print(
            "{tags} tags -> {tags_expanded}: the installer's own list {own_list_ms} ms, "
            "expansion {expansion_ms} ms (limit {limit_ms} ms), both / own = {ratio}".format(
                **found
            )
        )
    return 0 if found["expansion_ms"] <= found["limit_ms"] else 1


if __name__ == "__main__":
    sys.exit(main())
