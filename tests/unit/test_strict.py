"""A document is read strictly, and each complaint begins with the path of the key at fault."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import pytest

from cxxrt_toolchain.errors import ConfigError
from cxxrt_toolchain.strict import ANY, Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda root: root["gone"], "gone is missing."),
        (lambda root: root["a"]["b"][0], "a.b must be a table, not [1]."),
        (lambda root: [*root["a"].items()], 'a must be an array, not {"b": [1]}.'),
        (lambda root: root["a"]["b"].texts(), "a.b[0] must be a string, not 1."),
        (lambda root: root["empty"].text(), 'empty must be a string that is not empty, not "".'),
        (lambda root: root["word"].text("y"), 'word must be a string that matches y, not "x".'),
        (lambda root: root["yes"].integer(), "yes must be an integer, not true."),
        (lambda root: root["n"].integer(3), "n must be an integer of at least 3, not 2."),
        (lambda root: root["word"].choice(Colour), 'word must be one of red, blue, not "x".'),
        (lambda root: root.close(), "a is not a key of this format. Known: ."),
    ],
)
def test_a_wrong_value_is_named_by_its_path(read: Callable[[Value], object], message: str) -> None:
    root = Value({"a": {"b": [1]}, "empty": "", "word": "x", "yes": True, "n": 2})
    with pytest.raises(ConfigError) as caught:
        read(root)
    assert str(caught.value) == message


def test_a_key_that_nobody_asked_for_is_refused_with_the_known_ones() -> None:
    root = Value({"colour": "red", "shape": "round"}, "thing.toml: ")
    assert root["colour"].choice(Colour) is Colour.RED
    assert root.get("size", 7).integer() == 7
    assert root.get("weight") is None
    with pytest.raises(ConfigError, match=r"^thing.toml: shape is not a key .* colour, size, weig"):
        root.close()


def test_a_key_with_two_values_and_text_that_is_not_json_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^b is given twice"):
        Value.parse_json('{"a": {"b": 1, "b": 2}}')
    for text in ("", b"\xff", "[" * 100_000):
        with pytest.raises(ConfigError, match=r"^not a JSON document"):
            Value.parse_json(text)


def test_a_toml_file_is_named_by_its_folder_and_name(tmp_path: Path) -> None:
    file = tmp_path / "gcc" / "recipe.toml"
    with pytest.raises(ConfigError, match=r"^gcc/recipe.toml does not exist"):
        Value.load_toml(file)
    file.parent.mkdir()
    file.write_text('clause = """\nsay\n"""\n', encoding="utf-8")
    root = Value.load_toml(file)
    assert root["clause"].text(ANY) == "say\n"
    with pytest.raises(ConfigError, match=r"^gcc/recipe.toml: clause must be an array"):
        root["clause"].texts()
    file.write_text("clause =", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^gcc/recipe.toml: not TOML"):
        Value.load_toml(file)


def test_a_message_quotes_the_beginning_of_a_long_value() -> None:
    with pytest.raises(ConfigError, match=r"^the document must be an array, not \"x{59}\.\.\.\.$"):
        Value("x" * 1000).texts()
