from flagged._core import selftest as selftest
