"""Which public data sets `nearfield import` knows: one importer each, in the order in which help lists them."""

from embedding.importers.hetrec2011_lastfm import HetRec2011LastFm
from embedding.importers.importer import Importer
from embedding.importers.playlist_archive import PlaylistArchive
from embedding.importers.podcast_episodes import PodcastEpisodes
from embedding.importers.taste_profile import TasteProfile
from embedding.registry import Registry

IMPORTERS: Registry[Importer] = Registry(
    "data set",
    (
        PlaylistArchive(),
        PodcastEpisodes(),
        HetRec2011LastFm(),
        TasteProfile(),
    ),
)
