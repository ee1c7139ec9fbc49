"""Small public data sets made by hand, in the layout of the real ones."""

import gzip
import json
from pathlib import Path
from typing import Any

EPISODE: dict[str, Any] = {
    "episode_id": "e1",
    "source": "a feed",
    "show_id": "s1",
    "show": "A show",
    "title": "An episode",
    "description": "What it is about.",
    "language": "it-it",
    "categories": ["News", "Storia"],
    "published": "2023-03-20T15:47:00Z",
    "duration_s": 498,
    "explicit": None,
    "guid": "g1",
}


def write(folder: Path, name: str, content: str | bytes) -> None:
    """Write a file of a set, gzip where its name says so."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(packed) if name.endswith(".gz") else packed)


def playlist_archive(folder: Path, gz: str = ".gz") -> Path:
    write(
        folder,
        f"tracks.csv{gz}",
        "track_id,title,artists,album,duration_s\n"
        "t1,One,Solo,First,60\n"
        't2,"Two, too",Ann; Ben;Cid,,61\n'
        "t3,Three,,First,\n",
    )
    write(folder, f"playlists.csv{gz}", "playlist_id,name,description,n\np1,Jazz hits,All about jazz,3\n")
    write(
        folder,
        f"playlist_tracks.csv{gz}",
        "playlist_id,track_id,added,removed\n"
        "p1,t1,2019-05-25,2019-06-01\n"
        "p1,t1,2020-01-01,\n"
        "p1,t2,2020-01-02,\n"
        "p2,t3,2020-01-03,\n",
    )
    return folder


def podcast_episodes(folder: Path, *changes: dict[str, Any], gz: str = ".gz") -> Path:
    rows = [{**EPISODE, **change} for change in changes or ({},)]
    write(folder, f"episodes.jsonl{gz}", "".join(json.dumps(row) + "\n" for row in rows))
    return folder


def hetrec2011_lastfm(folder: Path, gz: str = ".gz") -> Path:
    write(folder, f"artists.dat{gz}", 'id\tname\turl\tpictureURL\n1\tThe "Björns"\tu\tp\n2\tDiary\tu\t\n')
    write(folder, f"user_artists.dat{gz}", "userID\tartistID\tweight\n2\t1\t352698\n2\t2\t5\n3\t9\t1\n")
    write(folder, f"tags.dat{gz}", "tagID\ttagValue\n7\trock français\n8\trare\n9\tmetal\n".encode("latin-1"))
    given = [f"{user}\t1\t7\t1\t4\t2009" for user in range(10)]
    given += [f"{user}\t2\t8\t1\t4\t2009" for user in range(9)]
    given += [f"{user}\t{1 + user % 2}\t9\t1\t4\t2009" for user in range(12)]
    write(
        folder,
        f"user_taggedartists.dat{gz}",
        "userID\tartistID\ttagID\tday\tmonth\tyear\n" + "".join(f"{line}\n" for line in given),
    )
    return folder


def taste_profile(folder: Path, gz: str = ".gz") -> Path:
    write(
        folder,
        f"songs.csv{gz}",
        "song_id,title,release,artist_name,year\n"
        's1,Move,"Move, Along",Rejects,2005\n'
        "s2,,Hits,Somebody,0\n"
        "s3,Never played,Alone,Nobody,1999\n",
    )
    write(folder, f"interactions.csv{gz}", "user_id,song_id,play_count\nu1,s1,2\nu1,s9,1\nu2,s2,30\nu2,s9,4\n")
    return folder
