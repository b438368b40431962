"""Which remedies help against a libstdc++ that is too old: a pure choice among all there are.

What goes in: facts of the process. What comes out: sentences, best first, only those that apply.
"""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cxx11_cuda_runtime._blame.culprit import Culprit

_GCC_OF = {
    21: "5",
    22: "6",
    24: "7",
    25: "8",
    28: "9",
    29: "11",
    30: "12",
    32: "13",
    33: "14",
    34: "15",
    36: "16",
}
"""Newest GLIBCXX_3.4.N of each GCC (libstdc++ manual, "ABI Policy and Guidelines"); 10 is as 9."""


def gcc_of(minor: int) -> str:
    """First GCC whose libstdc++ defines ``GLIBCXX_3.4.<minor>``; "" beyond the table."""
    return next((gcc for newest, gcc in _GCC_OF.items() if newest >= minor), "")


@dataclass(frozen=True)
class Situation:
    """What the choice depends on."""

    required: int
    """N of the needed ``GLIBCXX_3.4.N``."""
    vendored: int
    """N of the copy in this package."""
    path: str
    """Of the copy that is loaded."""
    culprit: Culprit
    ld_library_path: tuple[str, ...] = ()
    conda_prefix: str = ""
    """The conda environment that the loaded copy belongs to, or ""."""


def remedies(situation: Situation) -> tuple[str, ...]:
    """Choose what to advise."""
    if situation.required > situation.vendored:
        return (f"pip install -U cxx11-cuda-runtime (it ends with 3.4.{situation.vendored} here)",)
    culprit = situation.culprit
    found = []
    if culprit.module:
        top = culprit.module.partition(".")[0]
        found.append(f"'import cxx11_cuda_runtime' before 'import {top}'")
    found.append("start with 'python -m cxx11_cuda_runtime run your_script.py'")
    if culprit.kind not in {"executable", "preload"}:
        found.append("'python -m cxx11_cuda_runtime activate' (a start-up hook, +2 ms per start)")
    if culprit.kind == "preload":
        found.append(f"remove {situation.path} from LD_PRELOAD")
    folder = situation.path.rpartition("/")[0]
    if folder in situation.ld_library_path:
        found.append(f"remove {folder} from LD_LIBRARY_PATH")
    if situation.conda_prefix:
        gcc = gcc_of(situation.required)
        found.append(f"conda install 'libstdcxx>={gcc}'" if gcc else "conda update libstdcxx")
    return tuple(found)
