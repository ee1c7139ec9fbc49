"""The children of an element by their names, with prefixes that do not depend on the document."""

from functools import lru_cache

from lxml import etree

# By address without its scheme, in lower case: feeds write both in several ways.
_PREFIXES = {
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "podcastindex.org/namespace/1.0": "podcast:",
    "github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast:",
    "purl.org/rss/1.0/modules/content/": "content:",
    "purl.org/dc/elements/1.1/": "dc:",
    "www.w3.org/2005/atom": "atom:",
    "podlove.org/simple-chapters": "psc:",
    "purl.org/atompub/tombstones/1.0": "at:",
    # RSS has none; some give it one.
    "backend.userland.com/rss2": "",
    "": "",
}


class Children:
    """The children of one element."""

    def __init__(self, element: etree._Element) -> None:
        self._found: dict[str, list[etree._Element]] = {}
        for child in element:
            if isinstance(child.tag, str):
                self._found.setdefault(name_of(child.tag), []).append(child)

    def all(self, *names: str) -> list[etree._Element]:
        """The children of these names: those of the first name first."""
        return [child for name in names for child in self._found.get(name, ())]

    def text(self, *names: str) -> str | None:
        """The text, without white space around it, of the first child of these names that has any."""
        for name in names:
            for child in self._found.get(name, ()):
                if text := text_of(child):
                    return text
        return None

    def attributes(self, name: str, attribute: str) -> tuple[str, ...]:
        """The values of an attribute of the children of one name, without those that are empty."""
        values = [child.get(attribute, "").strip() for child in self._found.get(name, ())]
        return tuple(value for value in values if value)


@lru_cache(maxsize=1024)
def name_of(tag: str) -> str:
    """The name of a tag as this module writes it; under a namespace that is not known, the tag itself."""
    namespace, _, local = tag.removeprefix("{").rpartition("}")
    prefix = _PREFIXES.get(namespace.partition("://")[2].lower() if namespace else "")
    # Podlove's namespace has its version as a fragment or a path, or none.
    if prefix is None and namespace.partition("://")[2].startswith("podlove.org/simple-chapters"):
        prefix = "psc:"
    return tag if prefix is None else prefix + local


def text_of(element: etree._Element) -> str:
    """All text in an element, without white space around it."""
    # Nearly none has children.
    return ("".join(element.itertext()) if len(element) else element.text or "").strip()
