"""Abseil and libprotobuf as two shared libraries, out of grpcio-tools' source distribution.

The build folder is the working directory. All symbols that the libraries export are in the
namespace of their line; a version script hides the rest.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

VERSION = os.environ["CXXRT_VERSION"]
NAMESPACE = "cxxrt_" + VERSION.replace(".", "_")
CXX = Path(os.environ["CXXRT_CXX"])
RECIPE = Path(__file__).parent
ABSEIL = Path("source/third_party/abseil-cpp")
PROTOBUF = Path("source/third_party/protobuf")
UTF8 = PROTOBUF / "third_party/utf8_range"
FLAGS = [
    "-O2", "-g0", "-DNDEBUG", "-fPIC", "-pthread",
    "-Wno-deprecated-declarations",
    "-include", "google/protobuf/cxxrt_namespace.h",
    f"-I{ABSEIL}", f"-I{PROTOBUF / 'src'}", f"-I{UTF8}",
]  # fmt: skip
IN_THE_LIBRARY = {"importer.cc", "parser.cc"}
"""Of the compiler's sources."""
NOT_IN_THE_LIBRARY = re.compile(r"test|mock|benchmark|_opt_out|/compiler/|/python/")
NOT_INSTALLED = re.compile(
    r"test|mock|benchmark|/testing/|/compiler/(?!importer|parser|plugin\.pb|scc|code_gen)|/hpb/"
)
CONFIGURATION = {
    "protobuf-config.cmake": "cmake/protobuf-config.cmake",
    "version.cmake": "cmake/protobuf-config-version.cmake",
    "abslConfig.cmake": "cmake/abslConfig.cmake",
    "protobuf.pc": "pkgconfig/protobuf.pc",
}
"""Files of the recipe, in which @VERSION@ and @TARGETS@ are replaced, and where they go."""
LIBRARY = re.compile(r"^absl_cc_library\(\s*NAME\s+\"?(\w+)\"?(.*?)^\)", re.MULTILINE | re.DOTALL)
"""A target of Abseil's own CMake files."""
GLOBALS = ("descriptor_table_{}", "TableStruct_{}", "file_level_metadata_{}")
"""What protoc names after a file and puts into no namespace."""
C_FUNCTIONS = ("utf8_range_IsValid", "utf8_range_ValidPrefix")
"""What the headers call."""


def main() -> None:
    """Run the step that the command line names."""
    {"source": source, "compile": compile_all, "link": link, "package": package}[sys.argv[1]]()


def source() -> None:
    """Give the sources their namespaces, by upstream's option where there is one (Abseil)."""
    text = (PROTOBUF / "src/google/protobuf/runtime_version.h").read_text()
    found = re.search(r"define PROTOBUF_OSS_VERSION \d(\d{3})(\d{3})\b", text)
    release = found and f"{int(found[1])}.{int(found[2])}"
    if release != VERSION:
        sys.exit(f"the source is protobuf {release}, not {VERSION}")
    replace(ABSEIL / "absl/base/options.h", r"(INLINE_NAMESPACE_NAME) lts_\d+", rf"\1 {NAMESPACE}")
    headers = [*(PROTOBUF / "src/google/protobuf").rglob("*.h"), *UTF8.glob("*.h")]
    first = '#include "google/protobuf/cxxrt_namespace.h"\n'
    for header in headers:
        header.write_text(first + header.read_text(encoding="utf-8"), encoding="utf-8")
    lines = (f"#define {name} {name}_{NAMESPACE}" for name in global_names())
    text = (RECIPE / "namespace.h").read_text(encoding="utf-8")
    text = re.sub(r"\bNAMESPACE\b", NAMESPACE, text.replace("#define GLOBALS", "\n".join(lines)))
    path = PROTOBUF / "src/google/protobuf/cxxrt_namespace.h"
    path.write_text(text, encoding="utf-8")


def global_names() -> list[str]:
    """The names outside of any namespace in the generated files that the library has."""
    root = PROTOBUF / "src"
    files = (path.relative_to(root) for path in sorted(root.rglob("*.pb.h")))
    names = (str(path).removesuffix(".pb.h") + ".proto" for path in files)
    escaped = (re.sub(r"[^A-Za-z0-9]", lambda m: f"_{ord(m[0]):02x}", name) for name in names)
    return [*C_FUNCTIONS, *(pattern.format(name) for name in escaped for pattern in GLOBALS)]


def replace(path: Path, pattern: str, text: str) -> None:
    """Replace what a pattern finds in a file; it must be there."""
    new, count = re.subn(pattern, text, path.read_text(encoding="utf-8"))
    if not count:
        sys.exit(f"{path} has no {pattern}")
    path.write_text(new, encoding="utf-8")


def listed(name: str) -> list[str]:
    """A list of files in the module that upstream generates for its setup.py."""
    text = Path("source/protoc_lib_deps.py").read_text(encoding="utf-8")
    found = re.search(rf"^{name} ?= ?(\[.*?\])", text, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"the source distribution has no list {name}")
    return list(ast.literal_eval(found[1]))


