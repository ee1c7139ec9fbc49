"""A manifest that says of a release what nobody reads, but for its files."""

from indexing.release.manifest import FORMAT, Counts, GateReport, Manifest


def made_manifest(release_id: str, files: str, lineage: tuple[str, ...] = ()) -> Manifest:
    """Of a release of one track, built by text; `files` is the hash of its files."""
    none = dict.fromkeys(("episodes", "passages", "users", "interactions", "rejected_rows", "rejected_interactions"), 0)
    return Manifest(
        format=FORMAT,
        id=release_id,
        created_at="2026-01-01T00:00:00+00:00",
        content="c",
        files=files,
        space="text",
        dims={"text": 3},
        encoder_hash="e",
        words_hash="w",
        model_hash=None,
        input_fields=("title",),
        crossing=(),
        extra_fields=(),
        rules_version="v",
        counts=Counts(points=1, tracks=1, **none),
        gate=GateReport(points_in_store=1, canaries=1, canary_recall=1.0),
        lineage=lineage,
        journal_seq=0,
    )
