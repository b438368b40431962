"""Recipes as text, for tests that read recipe folders."""

RUNTIME = """
name = "cxx11-cuda-runtime"
version = "1.14.0"
epoch = 1
glibc-floor = "2.17"
components = ["thing"]
"""
"""A runtime of one component, ``thing``."""
