"""A C module on a Fortran function: formatted output, allocation, quadruple precision."""

from .core import selftest

__all__ = ["selftest"]
