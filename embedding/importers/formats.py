"""Which data sets can be imported, and how one is: all of it into a folder, or nothing."""

from pathlib import Path

from embedding.errors import NotFoundError
from embedding.importers.hetrec2011_lastfm import import_hetrec2011_lastfm
from embedding.importers.playlist_archive import import_playlist_archive
from embedding.importers.podcast_episodes import import_podcast_episodes
from embedding.importers.sources import Imported, Importer, Job
from embedding.importers.taste_profile import import_taste_profile
from embedding.progress import Reporter
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles

IMPORTERS: dict[str, Importer] = {
    "playlist_archive": import_playlist_archive,
    "podcast_episodes": import_podcast_episodes,
    "hetrec2011_lastfm": import_hetrec2011_lastfm,
    "taste_profile": import_taste_profile,
}


def import_set(
    name: str, source: Path, folder: Path, rejects: Rejects, max_reject_share: float, reporter: Reporter
) -> Imported:
    """Write catalogue.jsonl (and interactions.jsonl, where the set has any) into `folder`.

    Nothing is written unless all of it can be. Raises NotFoundError where a file of the set is missing,
    RejectedInputError where one is damaged or more than `max_reject_share` of the rows are bad.
    """
    if not source.is_dir():
        raise NotFoundError(f"expected the folder of {name} at {source}, but there is none")
    with RowFiles(folder) as files:
        imported = IMPORTERS[name](Job(source, files, rejects, reporter))
        rejects.enforce(max_reject_share)
    return imported
