from ._core import selftest as selftest
