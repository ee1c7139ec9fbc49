"""How many rows an input has, counted by other means than the product's: None where they do not tell."""

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
import zipfile
from xml.etree.ElementTree import Element

_BOM = b"\xef\xbb\xbf"
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def lines_of_json(data: bytes) -> int:
    """Lines of JSONL that are not blank."""
    return sum(1 for line in data.removeprefix(_BOM).split(b"\n") if line.strip())


def rows_of_csv(data: bytes, delimiter: str = ",") -> int | None:
    """Rows below the header that have a cell with something in it, read as a whole; None where it is no plain CSV."""
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        return None
    if "\r" in text.replace("\r\n", ""):
        # The csv module ends lines at them where it splits the text itself.
        return None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter))
    except csv.Error:
        return None
    while rows and not rows[0]:
        # Blank lines may stand before the header.
        del rows[0]
    return sum(1 for row in rows[1:] if any(row)) if rows else None


def entries_of_json(data: bytes) -> int | None:
    """Entries of a JSON list; None where it is none."""
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return len(entries) if isinstance(entries, list) else None


def items_of_rss(data: bytes) -> int | None:
    """Items of the first channel of well-formed RSS, read by expat; None for other documents."""
    root = _tree(data)
    if root is None or root.tag != "rss":
        return None
    channel = root.find("channel")
    return None if channel is None else len(channel.findall("item"))


def rows_of_sheet(data: bytes) -> int | None:
    """Rows of a workbook's first sheet with a value or a formula in a cell; None where it is no plain workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = _tree(archive.read("xl/worksheets/sheet1.xml"))
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError, OSError, RuntimeError, ValueError):
        return None
    if root is None:
        return None
    return sum(1 for row in root.iter(f"{_SHEET}row") if any(_has_value(cell) for cell in row.iter(f"{_SHEET}c")))


def _has_value(cell: Element) -> bool:
    texts = (cell.find(f"{_SHEET}{name}") for name in ("f", "v", "is"))
    return any(text is not None and "".join(text.itertext()) for text in texts)


def _tree(data: bytes) -> Element | None:
    if b"<!ENTITY" in data or b"<!DOCTYPE" in data:
        return None
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
