"""The remedies for a libstdc++ that is too old. Pure."""

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
"""Newest GLIBCXX_3.4.N of each GCC (libstdc++ manual, "ABI Policy and Guidelines"); 10 has 9's."""


def gcc_of(minor: int) -> str:
    """The first GCC with ``GLIBCXX_3.4.<minor>`` in its libstdc++; "" beyond the table."""
    return next((gcc for newest, gcc in _GCC_OF.items() if newest >= minor), "")


@dataclass(frozen=True)
class Situation:
    """The facts that decide which remedies apply."""

    required: int
    """N of the needed ``GLIBCXX_3.4.N``."""
    vendored: int
    """N of the vendored copy."""
    path: str
    culprit: Culprit
    ld_library_path: tuple[str, ...] = ()
    preload: str = ""
    """The value of ``LD_PRELOAD`` that puts the vendored copy first."""
    host: str = ""
    """The program, where it is no Python interpreter but embeds one."""
    conda_prefix: str = ""
    """The conda environment that the loaded copy belongs to, or ""."""


def remedies(situation: Situation) -> tuple[str, ...]:
    """The remedies that apply, best first."""
    if situation.required > situation.vendored:
        gcc = gcc_of(situation.required)
        wanted = f"'cxx11-cuda-runtime>=1.{gcc}'" if gcc else "cxx11-cuda-runtime"
        ends = f"it ends with 3.4.{situation.vendored} here"
        older = "else an older release of the package that asks"
        return (f"pip install -U {wanted} ({ends}), if there is such a release; {older}",)
    culprit = situation.culprit
    found = []
    if culprit.module:
        top = culprit.module.partition(".")[0]
        found.append(f"'import cxx11_cuda_runtime' before 'import {top}'")
    if situation.host:
        found.append(f"start {situation.host} with LD_PRELOAD={situation.preload}")
    else:
        found.append("start with 'python -m cxx11_cuda_runtime run your_script.py'")
    if culprit.kind not in {"executable", "preload"}:
        found.append("'python -m cxx11_cuda_runtime activate' (a start-up hook, +2 ms per start)")
    if culprit.kind == "preload":
        found.append(f"remove {culprit.path or situation.path} from LD_PRELOAD")
    folder = situation.path.rpartition("/")[0]
    if folder in situation.ld_library_path:
        found.append(f"remove {folder} from LD_LIBRARY_PATH")
    if situation.conda_prefix:
        gcc = gcc_of(situation.required)
        found.append(f"conda install 'libstdcxx>={gcc}'" if gcc else "conda update libstdcxx")
    return tuple(found)
