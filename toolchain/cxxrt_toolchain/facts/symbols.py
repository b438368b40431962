"""The symbols of an object that rules ask for: a `SymbolDigest`.

Only mangled names are looked at; nothing is demangled. Name grammar: Itanium C++ ABI, chapter 5.1.
A wheel has up to a million of them, so every question is one comprehension over a group, cheapest
test first.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import nsmallest
from typing import TYPE_CHECKING

from cxxrt_toolchain.abi.versions import as_number
from cxxrt_toolchain.elf.facts import Binding, SymbolGroup
from cxxrt_toolchain.facts.families import RuntimeFamily, family_of_name
from cxxrt_toolchain.facts.wheel import SymbolDigest, SymbolSample

if TYPE_CHECKING:
    from cxxrt_toolchain.abi.policy import WatchedSymbols

_EXAMPLES = 3
_FEW = 1 << 14
"""Names of an object that need not be compressed."""

# libstdc++.so.6 refers to these through its own GOT and they carry state or decide how exceptions
# travel: whoever exports them earlier in the scope of the first dlopen that pulls libstdc++ in
# takes them over (seen with LD_DEBUG=bindings on pyarrow 0.13 before TensorFlow 1.12).
CATEGORIES = frozenset(
    {
        *("_ZNSt3_V216generic_categoryEv", "_ZNSt3_V215system_categoryEv"),
        *("_ZSt16generic_categoryv", "_ZSt15system_categoryv"),
        *("_ZSt17iostream_categoryv", "_ZSt15future_categoryv"),
    }
)
"""Functions of libstdc++ that return an error category, which is compared by its address
([syserr.errcat.nonvirtuals]): with two of them, error codes no longer equal their conditions."""
ONCE = frozenset({"__once_proxy", "_ZSt11__once_call", "_ZSt15__once_callable"})
"""What ``std::call_once`` hands from the caller to libstdc++."""
CAPTURES = ONCE | frozenset(
    {
        "__gxx_personality_v0",
        *("__cxa_allocate_dependent_exception", "__cxa_allocate_exception", "__cxa_begin_catch"),
        *("__cxa_current_exception_type", "__cxa_end_catch", "__cxa_free_exception"),
        *("__cxa_get_globals", "__cxa_get_globals_fast", "__cxa_rethrow", "__cxa_throw"),
    }
)

# Names whose first component is in namespace std or __gnu_cxx, their vtables, typeinfo and guards,
# and the replaceable allocation functions are left out: a program may define those.
_LIBSTDCXX = re.compile(
    r"_Z(?:N[KVrRO]*St|N[KVrRO]*S[absiod]|St|NK?(?:9__gnu_cxx|11__gnu_debug|10__cxxabiv1)"
    r"|T[VTIS](?:N?St|S[absiod]|N10__cxxabiv1)|GVN?St|Th[n0-9_]+N?K?St|Tv[n0-9_]+N?K?St)"
)

# A program may specialize these for its own types, in namespace std and not inline.
_CUSTOMIZED = re.compile(
    r"_ZN?K?St(?:4hash|9formatter|14numeric_limits|4less|8equal_to|4swap|13tuple_element)I"
)

# Facet ids that libstdc++ defines as plain data, of those that it has had since GCC 3.4: whoever
# exports one has a whole libstdc++. The other 80 are STB_GNU_UNIQUE; those of codecvt for char16_t
# and char32_t (GLIBCXX_3.4.21) are plain, too, but devtoolset's compilers link them from
# libstdc++_nonshared.a into what otherwise uses the system's library
# (tensorflow-io-gcs-filesystem 0.37.1 exports them).
LOCALE_IDS = frozenset(
    {
        *("_ZNSt5ctypeIcE2idE", "_ZNSt5ctypeIwE2idE"),
        *("_ZNSt7codecvtIcc11__mbstate_tE2idE", "_ZNSt7codecvtIwc11__mbstate_tE2idE"),
    }
)

_CUDART = re.compile(r"(?:cuda[A-Z]|__cuda[A-Z])\w*")
_OTHER_RUNTIMES = re.compile(r"GOMP_\w+|omp_[gs]et_\w+|_Unwind_(?:RaiseException|Resume)")
# Driver-side and device-side names that only look like the runtime API.
_NOT_CUDART = re.compile(r"cuda[A-Z]\w*(?:_kernel|Kernel)\w*")

# Walks a mangled name in tokens, so that "Ss" inside an identifier (7ClassSs) is not taken for it.
_TOKEN = re.compile(
    r"S[0-9A-Z]*_|T[0-9]*_|L[a-z]n?[0-9]+E|(?P<length>[0-9]+)|(?P<old>Ss)|.", re.DOTALL
)

_NEW = re.compile(r"__cxx11|B5cxx11")

ASKED = frozenset({"dlopen", "dlsym", "dl_iterate_phdr", "_dl_find_object", "abort", "fputs"})
"""Undefined C functions that a static runtime needs."""

# Unversioned symbols that every process with a Python interpreter defines: it needs libm,
# libpthread, libdl, librt and libutil itself, so that objects that were linked without them work
# (numpy 2.4.6 uses dladdr so, pyzmq 27.3.0 pthread_mutexattr_init). Source: the exported names of
# these libraries in glibc 2.17; in 2.34 all but libm became part of libc.so.6 (NEWS of glibc 2.34).
_MATH = (
    "acos acosh asin asinh atan atan2 atanh cabs cacos cacosh carg casin casinh catan catanh cbrt"
    " ccos ccosh ceil cexp cimag clog clog10 conj copysign cos cosh cpow cproj creal csin csinh"
    " csqrt ctan ctanh drem erf erfc exp exp10 exp2 expm1 fabs fdim finite floor fma fmax fmin fmod"
    " frexp gamma hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint"
    " lround modf nan nearbyint nextafter nexttoward pow pow10 remainder remquo rint round scalb"
    " scalbln scalbn significand sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn"
)
"""Each also with the suffix ``f`` and ``l``."""
_OF_INTERPRETER = re.compile(
    rf"(?:{'|'.join(_MATH.split())})[fl]?|lgamma[fl]?_r|signgam|matherr"
    r"|fe(?:clear|raise|test)except|fe(?:dis|en)ableexcept|fe[gs]et(?:env|except|exceptflag|round)"
    r"|feholdexcept|feupdateenv"
    r"|pthread_\w+|sem_\w+|dl(?:addr1?|close|error|info|mopen|open|sym|vsym)"
    r"|aio_\w+|lio_listio(?:64)?|clock_\w+|mq_\w+|shm_(?:open|unlink)|timer_\w+"
    r"|forkpty|openpty|login(?:_tty)?|logout|logwtmp"
)


class _Names(Collection[str]):
    """Names that are looked through once or twice, compressed: TensorFlow exports 80 MB of them."""

    def __init__(self) -> None:
        self._count = 0
        self._blocks: list[tuple[str, ...] | bytes] = []

    def add(self, names: tuple[str, ...]) -> None:
        """Take some more."""
        few = not names or self._count + len(names) <= _FEW
        self._blocks.append(names if few else zlib.compress("\0".join(names).encode(), 1))
        self._count += len(names)

    def kept(self) -> Collection[str]:
        """All of them, by value where they are few."""
        return tuple(self) if self._count <= _FEW else self

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for block in self._blocks:
            if isinstance(block, bytes):
                yield from zlib.decompress(block).decode().split("\0")
            else:
                yield from block

    def __contains__(self, name: object) -> bool:
        return any(name == each for each in self)


def digest(
    groups: Iterable[SymbolGroup],
    version_definitions: Collection[str] = (),
    watched: WatchedSymbols | None = None,
    *,
    program: bool = False,
) -> SymbolDigest:
    """The sets of an object's dynamic symbols that rules ask for.

    `version_definitions` are the versions that the object defines itself. A definition under any
    other version is a copy relocation: an executable's room for a variable of a library. `watched`
    is what policies forbid; default: what those of the specification do. What a program exports
    interposes nothing in a Python process: only its names count, for what it loads itself.
    """
    # Not at the top: the doctor uses this module's names, and reads no policy and no row.
    from cxxrt_toolchain.abi.provider import provided_copy

    if watched is None:
        from cxxrt_toolchain.abi.spec import watched_symbols

        watched = watched_symbols()
    private: set[tuple[str, str]] = set()
    provided_needs: dict[str, set[str]] = {}
    found: dict[str, list[str]] = defaultdict(list)
    undefined: set[str] = set()
    unversioned: list[str] = []
    exported = _Names()
    for group in groups:
        if not group.defined:
            undefined.update(ASKED.intersection(group.names))
            if group.binding is not Binding.WEAK:  # a library without it is no obstacle
                needs = watched.needs.intersection(group.names)
                private.update((group.soname or "", name) for name in needs)
                if group.soname and provided_copy(group.soname):
                    provided_needs.setdefault(group.soname, set()).update(group.names)
            kinds: Iterable[tuple[str, Sequence[str]]] = _needed_kinds(group)
            if group.version is None and group.binding is Binding.GLOBAL:
                unversioned += [name for name in group.names if not interpreter_defines(name)]
        elif group.version is None or group.version in version_definitions:
            exported.add(group.names)
            kinds = () if program else _exported_kinds(group, watched, version_definitions)
        else:
            continue
        for kind, names in kinds:
            found[kind] += names
    needed = tuple(sorted(set(found.pop("cudart_needed", ()))))
    forbidden = tuple(sorted(set(found.pop("forbidden", ()))))
    samples = {kind: sample(names) for kind, names in found.items()}
    if once := ONCE.intersection(found["captures"]):  # the examples decide how bad it is
        samples["captures"] = replace(samples["captures"], examples=tuple(sorted(once)))
    return SymbolDigest(
        **samples,
        cudart_needed=needed,
        private_needs=tuple(sorted(private)),
        forbidden_definitions=forbidden,
        undefined=frozenset(undefined),
        provided_needs=tuple((s, tuple(sorted(provided_needs[s]))) for s in sorted(provided_needs)),
        unversioned=tuple(sorted(unversioned)),
        unique_names=tuple(set(found.get("unique", ()))),
        exported=exported.kept(),
    )


def sample(names: Iterable[str]) -> SymbolSample:
    """The number of distinct names, and the first few."""
    distinct = set(names)
    return SymbolSample(count=len(distinct), examples=tuple(nsmallest(_EXAMPLES, distinct)))


def spells_old_string(name: str) -> bool:
    """Whether a mangled name contains the substitution ``Ss``, the old ``std::string``."""
    if "Ss" not in name or not name.startswith("_Z"):
        return False
    position = 2
    while position < len(name):
        match = _TOKEN.match(name, position)
        if match is None:
            return False
        if match["old"]:
            return True
        position = match.end() + as_number(match["length"] or "0")
    return False


def interpreter_defines(name: str) -> bool:
    """Whether a process with a Python interpreter has that symbol in its global scope."""
    return name.startswith(("Py", "_Py")) or _OF_INTERPRETER.fullmatch(name) is not None


def belongs_to_libstdcxx(name: str) -> bool:
    """Whether a mangled name is in a namespace of libstdc++."""
    return _LIBSTDCXX.match(name) is not None


def _needed_kinds(group: SymbolGroup) -> Iterator[tuple[str, Sequence[str]]]:
    if group.soname and family_of_name(group.soname) is RuntimeFamily.LIBCUDART:
        yield "cudart_needed", group.names
    for kind, names in _strings(group.names):
        library = set(filter(_LIBSTDCXX.match, names))
        yield f"{kind}_needed", [name for name in names if name not in library]
        if kind == "old_strings":
            yield "old_strings_of_libstdcxx", list(library)


def _exported_kinds(
    group: SymbolGroup, watched: WatchedSymbols, version_definitions: Collection[str]
) -> Iterator[tuple[str, Sequence[str]]]:
    names = group.names
    yield "forbidden", list(watched.definitions.among(names))
    if not version_definitions:  # libstdc++ looks them up under versions of its own
        yield "captures", list(CAPTURES.intersection(names))
    if group.binding is Binding.UNIQUE:
        yield "unique", names
    library = list(filter(_LIBSTDCXX.match, names))
    yield "locale_ids", list(LOCALE_IDS.intersection(library))
    if group.binding is Binding.GLOBAL:
        yield "libstdcxx_strong", [n for n in library if not _CUSTOMIZED.match(n)]
    else:
        yield "libstdcxx_weak", library
    owned = set(library)
    for kind, spelt in _strings(names):
        yield f"{kind}_exported", [name for name in spelt if name not in owned]
    plain = [name for name in names if not name.startswith("_Z")]
    cudart = [n for n in plain if "cuda" in n and _CUDART.fullmatch(n)]
    yield "cudart_defined", [name for name in cudart if not _NOT_CUDART.fullmatch(name)]
    yield "other_runtimes", list(filter(_OTHER_RUNTIMES.fullmatch, plain))


def _strings(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The mangled names that spell the new string, and those that spell only the old one."""
    new = [n for n in names if "cxx11" in n and n.startswith("_Z") and _NEW.search(n)]
    yield "new_strings", new
    both = set(new)
    yield "old_strings", [n for n in names if "Ss" in n and spells_old_string(n) and n not in both]
