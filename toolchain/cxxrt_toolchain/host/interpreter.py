"""An interpreter, possibly of another environment, as a value; `host.describe` asks for it."""

from dataclasses import dataclass

_RUN_MODULE = """\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
import runpy
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def module_command(python: str, module: str) -> list[str]:
    """The beginning of a command that runs a module as ``-m`` does, but for the working folder.

    Before 3.11 no option of Python does this.
    """
    return [python, "-c", _RUN_MODULE, module]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What an interpreter says of itself and of its environment."""

    executable: str
    """The path that the user named."""
    program: str
    """The ELF file that runs; the same one for all virtual environments of an installation."""
    python: str
    """For example ``3.11.7``."""
    glibc: str
    """For example ``2.36``; empty with another C library."""
    prefix: str
    base_prefix: str
    path: tuple[str, ...]
    """``sys.path``, absolute."""
    free_threaded: bool = False
    """Whether it was built without the global lock, which is another ABI (PEP 703)."""
    root: str = ""
    """What stands, here, before a path that the process uses itself: in another mount namespace, or
    with another root folder."""
    packed: str = ""
    """Of a program that was packed with its interpreter: the folder with its modules."""
    searched_first: tuple[str, ...] = ()
    """Folders that the starter of such a program puts into ``LD_LIBRARY_PATH``."""
    starts_with: tuple[str, ...] = ()
    """Libraries that it opens."""
    vetoes: tuple[tuple[int, int, str], ...] = ()
    """(epoch, CUDA major or 0, architecture) that its ``_cxxrt`` module refuses. This field and
    those below are filled only where a specification was given."""
    manifest: str | None = None
    """The text of ``manifest.json`` of the runtime wheel that is installed there."""
    pip: str | None = None
    """The folder that its pip lies in."""
    tags: tuple[str, ...] = ()
    """What ``packaging`` computes there, best first; empty unless they were asked for."""
