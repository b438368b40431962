"""Large diagnoses, made up but shaped like real ones: sixty packages, hundreds of libraries.

`large_environment` is what nothing imported looks like (packages need runtimes, with counts);
`large_process` is what is mapped after everything was imported (objects need objects).
"""

from __future__ import annotations

from random import Random
from typing import Any

from cxxrt_toolchain.facts.families import RuntimeFamily
from cxxrt_toolchain.facts.libraries import Library, Origin, Package
from cxxrt_toolchain.report.diagnosis import Diagnosis, Edge, Relation, Subject
from cxxrt_toolchain.rules.rule import Finding, Severity

SITE = "/srv/ml/venv/lib/python3.12/site-packages"
SYSTEM = "/usr/lib/x86_64-linux-gnu"
_STDCXX = f"{SYSTEM}/libstdc++.so.6"
_PRIVATE = f"{SITE}/pymomentum_cpu.libs/libstdc++-pymomentum.so.6"
_CUDART = f"{SITE}/nvidia/cuda_runtime/lib/libcudart.so.13"
_CUDART_COPY = f"{SITE}/torchvision.libs/libcudart.faf08d9a.so.13"

# Name, version, ELF files, needs libstdc++, bundled libgomp or "system" or "".
_KNOWN = (
    ("torch", "2.13.0", 24, True, "libgomp-24e2ab19.so.1.0.0"),
    ("torchvision", "0.28.0", 6, True, ""),
    ("tensorflow-cpu", "2.21.0", 21, True, ""),
    ("pyarrow", "26.0.1", 18, True, ""),
    ("scikit-learn", "1.9.1", 58, True, "libgomp-e985bcbb.so.1.0.0"),
    ("scipy", "1.17.1", 92, True, ""),
    ("numpy", "2.5.0", 21, True, ""),
    ("pandas", "3.1.0", 42, True, ""),
    ("xgboost", "3.2.0", 1, True, "libgomp-e985bcbb.so.1.0.0"),
    ("lightgbm", "4.7.0", 1, True, "system"),
    ("faiss-cpu", "1.15.1", 4, True, "libgomp-e985bcbb.so.1.0.0"),
    ("onnxruntime", "1.32.0", 3, True, ""),
    ("pymomentum-cpu", "0.1.114.post0", 7, True, ""),
    ("opencv-python-headless", "5.0.0.93", 19, True, ""),
    ("drake", "1.51.1", 31, True, "libgomp-273d0f96.so.1.0.0"),
    ("ray", "2.60.0", 5, True, ""),
    ("grpcio", "1.85.1", 1, True, ""),
    ("nvidia-cuda-runtime", "13.5.48", 1, False, ""),
    ("tesseract-robotics-nanobind", "0.35.0.8", 26, True, "libgomp.so.1"),
)
_WORDS = ("amber", "basil", "cedar", "delta", "ember", "fable", "grove", "heron", "inlet", "jade",
          "karst", "lumen", "maple", "nimbus")  # fmt: skip


def _packages() -> list[tuple[str, str, int, bool, str]]:
    random = Random(5)  # noqa: S311 - a sequence that stays the same
    found = list(_KNOWN)
    for at in range(60 - len(_KNOWN)):
        name = f"{_WORDS[at % len(_WORDS)]}-{('core', 'native', 'fast')[at // len(_WORDS)]}"
        found.append((name, f"{at % 4}.{at}", random.randint(1, 12), at % 3 != 0, ""))
    return found


def _library(
    path: str,
    package: str | None,
    family: RuntimeFamily | None = None,
    **more: Any,  # noqa: ANN401 - fields as they come
) -> Library:
    origin = Origin.WHEEL if package else Origin.SYSTEM
    soname = path.rpartition("/")[2]
    return Library(path=path, soname=soname, origin=origin, package=package, family=family, **more)


