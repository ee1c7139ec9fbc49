"""Which exports of listens `nearfield import` knows, in the order in which help lists them."""

from embedding.importers.listens.lastfm import LastFm
from embedding.importers.listens.listen import ListenFormat
from embedding.importers.listens.listenbrainz import ListenBrainz
from embedding.importers.listens.spotify_history import SpotifyHistory
from embedding.registry import Registry

LISTEN_FORMATS: Registry[ListenFormat] = Registry("export of listens", (SpotifyHistory(), LastFm(), ListenBrainz()))
