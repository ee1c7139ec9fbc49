"""All files that belong to a release: its own, the plans that were measured on it, the lines of its catalogue.

Its own never change once it is finished, but for the engine's configuration, which is written anew, to the same
meaning, at every load; plans and lines are replaced by those of today. So what may change is copied first.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from embedding.durable_files import hash_file
from indexing.release.manifest import FILES, MANIFEST, Manifest
from indexing.releases.known_lines import lines_path, named_table
from indexing.releases.stored_listing import StoredFile
from indexing.stores.contract import POINTS


class Belonging(Struct, frozen=True):
    """A file of a release: where its bytes can be read, and what they are."""

    source: Path
    file: StoredFile


@contextmanager
def belongings(data_dir: Path, manifest: Manifest) -> Iterator[dict[str, Belonging]]:
    """Every file that belongs to a release, by its path in the data folder; they stay as they are in the context.

    What `files.json` has of a file is taken as its hash: whoever has not checked the release does so first.
    """
    folder = data_dir / "releases" / manifest.id
    hashes: dict[str, str] = msgspec.json.decode((folder / FILES).read_bytes(), type=dict[str, str])
    with TemporaryDirectory(prefix="nearfield-push-") as copies:
        found = {}
        for name in (*hashes, FILES, MANIFEST):
            path = folder / name
            key = f"releases/{manifest.id}/{name}"
            if _is_configuration(name):
                found[key] = _copied(path, Path(copies) / key)
            else:
                digest = hashes.get(name) or hash_file(path)
                found[key] = Belonging(path, StoredFile(digest, path.stat().st_size))
        # Oldest first: whoever has no plans for the rules in force takes the newest of the others.
        plans = sorted((data_dir / "plans" / manifest.id).glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in plans:
            key = str(path.relative_to(data_dir))
            found[key] = _copied(path, Path(copies) / key)
        found |= _lines(data_dir, manifest.id, Path(copies))
        yield found


def _is_configuration(name: str) -> bool:
    return name.startswith(POINTS) and name.endswith(".json")


def _lines(data_dir: Path, release_id: str, copies: Path) -> dict[str, Belonging]:
    """The lines of the release's catalogue; none while a sync replaces them, as half of them is of use to nobody."""
    path = lines_path(data_dir, release_id)
    pair = (path, path.with_suffix(".json"))
    if not all(one.is_file() for one in pair):
        return {}
    table, state = (_copied(one, copies / one.relative_to(data_dir)) for one in pair)
    if named_table(state.source) != table.file.sha256:
        return {}
    return {str(one.relative_to(data_dir)): copy for one, copy in zip(pair, (table, state), strict=True)}


def _copied(path: Path, target: Path) -> Belonging:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return Belonging(target, StoredFile(hash_file(target), target.stat().st_size))
