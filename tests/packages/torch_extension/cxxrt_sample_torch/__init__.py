import torch as _torch

from ._core import selftest, twice

__all__ = ["selftest", "twice"]
