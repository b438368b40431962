"""Give a source distribution's members one time, owner and order.

setuptools writes the time and the owner of each file into the archive, so that two builds of one
commit differ. SOURCE_DATE_EPOCH is the time.
"""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from pathlib import Path


def rewrite(archive: Path, time: int) -> None:
    """Replace ``archive``, a gzip-compressed tar file, by its normal form."""
    new = archive.with_suffix(".new")
    with (
        tarfile.open(archive) as source,
        new.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda each: each.name):
            executable = member.isdir() or member.mode & 0o100
            member.mode = 0o755 if executable else 0o644
            member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "", ""
            member.pax_headers = {}
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
    new.replace(archive)


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), int(os.environ["SOURCE_DATE_EPOCH"]))
