"""Unversioned symbols that every process with a Python interpreter defines.

The interpreter itself needs libm, libpthread, libdl, librt and libutil, so that their functions are
found also by an object that was linked without them (numpy 2.4.6 uses ``dladdr`` so, pyzmq 27.3.0
``pthread_mutexattr_init``).

Source: the exported names of these libraries in glibc 2.17; in glibc 2.34 all but libm became part
of libc.so.6 (NEWS of glibc 2.34).
"""

from __future__ import annotations

import re

_MATH = (
    "acos acosh asin asinh atan atan2 atanh cabs cacos cacosh carg casin casinh catan catanh cbrt"
    " ccos ccosh ceil cexp cimag clog clog10 conj copysign cos cosh cpow cproj creal csin csinh"
    " csqrt ctan ctanh drem erf erfc exp exp10 exp2 expm1 fabs fdim finite floor fma fmax fmin fmod"
    " frexp gamma hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint"
    " lround modf nan nearbyint nextafter nexttoward pow pow10 remainder remquo rint round scalb"
    " scalbln scalbn significand sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn"
)
"""Each also with the suffix ``f`` and ``l``."""
_NAMES = re.compile(
    rf"(?:{'|'.join(_MATH.split())})[fl]?|lgamma[fl]?_r|signgam|matherr"
    r"|fe(?:clear|raise|test)except|fe(?:dis|en)ableexcept|fe[gs]et(?:env|except|exceptflag|round)"
    r"|feholdexcept|feupdateenv"
    r"|pthread_\w+|sem_\w+|dl(?:addr1?|close|error|info|mopen|open|sym|vsym)"
    r"|aio_\w+|lio_listio(?:64)?|clock_\w+|mq_\w+|shm_(?:open|unlink)|timer_\w+"
    r"|forkpty|openpty|login(?:_tty)?|logout|logwtmp"
)


def interpreter_defines(name: str) -> bool:
    """Whether a process with a Python interpreter has that symbol in its global scope."""
    return name.startswith(("Py", "_Py")) or _NAMES.fullmatch(name) is not None
