"""A registry: parts by name and in order, no name twice; an unknown name is answered with those that there are."""

from typing import ClassVar

import pytest
from msgspec import Struct

from embedding.errors import UsageError
from embedding.registry import Registry


class Colour(Struct, frozen=True):
    name: str


class Circle:
    name: ClassVar[str] = "circle"


class Square:
    name: ClassVar[str] = "square"


COLOURS = Registry("colour", (Colour("red"), Colour("green"), Colour("blue")))


def test_parts_are_found_by_name_and_come_in_the_order_of_the_list() -> None:
    assert COLOURS["green"] == Colour("green")
    assert COLOURS.names == ("red", "green", "blue")
    assert [colour.name for colour in COLOURS] == ["red", "green", "blue"]
    assert len(COLOURS) == 3
    assert "red" in COLOURS
    assert "yellow" not in COLOURS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gren", "colour: expected one of red, green, blue (did you mean green?); 'gren' came"),
        ("", "colour: expected one of red, green, blue; '' came"),
        ("Square", "colour: expected one of red, green, blue; 'Square' came"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_there_are(name: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        COLOURS[name]
    assert str(raised.value) == message


def test_no_two_parts_have_one_name() -> None:
    with pytest.raises(ValueError, match="two of the kind 'colour' are called 'red'"):
        Registry("colour", (Colour("red"), Colour("blue"), Colour("red")))


def test_classes_are_parts_too() -> None:
    shapes: Registry[type[Circle] | type[Square]] = Registry("shape", (Circle, Square))

    assert shapes["square"] is Square
    assert shapes.names == ("circle", "square")
