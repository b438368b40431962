"""Addresses of servers: what is one, its host, and what of it may be shown."""

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

_NONE = SplitResult("", "", "", "", "")


def is_address(text: str) -> bool:
    """Whether an argument is an address of a server and not a path."""
    return text.lower().startswith(("http://", "https://"))


def parts_of(url: str) -> SplitResult:
    """The parts of an address; all are empty where it is malformed."""
    try:
        return urlsplit(url)
    except ValueError:
        return _NONE


def joined(base: str, link: str) -> str:
    """Where a link of a page leads; empty where it is malformed."""
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (parts_of(url).hostname or "").lower()


def public(url: str) -> str:
    """The address without what may be secret: user, password, query, fragment."""
    parts = parts_of(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
