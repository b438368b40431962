"""Descriptions of wheels in the form of a golden case, made by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_ABIS = (
    *("cp311-cp311", "cp311-cp311", "cp311-abi3", "py3-none", "cp311-cxxrt1_cp311"),
    *("cp311-cxxrt1_cu12_cp311", "cp311-cxxrt1_cu13_abi3", "cp311-cp311.cxxrt1_cp311"),
)
_PLATFORMS = (
    *("linux_x86_64", "manylinux_2_17_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
    *("manylinux_2_28_x86_64", "manylinux_2_5_x86_64.manylinux1_x86_64", "manylinux_2_39_x86_64"),
)
_RARE_PLATFORMS = ("musllinux_1_2_x86_64", "any", "linux_x86_64.manylinux_2_28_x86_64")
_NUMBERS = {
    "libstdc++.so.6": [
        *(f"GLIBCXX_3.4.{number}" for number in (11, 19, 21, 26, 29, 32, 33, 34, 35, 36)),
        *(f"CXXABI_1.3.{number}" for number in (7, 9, 13, 15, 17)),
    ],
    "libgcc_s.so.1": ["GCC_3.0", "GCC_4.3.0", "GCC_7.0.0", "GCC_14.0.0"],
    "libgomp.so.1": ["OMP_1.0", "GOMP_4.0", "GOMP_5.0", "GOMP_5.1"],
    "libcudart.so.12": ["libcudart.so.12"],
    "libcudart.so.13": ["libcudart.so.13"],
    "libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.14", "GLIBC_2.17", "GLIBC_2.34", "GLIBC_2.43"],
    "libz.so.1": ["ZLIB_1.2.9"],
}
_LIBRARIES = (
    *("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "libcudart.so.12", "libc.so.6"),
    *("libatomic.so.1", "libm.so.6", "libz.so.1", "libhelper-0a1b2c3d.so"),
    *("libstdc++-1a2b3c4d.so.6.0.25", "libgomp-a34b3233.so.1.0.0", "libgcc_s-a04fdf82.so.1"),
)
_RARE_LIBRARIES = ("libcudart.so.13", "libmystery.so.3", "libc++.so.1")
_BUNDLED = {
    "libstdc++-1a2b3c4d.so.6.0.25": ["GLIBCXX_3.4", "GLIBCXX_3.4.25", "CXXABI_1.3"],
    "libgomp-a34b3233.so.1.0.0": ["OMP_1.0", "GOMP_4.0"],
    "libgcc_s-a04fdf82.so.1": ["GCC_3.0", "GCC_4.3.0"],
    "libhelper-0a1b2c3d.so": [],
}
_PATHS = (
    *("$ORIGIN", "$ORIGIN/../demo.libs", "/usr/local/lib", "$ORIGIN/../../outside", "relative"),
    *("$ORIGIN/../cxx11_cuda_runtime/lib", "$ORIGIN/../demo.libs:/home/me/lib", ""),
)
_EXPORTS = ("PyInit__ext", "demo_run", "weak _ZNSt6vectorIiSaIiEE9push_backEOi", "_ZN4demo1xE")
_RARE_EXPORTS = (
    *("_ZN4demo3setESs", "unique _ZNSt7__cxx118numpunctIcE2idE", "weak _ZNSt5ctypeIcE2idE"),
    *("unique _ZN4demo1yE", "omp_get_num_threads", "cudaMalloc"),
)
_UNDEFINED = ("PyModule_Create2", "PyErr_Occurred", "PyLong_FromLong")
_RARE_UNDEFINED = (
    *("_ZN4demo4usedEv", "_ZN4demo3useESs", "_ZSt4cout", "GOMP_parallel"),
    "_ZNSt8__format26__with_encoding_conversionERKSt6locale",
)
_REQUIREMENTS = ("cxx11-cuda-runtime>=1.3,<2", "cxx11-cuda-runtime", "numpy>=1.20", "libz-provider")
_NAMES = ("demo/_ext.cpython-311-x86_64-linux-gnu.so", "_single.abi3.so", "demo.libs/liblone.so.1")


def _subset(values: tuple[str, ...] | list[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True)


def _rarely(values: tuple[str, ...], most: int) -> st.SearchStrategy[list[str]]:
    """What most wheels have none of: nearly every repair would be refused."""
    return st.integers(0, 11).flatmap(lambda n: _subset(values, most) if n == 0 else st.just([]))


@st.composite
def _object(draw: st.DrawFn, member: str) -> dict[str, Any]:
    needed = ["libc.so.6", *draw(_subset(_LIBRARIES, 4)), *draw(_rarely(_RARE_LIBRARIES, 2))]
    needed = list(dict.fromkeys(needed))
    needs = {name: draw(_subset(_NUMBERS[name], 3)) for name in needed if name in _NUMBERS}
    found: dict[str, Any] = {
        "member": member,
        "needed": needed,
        "needs": {name: versions for name, versions in needs.items() if versions},
        "exports": [*draw(_subset(_EXPORTS, 3)), *draw(_rarely(_RARE_EXPORTS, 2))],
        "undefined": [*draw(_subset(_UNDEFINED, 3)), *draw(_rarely(_RARE_UNDEFINED, 2))],
    }
    for key in draw(_subset(["rpath", "runpath"], 1)):
        found[key] = draw(st.sampled_from(_PATHS))
    for key in draw(_subset(["executable_stack", "static_tls"], 2)):
        found[key] = True
    return found


@st.composite
def made_cases(draw: st.DrawFn) -> dict[str, Any]:
    """Descriptions of wheels, sane and not."""
    members = draw(st.lists(st.sampled_from(_NAMES), max_size=2, unique=True))
    objects = [draw(_object(member)) for member in members]
    wanted = {name for each in objects for name in each["needed"] if name in _BUNDLED}
    left_out = draw(st.integers(0, 9)) == 0
    for name in sorted(set() if left_out else wanted):
        bundled = {"member": f"demo.libs/{name}", "soname": name, "needed": ["libc.so.6"]}
        objects.append({**bundled, "defines": _BUNDLED[name]})
    platform = next(iter(draw(_rarely(_RARE_PLATFORMS, 1))), draw(st.sampled_from(_PLATFORMS)))
    case: dict[str, Any] = {
        "wheel": f"demo-1.0-{draw(st.sampled_from(_ABIS))}-{platform}.whl",
        "requires_dist": draw(_subset(_REQUIREMENTS, 2)),
        "elf": objects,
        "file": [],
    }
    if draw(st.booleans()):
        source = draw(st.sampled_from(["", '"""Demo."""\nimport demo._ext\n', "# namespace\n"]))
        case["file"].append({"member": "demo/__init__.py", "text": source})
    if draw(st.integers(0, 9)) == 0:
        case["purelib"] = True
    return case