def sources() -> dict[str, list[Path]]:
    """The sources of each library: upstream's list for protoc, and what else libprotobuf has.

    The list lacks the well-known types, the JSON format and the utilities, which protoc needs not.
    """
    found: dict[str, dict[Path, None]] = {"absl": {}, "protobuf": {}}
    for name in listed("CC_FILES"):
        compiler = name.partition("protobuf/compiler/")[2]
        if "abseil" in name:
            found["absl"][Path("source") / name] = None
        elif "/upb" not in name and (not compiler or compiler in IN_THE_LIBRARY):
            found["protobuf"][Path("source") / name] = None
    for file in sorted((PROTOBUF / "src/google/protobuf").rglob("*.cc")):
        if not NOT_IN_THE_LIBRARY.search(str(file)):
            found["protobuf"][file] = None
    return {name: list(files) for name, files in found.items()}


def objects(library: str) -> list[Path]:
    """The object files of a library, in the order of its sources."""
    return [Path("objects") / f"{library}-{i}.o" for i in range(len(sources()[library]))]


def run(*command: str | Path) -> None:
    """Run a command; the step fails with it."""
    text = list(map(str, command))
    print("+", *text, flush=True)
    if code := subprocess.run(text, check=False).returncode:
        sys.exit(code)


def compile_all() -> None:
    """Compile every source, as many at a time as CXXRT_JOBS says."""
    Path("objects").mkdir()
    pairs = [
        pair for name, files in sources().items() for pair in zip(files, objects(name), strict=True)
    ]

    def one(pair: tuple[Path, Path]) -> None:
        file, target = pair
        if file.suffix == ".c":
            run(CXX.parent / "gcc", *FLAGS, "-c", file, "-o", target)
        else:
            run(CXX, "-std=c++17", *FLAGS, "-c", file, "-o", target)

    with ThreadPoolExecutor(int(os.environ["CXXRT_JOBS"])) as pool:
        for _ in pool.map(one, pairs):
            pass


def link() -> None:
    """Link the libraries; what they export has the namespace in its name and as its version."""
    Path("lib").mkdir()
    Path("exports.map").write_text(
        f"{NAMESPACE} {{ global: *{NAMESPACE}*; local: *; }};\n", encoding="utf-8"
    )
    soname = {name: f"lib{name}_cxxrt.so.{VERSION}" for name in ("absl", "protobuf")}
    options = [
        "-shared", "-s", "-pthread", "-Wl,-z,defs", "-Wl,--as-needed", "-Wl,-z,relro,-z,now",
        "-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN", "-Wl,--version-script=exports.map",
    ]  # fmt: skip
    for name, needs in (("absl", ["-lrt"]), ("protobuf", [f"lib/{soname['absl']}"])):
        target = Path("lib") / soname[name]
        run(CXX, *options, f"-Wl,-soname,{target.name}", *objects(name), *needs, "-o", target)
        target.chmod(0o644)


def package() -> None:
    """Collect headers, the files that build systems read, and the licences."""
    for root in (PROTOBUF / "src", ABSEIL):
        folder = root / ("absl" if root is ABSEIL else "google/protobuf")
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".h", ".inc") and not NOT_INSTALLED.search(str(file)):
                copy(file, Path("include") / file.relative_to(root))
    for file in UTF8.glob("*.h"):
        copy(file, Path("include") / file.name)
    for name in listed("PROTO_FILES"):
        inside = name.partition("src/google/protobuf/")[2]
        if inside:
            copy(PROTOBUF / name, Path("include/google/protobuf") / inside)
    targets: set[str] = set()
    for file in sorted(ABSEIL.rglob("CMakeLists.txt")):
        for name, rest in LIBRARY.findall(file.read_text(encoding="utf-8")):
            targets.update([name] if "TESTONLY" not in rest else [])
    for name, target in CONFIGURATION.items():
        text = (RECIPE / name).read_text(encoding="utf-8").replace("@VERSION@", VERSION)
        text = text.replace("@TARGETS@", " ".join(sorted(targets)))
        Path(target).parent.mkdir(exist_ok=True)
        Path(target).write_text(text, encoding="utf-8")
    Path("licenses").mkdir()
    (text,) = Path("toolchain").glob("*.dist-info/licenses/LICENSE")
    copy(text, Path("licenses/LICENSE.protobuf"))
    copy(UTF8 / "LICENSE", Path("licenses/LICENSE.utf8_range"))
    options = (ABSEIL / "absl/base/options.h").read_text(encoding="utf-8")
    notice = re.sub(r"(?m)^// ?", "", options.partition("\n// -----")[0])
    Path("licenses/NOTICE.abseil").write_text(notice + "\n", encoding="utf-8")


def copy(file: Path, target: Path) -> None:
    """Copy a file, and make its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(file.read_bytes())


if __name__ == "__main__":
    main()
