"""The fixture of wheels, for every test of this folder."""

from __future__ import annotations

from survey_wheels import wheels

__all__ = ["wheels"]
