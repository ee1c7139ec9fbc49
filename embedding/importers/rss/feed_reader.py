"""RSS 2.0 and Atom, with the `itunes`, `podcast`, `psc` and tombstone extensions: from bytes to a Feed."""

import html

from lxml import etree

from embedding.importers.rss.elements import Children, name_of, text_of
from embedding.importers.rss.feed import Feed, FeedEpisode, Markup, Reference, WrittenChapter
from embedding.importers.rss.xml_tree import NotXmlError, XmlTree, local_name, parse_xml

# An enclosure of such a type is nothing to listen to: a cover, a page.
_NOT_AUDIO = ("image/", "text/")
_XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class NotAFeedError(Exception):
    """A document that is no feed: what was expected, and what came."""

    def __init__(self, came: str) -> None:
        super().__init__(f"expected a feed (RSS 2.0 or Atom), came {came}")


def read_feed(data: bytes) -> Feed:
    """The feed in `data`; NotAFeedError where there is none."""
    try:
        tree = parse_xml(data)
    except NotXmlError as error:
        raise NotAFeedError(f"no XML: {error}") from None
    root = tree.root
    kind = name_of(str(root.tag))
    if kind == "rss":
        channel = next((child for child in root if name_of(str(child.tag)) == "channel"), None)
        if channel is None:
            raise NotAFeedError("an <rss> without a <channel>")
        return _feed(channel, "", tree)
    if kind == "atom:feed":
        return _feed(root, "atom:", tree)
    raise NotAFeedError(f"a document of <{local_name(root)}>")


def _feed(element: etree._Element, prefix: str, tree: XmlTree) -> Feed:
    """The feed in a channel of RSS (no `prefix`) or a feed of Atom (`atom:`)."""
    children = Children(element)
    entries = children.all(f"{prefix}entry" if prefix else "item")
    if tree.ends_early:
        # Half of an episode must not take the place of the whole one.
        entries = entries[:-1]
    episodes = tuple(episode for entry in entries if (episode := _episode(entry, prefix)) is not None)
    selves = [link.get("href", "") for link in children.all("atom:link") if link.get("rel") == "self"]
    return Feed(
        title=children.text(f"{prefix}title", "itunes:title"),
        guid=children.text("podcast:guid"),
        address=selves[0].strip() if selves else None,
        moved_to=children.text("itunes:new-feed-url"),
        explicit=children.text("itunes:explicit"),
        language=children.text("language", "dc:language") or element.get(_XML_LANGUAGE),
        categories=_categories(children, prefix),
        episodes=episodes,
        deleted=children.attributes("at:deleted-entry", "ref"),
        num_others=len(entries) - len(episodes),
        damage=tree.damage,
    )


def _episode(entry: etree._Element, prefix: str) -> FeedEpisode | None:
    """The episode in an item or entry; None where it has nothing to listen to."""
    children = Children(entry)
    enclosure = _enclosure(children)
    if enclosure is None:
        return None
    chapters = [chapter for list_ in children.all("psc:chapters") for chapter in Children(list_).all("psc:chapter")]
    elsewhere = _references(children, "podcast:chapters")
    return FeedEpisode(
        line=entry.sourceline or 0,
        guid=children.text("atom:id" if prefix else "guid"),
        enclosure=enclosure,
        title=children.text(f"{prefix}title", "itunes:title"),
        description=_description(children),
        published=children.text("pubDate", "atom:published", "dc:date", "atom:updated"),
        duration=children.text("itunes:duration"),
        explicit=children.text("itunes:explicit"),
        language=children.text("dc:language") or entry.get(_XML_LANGUAGE),
        categories=_categories(children, prefix),
        chapters=tuple(WrittenChapter(one.get("start", ""), one.get("title", "")) for one in chapters),
        chapters_elsewhere=elsewhere[0] if elsewhere else None,
        transcripts=_references(children, "podcast:transcript"),
    )


def _enclosure(children: Children) -> str | None:
    """The address of the first thing to listen to."""
    enclosures = [(one.get("url", ""), one.get("type", "")) for one in children.all("enclosure")]
    links = [one for one in children.all("atom:link") if one.get("rel") == "enclosure"]
    enclosures += [(one.get("href", ""), one.get("type", "")) for one in links]
    for alternate in children.all("podcast:alternateEnclosure"):
        sources = Children(alternate).attributes("podcast:source", "uri")
        enclosures += [(uri, alternate.get("type", "")) for uri in sources]
    return next(
        (url.strip() for url, kind in enclosures if url.strip() and not kind.strip().lower().startswith(_NOT_AUDIO)),
        None,
    )


def _description(children: Children) -> Markup | None:
    """The fullest of the descriptions that an episode may have: the show notes, else the summary."""
    for element in children.all(
        "content:encoded", "atom:content", "description", "atom:summary", "itunes:summary", "itunes:subtitle"
    ):
        kind = element.get("type", "html")
        # Elements where text belongs: XHTML in Atom, or HTML that nobody escaped.
        text = _inner(element) if len(element) else text_of(element)
        if text:
            return Markup(text, is_html=len(element) > 0 or kind not in {"text", "text/plain"})
    return None


def _inner(element: etree._Element) -> str:
    parts = (etree.tostring(child, encoding="unicode", method="html") for child in element)
    return (html.escape(element.text or "", quote=False) + "".join(parts)).strip()


def _categories(children: Children, prefix: str) -> tuple[str, ...]:
    """Names of categories in their order, each once; one of iTunes before those inside it."""
    if prefix:
        names = [one.get("label") or one.get("term") or "" for one in children.all("atom:category")]
    else:
        names = [text_of(one) for one in children.all("category")]
    for category in children.all("itunes:category"):
        names += [category.get("text", ""), *Children(category).attributes("itunes:category", "text")]
    return tuple(dict.fromkeys(name for name in map(str.strip, names) if name))


def _references(children: Children, name: str) -> tuple[Reference, ...]:
    return tuple(
        Reference(url, one.get("type", "").partition(";")[0].strip().lower(), one.get("language", "").strip().lower())
        for one in children.all(name)
        if (url := one.get("url", "").strip())
    )
