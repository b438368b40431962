from .core import selftest as selftest