def _runtimes() -> list[Library]:
    gomp = RuntimeFamily.LIBGOMP
    found = [
        _library(_STDCXX, None, RuntimeFamily.LIBSTDCXX, version="GLIBCXX_3.4.30"),
        _library(_PRIVATE, "pymomentum-cpu", RuntimeFamily.LIBSTDCXX, version="GLIBCXX_3.4.32"),
        _library(_CUDART, "nvidia-cuda-runtime", RuntimeFamily.LIBCUDART, version="13.5"),
        _library(_CUDART_COPY, "torchvision", RuntimeFamily.LIBCUDART, version="13.2"),
        _library(f"{SYSTEM}/libgcc_s.so.1", None, RuntimeFamily.LIBGCC, version="GCC_12.0.0"),
        _library(f"{SYSTEM}/libgomp.so.1", None, gomp, version="GOMP_5.0.1"),
    ]
    for name, _, _, _, copy in _KNOWN:
        if copy and copy != "system":
            path = f"{SITE}/{name.replace('-', '_')}.libs/{copy}"
            found.append(_library(path, name, gomp, version="GOMP_5.0.1"))
    return found


def _gomp_of(name: str, copy: str) -> str:
    if copy == "system":
        return f"{SYSTEM}/libgomp.so.1"
    return f"{SITE}/{name.replace('-', '_')}.libs/{copy}"


def _stdcxx_of(name: str) -> str:
    return _PRIVATE if name == "pymomentum-cpu" else _STDCXX


FINDINGS = (
    Finding(
        rule="CXXRT-H1",
        severity=Severity.ERROR,
        message="pymomentum-cpu 0.1.114.post0 brings a libstdc++ of its own under another name",
        culprits=("pymomentum-cpu",),
        victims=("onnxruntime", "faiss-cpu", "pyarrow", "xgboost"),
        libraries=(_PRIVATE, _STDCXX),
        evidence=(
            "libstdc++-pymomentum.so.6 defines GLIBCXX_3.4.32 and all 88 locale facet ids",
            "onnxruntime, faiss-cpu, pyarrow and xgboost use iostreams of the system's copy",
        ),
        remedies=(
            "'import cxx11_cuda_runtime' before 'import pymomentum'",
            "cxxrt repair pymomentum_cpu-0.1.114.post0-cp312-cp312-manylinux_2_28_x86_64.whl",
        ),
    ),
    Finding(
        rule="CXXRT-P3",
        severity=Severity.ERROR,
        message="tesseract-robotics-nanobind 0.35.0.8 needs GLIBCXX_3.4.31, and the libstdc++ that"
        " it gets ends with GLIBCXX_3.4.30",
        culprits=("tesseract-robotics-nanobind",),
        libraries=(_STDCXX,),
        evidence=("libboost_filesystem.so.1.88.0 needs GLIBCXX_3.4.31",),
        remedies=("pip install cxx11-cuda-runtime (it ends with 3.4.33)",),
    ),
    Finding(
        rule="CXXRT-H2",
        severity=Severity.WARNING,
        message="Seven copies of libgomp: threads are counted seven times",
        culprits=("drake", "faiss-cpu", "scikit-learn", "tesseract-robotics-nanobind", "torch"),
        victims=("lightgbm",),
        libraries=tuple(_gomp_of(name, copy) for name, _, _, _, copy in _KNOWN if copy),
        evidence=tuple(f"{name} needs {copy}" for name, _, _, _, copy in _KNOWN if copy),
        remedies=("import cxx11_cuda_runtime before anything else",),
    ),
    Finding(
        rule="CXXRT-H3",
        severity=Severity.WARNING,
        message="torchvision 0.28.0 brings a libcudart beside nvidia-cuda-runtime's",
        culprits=("torchvision",),
        victims=("torch",),
        libraries=(_CUDART_COPY, _CUDART),
        evidence=("Both have CUDA major 13, and separate state",),
        remedies=("'cxxrt repair' of torchvision's wheel",),
    ),
    Finding(
        rule="CXXRT-H5",
        severity=Severity.NOTE,
        message="tensorflow-cpu 2.21.0 has a libstdc++ inside, hidden",
        culprits=("tensorflow-cpu",),
        evidence=("No symbol of it is exported",),
    ),
)


