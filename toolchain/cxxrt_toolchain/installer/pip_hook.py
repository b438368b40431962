"""Run pip with the runtime ABI's tags in its list; stands alone, Python 3.7 and later.

Protocol: the environment variable ``CXXRT_PIP_HOOK`` is one JSON object, the arguments are pip's::

    {"runtimes": [["cxxrt1", false, [2, 17], ["aarch64", "x86_64"]]],
     "expansion": "…/host/expansion.py", "pip": "DIR", "home": "PYTHON"}

``runtimes`` are the rows that ``expand()`` of the file ``expansion`` takes; ``pip`` is the
directory to take pip from, null for the one that this interpreter imports; ``home`` is the
interpreter that has cxxrt_toolchain, null where the user named the environment. The process then is
pip. Its subprocesses, which install build requirements into isolated environments, come back
through this file; so does pip restarted in another interpreter because of its configuration key
``python``, and as the rows are not that interpreter's, ``cxxrt pip --python`` starts anew.

What is changed in pip is the answer of one function, ``get_supported()`` in
``pip._internal.utils.compatibility_tags``: since 20.1 the only source of tags, for the index, the
resolver, the cache and ``pip check``. And ``pip install`` adds the tags of the plain wheel to the
``WHEEL`` file of what it has installed, for checkers that do not know the runtime ABI. A pip before
20.3 is refused: it knows no perennial manylinux tag (PEP 600), so no tag with a runtime ABI could
match.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import importlib.util
import json
import os
import re
import runpy
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

TYPE_CHECKING = False  # importing typing costs more than the hook
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, NoReturn, Protocol

    class Scheme(Protocol):
        """Where pip installs."""

        purelib: str
        platlib: str


VARIABLE = "CXXRT_PIP_HOOK"
RESTARTED = "_PIP_RUNNING_IN_SUBPROCESS"
"""pip's own variable (pip._internal.cli.main_parser)."""
START = """\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
from cxxrt_toolchain.cli import main
sys.exit(main())
"""
"""``python -m cxxrt_toolchain``, which would look for it in the working directory first."""
_STARTERS = ("pip._internal.utils.misc", "pip._internal.build_env")
"""Where ``get_runnable_pip()`` is, the newest place first: the other one imports it from there."""
_RUNTIME = "cxxrt[0-9]+_(?:cu[0-9]+_)?"
_LACKS_SOMETHING = 3
_OLDEST_PIP = (20, 3)


def main() -> None:
    """Hook pip, then run it in this process."""
    leave_own_folder()
    question = json.loads(os.environ[VARIABLE])
    if question["home"] and RESTARTED in os.environ:
        start_anew(question["home"])
    if question["pip"]:
        take_pip_from(question["pip"])
    teach_tags(question)
    teach_subprocesses()
    if "install" in sys.argv[1:]:
        teach_installation()
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def start_anew(home: str) -> NoReturn:
    """Become ``cxxrt pip`` for this interpreter, which pip's configuration names."""
    for name in (VARIABLE, RESTARTED):
        del os.environ[name]
    command = [home, "-c", START, "pip", "--python", sys.executable, *sys.argv[1:]]
    os.execv(home, command)  # noqa: S606 - no shell, on purpose


def leave_own_folder() -> None:
    """Undo that running a file makes its folder importable."""
    here = Path(__file__).resolve().parent
    if sys.path and Path(sys.path[0]).resolve() == here:
        del sys.path[0]


