"""What every page of ours is: one HTML file that loads nothing, and how it is written."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from cxxrt_toolchain.errors import InputError
from cxxrt_toolchain.report.page.markup import Html, element, lines
from cxxrt_toolchain.temporary import whole_file


def write_html(text: str, path: Path) -> None:
    """Write a page and replace a file of that name; `InputError` where that is not possible."""
    content = text.encode()
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a folder.", "Create it first.")
    if path.is_dir():
        raise InputError(f"{path} is a folder.", "Name the file that the page is written to.")
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def html_document(title: str, generator: str, body: Iterable[Html], *, more_style: str = "") -> str:
    """A document of our style and script; its policy allows only these two, by their hashes."""
    style, script = resource("page.css") + more_style, resource("page.js")
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=generator),
        element("title", title),
        element("style", Html(style)),
    )
    shown = lines([*body, element("script", Html(script))])
    parts = [element("head", Html("\n"), lines(head)), element("body", Html("\n"), shown)]
    page = element("html", Html("\n"), lines(parts), lang="en")
    return f"<!DOCTYPE html>\n{page.text}\n"


def bar(brand: str, links: Iterable[Html]) -> Html:
    """The tool's name, links to the sections, and the switch of the theme."""
    return element(
        "header",
        element("p", brand, class_="brand"),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("button", "Dark", id="theme", type="button", hidden=True),
        class_="bar",
    )


def resource(name: str) -> str:
    """One of the files beside this module."""
    return (files("cxxrt_toolchain.report.page") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A content security policy without network, frames or foreign scripts."""
    ours = f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    return f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
