"""What is imported: SRC as typed (file, folder, OPML, address), taken apart into places of feeds."""

from collections.abc import Iterable
from pathlib import Path

from embedding.errors import NotFoundError, RejectedInputError
from embedding.importers.rss.fetching import Fetcher, FetchError
from embedding.importers.rss.show import is_address
from embedding.importers.rss.xml_tree import NotXmlError, local_name, parse_xml

_FEED_ENDINGS = (".xml", ".rss", ".atom")
_OPML = ".opml"
# What may lie beside feeds: their transcripts and chapters.
_BESIDE = (".vtt", ".srt", ".json")


def feed_places(sources: Iterable[str], fetcher: Fetcher) -> list[str]:
    """Addresses and paths of all feeds that `sources` name, each once, in order.

    Raises NotFoundError where nothing is there, RejectedInputError for a folder without feeds or with other things, and
    for an OPML that cannot be read or names none.
    """
    places: list[str] = []
    for source in sources:
        if source.lower().partition("?")[0].endswith(_OPML):
            places += _in_opml(source, fetcher)
        elif is_address(source):
            places.append(source)
        elif not Path(source).exists():
            raise NotFoundError(f"expected a feed, a folder of feeds or an OPML at {source}, but nothing is there")
        elif Path(source).is_dir():
            places += _in_folder(Path(source), fetcher)
        else:
            places.append(source)
    return list(dict.fromkeys(places))


def _in_folder(folder: Path, fetcher: Fetcher) -> list[str]:
    places: list[str] = []
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name.startswith((".", "_")) or (name.endswith(_BESIDE) and path.is_file()):
            continue
        if path.is_dir() or not name.endswith((*_FEED_ENDINGS, _OPML)):
            raise RejectedInputError(
                f"expected feeds ({', '.join(_FEED_ENDINGS)} or {_OPML}) in {folder}, but {path.name} is none"
            )
        places += _in_opml(str(path), fetcher) if name.endswith(_OPML) else [str(path)]
    if not places:
        raise RejectedInputError(
            f"expected feeds ({', '.join(_FEED_ENDINGS)}) in the folder {folder}, but it holds none"
        )
    return places


def _in_opml(source: str, fetcher: Fetcher) -> list[str]:
    """The addresses in an OPML; a file may name files too, by paths that count from its folder."""
    try:
        data = fetcher.fetch(source).body if is_address(source) else Path(source).read_bytes()
        root = parse_xml(data).root
    except FileNotFoundError:
        raise NotFoundError(f"expected an OPML at {source}, nothing is there") from None
    except (FetchError, NotXmlError) as error:
        raise RejectedInputError(f"expected an OPML at {source}, came {error}") from None
    if local_name(root).lower() != "opml":
        raise RejectedInputError(f"expected an OPML at {source}, came a document of <{local_name(root)}>")
    written = [outline.get("xmlUrl") or outline.get("xmlurl") or "" for outline in root.iter("{*}outline")]
    places = [place.strip() for place in written if place.strip()]
    if not places:
        raise RejectedInputError(f"expected outlines with an xmlUrl in {source}, came none")
    if is_address(source):
        return [place for place in places if is_address(place)]
    return [place if is_address(place) else str(Path(source).parent / place) for place in places]
