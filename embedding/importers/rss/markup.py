"""Text out of HTML: tags and entities gone, paragraphs and lines kept."""

import html
import re

from lxml import etree

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
# Tags at which a paragraph begins and ends, and those at which a line does.
_PARAGRAPHS = frozenset({"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "ul"})
_LINES = {
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "hr",
    "li",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
}
_BLOCKS = _PARAGRAPHS | _LINES
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS))})\b", re.IGNORECASE)
_UNSEEN = frozenset({"script", "style", "head", "template"})
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LINE_ENDS = re.compile(r"\r\n?")
_BLANKS = " \t\xa0"
_MANY_LINES = re.compile(r"\n{3,}")
# Python converts no number of more than 4,300 digits; the last character has seven.
_LONG_NUMBER = re.compile(r"&#[0-9]{8,};?")


def plain_text(markup: str) -> str:
    """`markup`, which may be HTML or none, as text; each entity is read once.

    Line ends count where no tag makes lines, as in the many descriptions that were written as plain text.
    """
    if _TAG.search(markup) is None:
        return _tidy(_unescaped(markup))
    parser = etree.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root: etree._Element | None = etree.fromstring(f"<div>{markup}</div>", parser)
    except etree.XMLSyntaxError:
        root = None
    if any(error.level == etree.ErrorLevels.FATAL for error in parser.error_log):
        # Nested beyond libxml2's bound, where it would leave out the rest.
        return _tidy(_unescaped(_TAG.sub(" ", markup)))
    return "" if root is None else _tidy("".join(_parts(root, keep_lines=_BLOCK_TAG.search(markup) is None)))


def one_line(written: str) -> str:
    """A title as text: entities that were escaped twice read, white space collapsed."""
    return " ".join(_unescaped(written).split())


def _parts(root: etree._Element, *, keep_lines: bool) -> list[str]:
    parts: list[str] = []

    def add(text: str | None) -> None:
        if text and not unseen:
            parts.append(text if keep_lines else _SPACE.sub(" ", text))

    unseen = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = str(element.tag)
        if event == "start":
            unseen += tag in _UNSEEN
            if tag in _BLOCKS:
                parts.append("\n\n" if tag in _PARAGRAPHS else "\n")
            add(element.text)
        else:
            unseen -= tag in _UNSEEN
            if tag in _BLOCKS and tag != "br":
                parts.append("\n\n" if tag in _PARAGRAPHS else "\n")
            add(element.tail)
    return parts


def _unescaped(text: str) -> str:
    """`text` with HTML's entities read."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _tidy(text: str) -> str:
    """Without white space at the ends of lines, and with at most one empty line in a row."""
    if "\n" in text or "\r" in text:
        lines = (line.strip(_BLANKS) for line in _LINE_ENDS.sub("\n", text).split("\n"))
        text = _MANY_LINES.sub("\n\n", "\n".join(lines))
    return text.strip()
