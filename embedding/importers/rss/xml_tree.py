"""XML as hosts write it, parsed by lxml into a tree: with what can be mended mended, and no entity ever fetched."""

import re
from html.entities import html5
from typing import NamedTuple

from lxml import etree

# In XML without a DTD these five alone are defined.
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
# Where the last tag of a document is looked for: comments may come behind it.
_TAIL = 1024
_CONTROLS = bytes(set(range(32)) - {9, 10, 13})
_DECLARED = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*\?>")
# CDATA is text already: what stands in it is left alone, up to the end where it is not closed.
_AMPERSAND = re.compile(
    rb"<!\[CDATA\[(?:.*?\]\]>|.*)|&(#[0-9]+;|#x[0-9A-Fa-f]+;|([A-Za-z][A-Za-z0-9]{1,31});)?", re.DOTALL
)


class NotXmlError(Exception):
    """Bytes that are no XML at all, and how they begin."""


class XmlTree(NamedTuple):
    """The root of a document; in words what is wrong with it, None where all of it was read; and whether its end is
    missing, and so maybe the end of the last element."""

    root: etree._Element
    damage: str | None = None
    ends_early: bool = False


def parse_xml(data: bytes) -> XmlTree:
    """The tree of `data`.

    What is not well-formed is mended in the ways in which feeds are found not to be: HTML's entities without a DTD, a
    bare ampersand, control characters, Windows-1252 under the name of UTF-8, space before the declaration. What is
    still wrong then is skipped by lxml, and told as `damage`, since elements may be missing. Raises NotXmlError.
    """
    try:
        return XmlTree(etree.fromstring(data, _parser(recover=False)))
    except etree.XMLSyntaxError:
        pass
    mended, encoding = _mended(data)
    parser = _parser(recover=True, encoding=encoding)
    try:
        root: etree._Element | None = etree.fromstring(mended, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise NotXmlError(repr(data[:60].decode("utf-8", "replace")))
    errors = [error for error in parser.error_log if error.level >= etree.ErrorLevels.ERROR]
    if not errors:
        return XmlTree(root)
    end = re.compile(rb"</(?:[\w.-]+:)?%s\s*>" % re.escape(local_name(root).encode()))
    return XmlTree(root, f"line {errors[0].line}: {errors[0].message}", end.search(mended[-_TAIL:]) is None)


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace; lxml's QName refuses some of those that its recovery gives."""
    return str(element.tag).rpartition("}")[2]


def _parser(*, recover: bool, encoding: str | None = None) -> etree.XMLParser:
    # Entities of a DTD are not resolved: neither files nor a text that grows without end come in by one.
    return etree.XMLParser(
        recover=recover,
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )


def _mended(data: bytes) -> tuple[bytes, str | None]:
    """`data` without the usual faults, and its encoding where it is another than declared."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        # UTF-16: its bytes are no ASCII to mend.
        return data, None
    data = _AMPERSAND.sub(_mended_ampersand, data.lstrip().translate(None, _CONTROLS))
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    if declared is not None and declared[1].lower() not in {b"utf-8", b"utf8"}:
        return data, None
    try:
        data.decode()
    except UnicodeDecodeError:
        return data, "windows-1252"
    return data, None


def _mended_ampersand(found: re.Match[bytes]) -> bytes:
    whole, name = found[0], found[2]
    if whole.startswith(b"<"):
        return whole
    if name is None:
        return whole if len(whole) > 1 else b"&amp;"
    if (entity := name.decode()) in _XML_ENTITIES:
        return whole
    meant = html5.get(f"{entity};")
    return b"&amp;" + whole[1:] if meant is None else "".join(f"&#{ord(char)};" for char in meant).encode()
