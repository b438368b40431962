"""Addresses of servers: what is one, its host, and what of it may be shown."""

from urllib.parse import urlsplit, urlunsplit


def is_address(text: str) -> bool:
    """Whether an argument is an address of a server and not a path."""
    return text.lower().startswith(("http://", "https://"))


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (urlsplit(url).hostname or "").lower()


def public(url: str) -> str:
    """The address without what may be secret: user, password, query, fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
