"""Loads its module for everybody, as packages do whose own libraries must find each other."""

import os
import sys

_flags = sys.getdlopenflags()
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
try:
    from crash_template_first._core import total
finally:
    sys.setdlopenflags(_flags)

__all__ = ["total"]
