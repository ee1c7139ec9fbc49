"""Collections that a build left behind whose folder is gone: the next build removes them."""

from collections.abc import Iterable

from embedding.progress import Reporter
from indexing.release.passages import passages_collection
from indexing.stores.contract import VectorStore


async def remove_leftovers(store: VectorStore, releases: Iterable[str], reporter: Reporter) -> list[str]:
    """Drop this state's collections that belong to none of `releases`, finished or not, and say so; their names.

    `releases` must name those of every host, and the build lock be held: what nobody names is gone afterwards.
    """
    known = {name for release_id in releases for name in (release_id, passages_collection(release_id))}
    found = await store.leftovers(known)
    for name in found:
        await store.drop(name)
        reporter.say(f"Removed collection {name}: no release and no running build knows it")
    return found
