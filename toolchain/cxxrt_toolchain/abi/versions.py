"""Dotted version numbers as tuples of integers.

In: ``3.4.30``, ``2.17``. Out: what they compare by. Unlike `packaging.version.Version`, 14.0 is
below 14.0.0: libgcc_s of aarch64 defines both as symbol versions.
"""

from __future__ import annotations


def version_tuple(text: str) -> tuple[int, ...]:
    """``3.4.30`` -> ``(3, 4, 30)``; empty where the text is not a dotted number (``TM_1``)."""
    parts = text.split(".")
    return tuple(map(int, parts)) if all(map(_is_number, parts)) else ()


def release_pair(text: str) -> tuple[int, int]:
    """``2.17`` -> ``(2, 17)``, ``2`` -> ``(2, 0)``; only the first two numbers count.

    Raises:
        ValueError: The text is not a dotted number.
    """
    numbers = version_tuple(text)
    if not numbers:
        raise ValueError(f"{text!r} is not a dotted number")
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
