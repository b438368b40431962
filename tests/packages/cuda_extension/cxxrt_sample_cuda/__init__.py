from ._core import runtime_version as runtime_version, selftest as selftest, twice as twice
