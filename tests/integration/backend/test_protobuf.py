"""libprotobuf of our own provider's wheel: built, used by two wheels, shared, after other copies.

The build of the wheel takes six minutes of one processor, once for each content (the user's cache).
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import need_extension_builder
from sample_builds import Environment, Index, build_wheel, clean_environment, copied, run

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.isolated,
    pytest.mark.network,
    pytest.mark.compile,
    pytest.mark.runtime,
]

OWNER, USER = "provider_protobuf_owner", "provider_protobuf"
_TOGETHER = """\
import ctypes, importlib, json, os, sys
for name in sys.argv[2].split(","):
    if name.startswith("/"):
        ctypes.CDLL(name, os.RTLD_GLOBAL | os.RTLD_NOW)
    elif name:
        importlib.import_module(name)
modules = [importlib.import_module(name) for name in sys.argv[1].split(",")]
said = [m.selftest() for m in modules]
passed = [a.take(b.make()) for a in modules for b in modules if hasattr(a, "take")]
lines = open("/proc/self/maps").read().splitlines()
mapped = sorted({line.split()[-1].rpartition("/")[2] for line in lines if ".so" in line})
print(json.dumps([said, passed, mapped]))
"""


@pytest.fixture(scope="module")
def component(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider's wheel, out of the user's cache if it was built before."""
    folder = tmp_path_factory.mktemp("component")
    command = [sys.executable, "-m", "cxxrt_toolchain", "provider", "build", "protobuf"]
    run([*command, "-w", str(folder)], clean_environment())
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def built(
    index: Index, samples: Path, component: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    """Builds a sample in isolation under another name and publishes it."""
    need_extension_builder()
    index.publish(component)
    done: dict[tuple[str, str], Path] = {}

    def build(sample: str, name: str) -> Path:
        if (sample, name) not in done:
            folder = tmp_path_factory.mktemp(name)
            source = copied(samples / sample, folder / "source")
            old = "cxxrt_sample_" + ("owner" if sample == OWNER else "protobuf")
            for path in [each for each in source.rglob("*") if each.is_file()]:
                text = path.read_text(encoding="utf-8")
                text = text.replace(old, name).replace(
                    f'name = "{old.replace("_", "-")}"', f'name = "{name.replace("_", "-")}"'
                )
                path.write_text(text, encoding="utf-8")
            for path in sorted(source.rglob(f"*{old}*"), reverse=True):
                path.rename(path.with_name(path.name.replace(old, name)))
            build_wheel(source, folder / "wheels", "pip", index.with_network())
            (done[sample, name],) = (folder / "wheels").glob("*.whl")
            index.publish(done[sample, name])
        return done[sample, name]

    return build


@pytest.fixture(scope="module")
def users(built: Callable[[str, str], Path]) -> tuple[Path, ...]:
    """The owner of shape.proto and two users of it, each with a file of its own."""
    owner = built(OWNER, "cxxrt_sample_owner")
    return owner, built(USER, "cxxrt_sample_one"), built(USER, "cxxrt_sample_two")


@pytest.fixture(scope="module")
def environment(
    users: tuple[Path, ...], index: Index, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", str(folder)], clean_environment())
    found = Environment(python=folder / "bin" / "python", index=index.with_network())
    found.uv(*map(str, users))
    return found


def together(
    environment: Environment, order: tuple[str, ...], before: tuple[str, ...] = ()
) -> tuple[list[str], list[str], list[str]]:
    """What modules say, what becomes of live messages, and what is mapped."""
    out = environment.run(_TOGETHER, ",".join(order), ",".join(before))
    said, passed, mapped = json.loads(out.splitlines()[-1])
    return said, passed, mapped


USERS = ("cxxrt_sample_one", "cxxrt_sample_two")


def test_two_users_share_one_libprotobuf_and_pass_messages_in_both_orders(
    environment: Environment,
) -> None:
    for order in itertools.permutations(USERS):
        said, passed, mapped = together(environment, order)
        assert said == ["cxxrt 42"] * 2
        assert passed == ["live 42 7"] * 4
        for stem in ("libprotobuf", "libabsl", "libcxxrt_sample_owner", "libstdc++"):
            assert sum(name.startswith(stem) for name in mapped) == 1, (stem, mapped)


def test_a_user_requires_the_line_and_the_owner_gets_its_manylinux_tag(
    users: tuple[Path, ...],
) -> None:
    assert "-manylinux_2_17_x86_64" in users[0].name
    text = run([sys.executable, "-m", "cxxrt_toolchain", "show", "--json", str(users[0])], {})
    assert '"cxx11-protobuf-35-1==35.1.*,>=35.1.0"' in text


@pytest.mark.parametrize("package", ["tensorflow-cpu==2.21.0", "paddlepaddle", "grpcio-tools"])
def test_other_copies_of_protobuf_in_the_process_change_nothing(
    environment: Environment, package: str
) -> None:
    """Its library is made global, behind the runtime, without which it takes the system's."""
    environment.uv("--no-deps", package)
    site = Path(environment.run("import sysconfig; print(sysconfig.get_path('platlib'))").strip())
    pattern = {"t": "tensorflow/libtensorflow_framework.so.2", "p": "paddle/base/libpaddle.so"}
    other = pattern.get(package[0], "grpc_tools/_protoc_compiler*.so")
    (library,) = map(str, site.glob(other))
    for order in itertools.permutations(USERS):
        said, passed, _ = together(environment, order, ("cxx11_cuda_runtime", library))
        assert (said, set(passed)) == (["cxxrt 42"] * 2, {"live 42 7"})


def test_one_proto_file_in_two_wheels_is_found_before_it_ends_the_process(
    built: Callable[[str, str], Path], users: tuple[Path, ...], index: Index, tmp_path: Path
) -> None:
    wheels = (users[0], built(OWNER, "cxxrt_sample_dup"))
    check = [sys.executable, "-m", "cxxrt_toolchain", "check", "--select", "H19", *map(str, wheels)]
    text = run(check, clean_environment())
    assert re.search(
        r"registers shape\.proto in libprotobuf_cxxrt\.so\.35\.1, as cxxrt-sample", text
    )
    folder = tmp_path / "environment"
    run([sys.executable, "-m", "venv", str(folder)], clean_environment())
    environment = Environment(python=folder / "bin" / "python", index=index.with_network())
    environment.uv(*map(str, wheels))
    doctor = [sys.executable, "-m", "cxxrt_toolchain", "doctor", "--python"]
    done = subprocess.run(
        [*doctor, str(environment.python)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "shape.proto is compiled into cxxrt-sample-dup and cxxrt-sample-owner" in done.stdout
    code = "import cxxrt_sample_owner, cxxrt_sample_dup"
    crash = subprocess.run(
        [str(environment.python), "-c", code], capture_output=True, text=True, check=False
    )
    assert crash.returncode < 0
    assert "File already exists in database: shape.proto" in crash.stderr
