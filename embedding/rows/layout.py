"""How a file of rows is laid out: what stands between the values of a CSV file, in which encoding; which sheet."""

import codecs

from msgspec import Struct

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# A line is cut out of a file, and a row out of its lines, by these.
_ASCII = '\r\n"' + "".join(_NAMES)

MAP_HINT = "other columns are read by a map: nearfield import table proposes one"
ENCODING_HINT = 'a file in another encoding is read by a map that says so: encoding = "cp1252"'


class Layout(Struct, frozen=True):
    """What a map may say of its files: `delimiter` and `encoding` of CSV; of a workbook the `sheet`, and in which of
    its rows, from 1, the header stands (None: the only visible sheet; the first row that is not empty)."""

    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None
    header_row: int | None = None

    def __post_init__(self) -> None:
        """ValueError for a delimiter or an encoding that no CSV file can have, and for a row before the first."""
        if self.header_row is not None and self.header_row < 1:
            raise ValueError(f"expected the number of a row, from 1, as header_row, got {self.header_row}")
        if self.delimiter not in _NAMES:
            raise ValueError(f"expected a delimiter among , ; | and a tab, got {self.delimiter!r}")
        try:
            known = _ASCII.encode(self.encoding) == _ASCII.encode("ascii") and codecs.lookup(self.encoding)
        except (LookupError, UnicodeError):
            known = None
        if not known:
            raise ValueError(
                f"expected an encoding in which ASCII is itself, such as utf-8 or cp1252, got {self.encoding!r}"
                " (save the file as UTF-8)"
            )

    @property
    def is_utf8(self) -> bool:
        """Whether text is UTF-8."""
        return codecs.lookup(self.encoding).name == "utf-8"

    @property
    def delimiters(self) -> str:
        """What stands between values, in words."""
        return _NAMES[self.delimiter]


def likely_delimiters(line: str) -> list[str]:
    """The delimiters that the header `line` has most of; none where it has none."""
    counts = {delimiter: line.count(delimiter) for delimiter in _NAMES}
    most = max(counts.values())
    return [delimiter for delimiter, count in counts.items() if most and count == most]
