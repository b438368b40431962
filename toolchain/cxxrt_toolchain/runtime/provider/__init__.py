"""Wheels of libraries that many wheels use, built from source by the compiler of a runtime."""