def take_pip_from(folder: str) -> None:
    """Import pip, and only pip, from a directory that is not on the path."""

    class Finder:
        """Finds that one package there, and nothing else."""

        @staticmethod
        def find_spec(name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            return PathFinder.find_spec(name, [folder]) if name == "pip" else None

    sys.meta_path.insert(0, Finder)


def teach_tags(question: dict[str, Any]) -> None:
    """Expand what pip's ``get_supported()`` returns, before any other module imports it."""
    refuse_old_pip()
    tags: Any = importlib.import_module("pip._internal.utils.compatibility_tags")
    original = tags.get_supported
    expand = load(question["expansion"]).expand
    rows = [
        (runtime, behind, tuple(floor), frozenset(architectures))
        for runtime, behind, floor, architectures in question["runtimes"]
    ]

    @functools.wraps(original)
    def get_supported(*args: object, **kwargs: object) -> object:
        return expand(original(*args, **kwargs), rows)

    tags.get_supported = get_supported


def teach_subprocesses() -> None:
    """Let pip start itself in subprocesses through this file, where it does so (since 22.3)."""
    for name in _STARTERS:
        try:
            module: Any = importlib.import_module(name)
        except ImportError:  # another release of pip has it elsewhere
            continue
        if hasattr(module, "get_runnable_pip"):
            module.get_runnable_pip = lambda: os.path.realpath(__file__)


def teach_installation() -> None:
    """Let stock ``pip check`` and ``uv pip check`` accept what is installed from a tagged wheel.

    They look for one known tag among those of the installed ``WHEEL`` file. The plain wheel of the
    same build has the same requirements and leads to the same files.
    """
    module: Any = importlib.import_module("pip._internal.operations.install.wheel")
    original = module.install_wheel

    @functools.wraps(original)
    def install_wheel(name: str, wheel_path: str, scheme: Scheme, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as pip has them
        done = original(name, wheel_path, scheme, *args, **kwargs)
        if re.search(rf"-(?:{_RUNTIME})", Path(wheel_path).name):
            with zipfile.ZipFile(wheel_path) as archive:
                tops = {each.partition("/")[0] for each in archive.namelist()}
            for place in {scheme.purelib, scheme.platlib}:
                for folder in tops:
                    if folder.endswith(".dist-info"):
                        add_plain_tags(Path(place), folder)
        return done

    module.install_wheel = install_wheel


def add_plain_tags(site: Path, dist_info: str) -> None:
    """Add the plain form of each tag to an installed ``WHEEL`` file, and record its new content."""
    wheel, record = site / dist_info / "WHEEL", site / dist_info / "RECORD"
    if not (wheel.is_file() and record.is_file()):
        return
    lines = wheel.read_text(encoding="utf-8").splitlines()
    tagged = [re.match(rf"Tag: *([^-\s]+-)(?:{_RUNTIME})(\S+)", line) for line in lines]
    plain = ["Tag: " + "".join(each.groups()) for each in tagged if each]
    # A line once: lib64 may be a link to lib, so that this is done a second time.
    content = "".join(line + "\n" for line in dict.fromkeys(lines + plain)).encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    rows = record.read_text(encoding="utf-8")
    row = rf"^{re.escape(dist_info)}/WHEEL,.*$"
    changed = f"{dist_info}/WHEEL,sha256={digest},{len(content)}"
    wheel.write_bytes(content)
    record.write_text(re.sub(row, lambda _: changed, rows, flags=re.MULTILINE), encoding="utf-8")


def load(path: str) -> ModuleType:
    """The module at that path."""
    spec = importlib.util.spec_from_file_location("cxxrt_tag_expansion", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refuse_old_pip() -> None:
    """Exit with a message if the pip of this interpreter cannot be hooked."""
    try:
        version = str(importlib.import_module("pip").__version__)
    except ImportError:
        refuse("has no pip")
    release = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if release < _OLDEST_PIP:
        refuse(f"has pip {version}, which knows no perennial manylinux tags")


def refuse(problem: str) -> NoReturn:
    """Print the problem and exit."""
    sys.stderr.write(
        f"cxxrt pip: {sys.executable} {problem}. Install pip 20.3 or newer there; or use its pip "
        "without cxxrt, which takes the wheels without the runtime ABI tag.\n"
    )
    sys.exit(_LACKS_SOMETHING)


if __name__ == "__main__":
    main()
