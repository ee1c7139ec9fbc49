#!/usr/bin/env bash
# feedparser 6.0.14: `itunes:explicit` in the words that Apple asks for is lost.
# A good guess: true gives True, false gives False; for years they have been the documented values of the tag.
# Seen: only the words of long ago are known, in small letters: yes is True, clean is False. true, false and no are all
# None, as if nothing had been said: an episode marked explicit can't be told from one marked clean.
# (podcastparser 0.6.11 reads all five.)
#   true None, false None, no None, yes True, clean False
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room"
"$room/bin/pip" install --quiet --disable-pip-version-check feedparser==6.0.14 podcastparser==0.6.11

"$room/bin/python" - <<'EOF'
import io
import sys

import feedparser
import podcastparser

FEED = """<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
<channel><title>Knots</title><item><title>One</title><itunes:explicit>{}</itunes:explicit>
<enclosure url="https://example.org/1.mp3" length="1" type="audio/mpeg"/></item></channel></rss>"""

seen, other = {}, {}
for word in ("true", "false", "no", "yes", "clean"):
    feed = FEED.format(word)
    seen[word] = feedparser.parse(feed).entries[0]["itunes_explicit"]
    parsed = podcastparser.parse("https://example.org/feed", io.BytesIO(feed.encode()))
    other[word] = parsed["episodes"][0]["explicit"]
print("feedparser", seen, "podcastparser", other)
if seen != {"true": None, "false": None, "no": None, "yes": True, "clean": False}:
    sys.exit("this has changed")
if other != {"true": True, "false": False, "no": False, "yes": True, "clean": False}:
    sys.exit("podcastparser has changed")
EOF
