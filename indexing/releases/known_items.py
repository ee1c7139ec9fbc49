"""Which ids anything is known of: what is mistyped is told, and not hidden for good."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from embedding.errors import NearfieldError
from indexing.releases.releases import Releases


async def unknown_items(releases: Releases, ids: Sequence[str]) -> list[str]:
    """Those of `ids`, each once, that neither a release kept on this host nor any change in the log knows.

    A release that cannot be read knows none. Raises DamagedError or StateError where the log cannot be read.
    """
    left = await asyncio.to_thread(_in_no_release, releases, ids)
    said = await releases.state.items_said(left) if left else set()
    return [item_id for item_id in left if item_id not in said]


def _in_no_release(releases: Releases, ids: Sequence[str]) -> list[str]:
    left = list(dict.fromkeys(ids))
    for manifest in reversed(releases.manifests()):
        if not left:
            break
        with suppress(NearfieldError, OSError):
            find = releases.open(manifest.id).columns.ids.find
            left = [item_id for item_id in left if find(item_id) < 0]
    return left
