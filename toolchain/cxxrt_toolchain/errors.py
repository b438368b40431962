"""Every error that the toolchain raises on purpose: one class per kind, one exit code per kind.

A negative verdict is not an error; it is a value, and exit code 1.
"""

from __future__ import annotations


class ToolchainError(Exception):
    """What happened, with the name of the thing that it happened to; and advice, or nothing."""

    exit_code = 2

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()


class UsageError(ToolchainError):
    """The command line, or a combination of its options, makes no sense."""


class InputError(ToolchainError):
    """A file that we were given cannot be used: broken, hostile or not what its name says."""


class MemberError(InputError):
    """One file, or member of an archive, that cannot be used, and the reason."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}.")
        self.member = member
        self.reason = reason


class ConfigError(ToolchainError):
    """A key of a configuration or recipe is wrong; the message starts with the key's path."""


class MissingToolError(ToolchainError):
    """The machine lacks a program, a package, a mirror or the network; says how to get it."""

    exit_code = 3


class StepFailedError(ToolchainError):
    """A command that we ran failed; the message has the command and the end of its output."""

    exit_code = 3
