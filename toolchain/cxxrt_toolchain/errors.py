"""Every error that the toolchain raises on purpose: one class per kind, one exit code per kind.

`explained` has the exit code and text for any exception, for the command line and the backend. A
negative verdict is not an error; it is a value, and exit code 1.
"""

_MOST_TEXT = 500
"""Characters of a foreign exception's message."""


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


def explained(error: Exception) -> tuple[int, str]:
    """The exit code and the text for an exception, ours or not; one paragraph, no traceback."""
    if isinstance(error, ToolchainError):
        return error.exit_code, str(error)
    if isinstance(error, OSError):
        return MissingToolError.exit_code, str(error)
    if isinstance(error, MemoryError):
        return MissingToolError.exit_code, "this process may not use as much memory as it needs."
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    text = f"cannot go on: {type(error).__name__}{place}: {str(error)[:_MOST_TEXT]}"
    if isinstance(error, ImportError):
        return MissingToolError.exit_code, f"{text}. Install cxxrt-toolchain with what it requires."
    return ToolchainError.exit_code, f"{text.rstrip('.: ')}. Please report this, with the input."
