"""How feeds become a catalogue: what is new or changed is read, what has left a feed stays, all of it or nothing."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.durable_files import hash_of, write_durably
from embedding.errors import RejectedInputError
from embedding.importers.import_job import CATALOGUE
from embedding.importers.rss.answers import REQUESTS, Answer, answers
from embedding.importers.rss.documents import Documents, documents_of, has_documents, without_documents
from embedding.importers.rss.episode_rows import episode_item
from embedding.importers.rss.feed import Feed, FeedEpisode
from embedding.importers.rss.feed_reader import NotAFeedError, read_feed
from embedding.importers.rss.feed_state import STATE, FeedState, KnownFeed, load_state
from embedding.importers.rss.fetching import NOTHING_KNOWN, Fetcher
from embedding.importers.rss.merging import Merge
from embedding.importers.rss.notes import Notes
from embedding.importers.rss.show import episode_id, guid_of, show_id
from embedding.importers.rss.sources import feed_places
from embedding.progress import Reporter
from embedding.rows.compact_id_map import CompactIdMap
from embedding.rows.rejects import Fault, Rejects, shown
from embedding.rows.row_files import RowFiles
from embedding.rows.row_parser import RowProblem

_HASH_DIGITS = 16
# Notes in an error.
_TOLD = 3


class ImportedFeeds(Struct, frozen=True):
    """Counts of an import: of rows, those in the catalogue, new ones among them, those that left it; of feeds, those
    that were read, are as they were, and could not be had. `notes`: a line each."""

    items: int
    added: int
    removed: int
    feeds_read: int
    feeds_unchanged: int
    feeds_failed: int
    notes: tuple[str, ...]


def import_feeds(
    sources: Sequence[str],
    folder: Path,
    rejects: Rejects,
    max_reject_share: float,
    reporter: Reporter,
    *,
    remove_missing: bool = False,
    allow_local: bool = False,
) -> ImportedFeeds:
    """Bring the catalogue in `folder` up to date with the feeds that `sources` name (see `feed_places`).

    Only what is new or changed is fetched and read. What has left a feed stays in the catalogue unless
    `remove_missing`; what a host says is deleted leaves it. A feed that cannot be had is told, and its rows stay.
    Nothing is written unless all of it can be. Raises NotFoundError and RejectedInputError: for sources, where not one
    feed could be read, where more than `max_reject_share` of the catalogue's episodes are bad, where no episode is
    left, and for a folder of other origin.
    """
    state = load_state(folder)
    before = msgspec.json.encode(state)
    with Fetcher(allow_local=allow_local) as fetcher, _requests() as pool, RowFiles(folder) as files:
        job = _FeedImport(state, fetcher, pool, rejects, reporter)
        places = feed_places(sources, fetcher)
        with reporter.stage("feeds", len(places)) as advance:
            for answer in answers(places, state.feeds, fetcher, pool, conditional=not remove_missing):
                job.take(answer, files, remove_missing=remove_missing)
                advance(1)
        merge, failures = job.finished(), job.notes.failures
        if len(failures) == len(places):
            raise RejectedInputError(f"not one feed of {len(places):,} could be read, the first: {failures[0]}")
        if merge.changes_catalogue or not state.items:
            files.write_lines(CATALOGUE, merge.kept_lines(folder))
            state.items = len(merge.fresh) + merge.num_kept
        # Of the whole catalogue: on most days few feeds are read, and one bad episode is a large share of these.
        rejects.accept(state.items - len(merge.fresh))
        if rejects.rejected:
            rejects.enforce(max_reject_share)
        if not state.items:
            why = "".join(f"; {line}" for line in job.notes.lines()[:_TOLD])
            raise RejectedInputError(
                f"expected episodes, but none would be in the catalogue; it is left as it was{why}"
            )
    state.catalogue_bytes = (folder / CATALOGUE).stat().st_size
    if (after := msgspec.json.encode(state)) != before:
        # Behind the catalogue: what is remembered of another one is not trusted.
        write_durably(folder / STATE, after)
    return ImportedFeeds(
        items=state.items,
        added=len(merge.fresh) - merge.num_replaced,
        removed=merge.num_removed,
        feeds_read=job.num_read,
        feeds_unchanged=job.num_unchanged,
        feeds_failed=len(failures),
        notes=job.notes.lines(),
    )


@contextmanager
def _requests() -> Iterator[ThreadPoolExecutor]:
    """Threads for requests; what has not begun when the context is left never does."""
    pool = ThreadPoolExecutor(REQUESTS)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _FeedImport:
    """One import at work."""

    def __init__(
        self, state: FeedState, fetcher: Fetcher, pool: ThreadPoolExecutor, rejects: Rejects, reporter: Reporter
    ) -> None:
        self.notes = Notes()
        self._state, self._merge = state, Merge(CompactIdMap())
        self._shows_by_guid, self._shows_by_move = state.shows_by_guid(), state.shows_by_move()
        self.num_read = self.num_unchanged = 0
        self._fetcher, self._pool, self._rejects, self._reporter = fetcher, pool, rejects, reporter
        # Where each show was read, in this import.
        self._shows: dict[str, str] = {}
        self._gone: list[str] = []

    def finished(self) -> Merge:
        """What the answers make of the catalogue."""
        for place in self._gone:
            self._state.feeds.pop(place, None)
        # A show whose feed is gone here may be read elsewhere: it has moved.
        self._merge.gone -= self._shows.keys()
        return self._merge

    def take(self, answer: Answer, files: RowFiles, *, remove_missing: bool) -> None:
        """Carry out what came for one feed."""
        place, known, fetched = answer.place, answer.known, answer.fetched
        if fetched is None:
            self.notes.failed(place, answer.error)
            return
        if fetched.moved_to is not None:
            self.notes.say(f"{place} has moved to {fetched.moved_to}: ask there from now on")
            known.moved_to = tuple(dict.fromkeys((*known.moved_to, fetched.moved_to)))
        if fetched.state == "gone":
            self.notes.say(f"{place} is gone for good (410), and its episodes with it: ask for it no longer")
            self._gone.append(place)
            if known.show:
                self._merge.gone.add(known.show)
            return
        if fetched.state == "unchanged":
            self.num_unchanged += 1
            self._shows.setdefault(known.show, place)
            self._state.feeds[place] = known
            return
        try:
            feed = read_feed(fetched.body)
        except NotAFeedError as error:
            self.notes.failed(place, str(error))
            return
        self._take_feed(feed, place, known, files, remove_missing=remove_missing)

    def _take_feed(self, feed: Feed, place: str, known: KnownFeed, files: RowFiles, *, remove_missing: bool) -> None:
        # As it was known here, or at another place from which it has moved.
        of_before = known.show or self._shows_by_guid.get(feed.guid or "") or self._shows_by_move.get(place)
        known.show = of_before or show_id(feed, place)
        known.guid = feed.guid
        first = self._shows.setdefault(known.show, place)
        if first != place:
            self.notes.say(f"{place} is of the same show as {first}: passed over")
            return
        self.num_read += 1
        if feed.damage is not None:
            self.notes.say(f"{place} is not well-formed, and some of it may be missing ({feed.damage})")
        if feed.moved_to is not None and feed.moved_to != place:
            self.notes.say(f"{place} says that it has moved to {feed.moved_to}")
            known.moved_to = tuple(dict.fromkeys((*known.moved_to, feed.moved_to)))
        self.notes.odd["no enclosure"] += feed.num_others
        episodes: dict[str, FeedEpisode] = {}
        for episode in feed.episodes:
            # Of those that share a guid, the first one counts.
            if episodes.setdefault(episode_id(known.show, guid_of(episode)), episode) is not episode:
                expected = "a guid that did not come before in its feed"
                self._rejects.add(place, episode.line, Fault("guid", expected, shown(guid_of(episode))))
        deleted = (episode_id(known.show, guid) for guid in feed.deleted)
        self._merge.deleted |= set(deleted) - episodes.keys()
        if remove_missing and feed.damage is None:
            self._merge.listed[known.show] = set(episodes)
        self._write_episodes(feed, episodes, place, known, files)
        self._state.feeds[place] = known

    def _write_episodes(
        self, feed: Feed, episodes: dict[str, FeedEpisode], place: str, known: KnownFeed, files: RowFiles
    ) -> None:
        before = known.documents
        # What a row is made of, where that is more than the feed itself: as long as it is the same, the row stays.
        made_of = {item_id: _made_of(feed, one) for item_id, one in episodes.items() if has_documents(one)}
        known.documents = {item_id: made for item_id, made in made_of.items() if before.get(item_id) == made}
        changed = {item_id: one for item_id, one in episodes.items() if item_id not in known.documents}
        fetched = self._documents(feed, {item_id: changed[item_id] for item_id in made_of if item_id in changed}, place)
        for item_id, episode in changed.items():
            documents = fetched.get(item_id) or without_documents(episode)
            self.notes.documents(documents.problems)
            if documents.later and item_id in before:
                # A row that has its transcript stays until the new one is here.
                known.documents[item_id] = before[item_id]
            elif self._write(feed, episode, known.show, documents, place, files) and not documents.later:
                known.documents |= {item_id: made_of[item_id]} if item_id in made_of else {}
        if feed.damage is not None or any(documents.later for documents in fetched.values()):
            # Asked for anew next time, since what is missing may be there then.
            known.validators, known.sha256, known.size = NOTHING_KNOWN, None, None

    def _documents(self, feed: Feed, episodes: dict[str, FeedEpisode], place: str) -> dict[str, Documents]:
        if not episodes:
            return {}
        found = []
        with self._reporter.stage("transcripts and chapters", len(episodes)) as advance:
            for documents in self._pool.map(
                lambda one: documents_of(feed, one, place, self._fetcher), episodes.values()
            ):
                found.append(documents)
                advance(1)
        return dict(zip(episodes, found, strict=True))

    def _write(
        self, feed: Feed, episode: FeedEpisode, show: str, documents: Documents, place: str, files: RowFiles
    ) -> bool:
        """Write a row, or reject it; whether it was written."""
        try:
            item = episode_item(feed, episode, show, documents.cues, documents.chapters, self.notes.odd)
        except RowProblem as problem:
            self._rejects.add(place, episode.line, *problem.faults)
            return False
        self._merge.fresh.add(item.id, 0)
        self._rejects.accept(1)
        files.write_items(CATALOGUE, [item])
        return True


def _made_of(feed: Feed, episode: FeedEpisode) -> str:
    """A hash of all that the feed says of an episode, wherever in the feed it stands."""
    of_show = (feed.title, feed.language, feed.explicit, feed.categories)
    return hash_of((of_show, msgspec.structs.replace(episode, line=0)))[:_HASH_DIGITS]
