"""The process that runs auditwheel's code: ``python -m ... WHEEL FOLDER PATTERN...``.

Out: a wheel of the same name in FOLDER if anything was grafted, and one line of JSON. `graft` is
the only caller. auditwheel calls none of its functions an interface; those used here are what they
are since 6.8, and exit code 3 says that they no longer are.
"""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

UNKNOWN_API = 3


def main(wheel: Path, folder: Path, leave: list[str]) -> int:
    """Graft and print the answer as JSON."""
    try:
        found, repair = _auditwheel(wheel, folder, leave)
    except (ImportError, AttributeError, TypeError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return UNKNOWN_API
    removed = sorted(soname for soname in found if soname.startswith("libpython"))
    missing = sorted(found.keys() - removed - {s for s, path in found.items() if path})
    if found and not missing:
        repair()
    libraries = {soname: str(path) for soname, path in found.items() if soname not in removed}
    answer = {"libraries": libraries, "removed": removed, "missing": missing}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _auditwheel(wheel: Path, folder: Path, leave: list[str]) -> tuple[dict[str, Path | None], Any]:
    """What it would graft, and the call that does it."""
    from auditwheel.patcher import ElfPatcher
    from auditwheel.repair import repair_wheel
    from auditwheel.wheel_abi import analyze_wheel_abi

    facts = analyze_wheel_abi(
        None, None, wheel, frozenset(leave), disable_isa_ext_check=True, allow_graft=True
    )
    # The newest manylinux: its list of libraries is what decides, and our planner takes the tag.
    policy = facts.policies.lowest.name
    found: dict[str, Path | None] = {}
    for references in facts.full_external_refs.values():
        found.update(references[policy].libs)

    def repair() -> None:
        repair_wheel(
            facts,
            wheel,
            abis=[policy],
            lib_sdir=".libs",
            out_dir=folder,
            update_tags=False,
            patcher=ElfPatcher.get_patcher("patchelf", policy),
            strip=False,
            zip_compression_level=zlib.Z_DEFAULT_COMPRESSION,
        )

    return found, repair


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