def large_environment() -> Diagnosis:
    """Sixty installed packages, nothing loaded."""
    edges = []
    libraries = _runtimes()
    for name, _, objects, stdcxx, copy in _packages():
        source = f"package:{name}"
        if stdcxx:
            count = max(1, objects * 2 // 3)
            edges.append(_needs(source, _stdcxx_of(name), count))
        if copy:
            edges.append(_needs(source, _gomp_of(name, copy), max(1, objects // 4)))
    edges += [_needs("package:torch", _CUDART, 6), _needs("package:torchvision", _CUDART_COPY, 2)]
    static = (RuntimeFamily.LIBSTDCXX,)
    for at in range(6):
        path = f"{SITE}/tensorflow/libtensorflow_part{at}.so.2"
        libraries.append(_library(path, "tensorflow-cpu", static=static))
    return _diagnosis(Subject.ENVIRONMENT, "/srv/ml/venv", libraries, edges)


def large_process() -> Diagnosis:
    """Four hundred mapped objects and who needs whom."""
    libraries, edges = [], []
    order = iter(range(10_000))
    runtimes = {library.path: library for library in _runtimes()}
    for name, _, objects, stdcxx, copy in _packages():
        paths = [f"{SITE}/{name.replace('-', '_')}/lib{name}_{at}.so" for at in range(objects)]
        paths = paths[:10]
        for at, path in enumerate(paths):
            libraries.append(_library(path, name, order=next(order)))
            if stdcxx:
                edges.append(_needs(path, _stdcxx_of(name), 1))
            if copy and at % 2 == 0:
                edges.append(_needs(path, _gomp_of(name, copy), 1))
            if at:
                edges.append(_needs(path, paths[0], 1))
        mine = (_stdcxx_of(name), _gomp_of(name, copy) if copy else "")
        first = [each for each in mine if each in runtimes]
        libraries += [_again(runtimes.pop(path), next(order)) for path in first]
    libraries += [_again(library, next(order)) for library in runtimes.values()]
    for at in range(70):
        path = f"{SYSTEM}/libsystem{at}.so.0"
        libraries.append(_library(path, None, order=next(order)))
        if at % 9 == 0:
            edges.append(_needs(path, _STDCXX, 1))
    edges += [
        _needs(f"{SITE}/torch/libtorch_1.so", _CUDART, 1),
        _needs(f"{SITE}/torchvision/libtorchvision_0.so", _CUDART_COPY, 1),
        _binds(_STDCXX, _PRIVATE, 80),
        _binds(
            f"{SITE}/pyarrow/libpyarrow_3.so",
            f"{SITE}/tensorflow_cpu/libtensorflow-cpu_0.so",
            1719,
        ),
        _binds(_STDCXX, f"{SITE}/torch/libtorch_2.so", 78),
    ]  # fmt: skip
    return _diagnosis(Subject.PROCESS, "Process 4711, python train.py", libraries, edges)


def _again(library: Library, order: int) -> Library:
    return _library(
        library.path, library.package, library.family, version=library.version, order=order
    )


def _needs(source: str, target: str, count: int) -> Edge:
    return Edge(source=source, target=target, relation=Relation.NEEDS, count=count)


def _binds(source: str, target: str, count: int) -> Edge:
    symbols = ("_ZNSt8ios_base4InitC1Ev", "_ZNSt6locale7classicEv", "_ZNKSt9type_info4nameEv")
    return Edge(source=source, target=target, relation=Relation.BINDS, count=count, symbols=symbols)


def _diagnosis(
    subject: Subject, title: str, libraries: list[Library], edges: list[Edge]
) -> Diagnosis:
    return Diagnosis(
        subject=subject,
        title=title,
        python="3.12.7",
        executable="/srv/ml/venv/bin/python",
        glibc="2.36",
        variables=(("LD_LIBRARY_PATH", "/usr/local/cuda/lib64:/opt/intel/lib"),),
        packages=tuple(
            Package(name=name, version=version, objects=objects, location=SITE)
            for name, version, objects, _, _ in sorted(_packages())
        ),
        libraries=tuple(libraries),
        edges=tuple(edges),
        steps=(),
        findings=FINDINGS,
    )
