"""Training that is killed, refused, starved of memory or fed what is no number; and training by several processes."""

import multiprocessing
import subprocess
import sys
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.errors import DamagedError, MismatchError, NearfieldError
from embedding.rows.schema import Item
from embedding.towers.model_folder import WEIGHTS, read_manifest
from embedding.towers.vocabulary import Vocabulary
from embedding.training.checkpoint import Checkpoints, RunIdentity, checkpoint_path
from embedding.training.fit import fit
from embedding.training.training_data import TrainingData
from embedding.training.training_loop import FitOptions
from embedding.training.warm_start import check_warm_start
from tests.embedding.planted import NO_TEXT, QUIET, item_id, train_planted
from tests.embedding.rows.row_cases import write_jsonl
from tests.embedding.towers.test_old_models import FORMAT_1, FORMAT_2
from tests.embedding.training.training_program import train_short_of_memory, train_until_killed

# Imports torch once; each process is forked from there within milliseconds.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.embedding.training.training_program"])
_CPU = torch.device("cpu")
IDENTITY = RunIdentity(
    config={}, split={}, interactions="", items="", encoder=None, start=None, device="cpu", processes=1
)


def wait_for(path: Path, newer_than_ns: int, process: ForkServerProcess) -> int:
    """When `path` was written, later than told; fails where the process ends first."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        written = path.stat().st_mtime_ns if path.exists() else 0
        if written > newer_than_ns:
            return written
        assert process.is_alive(), "training ended before it could be killed"
        time.sleep(0.001)
    raise AssertionError(f"{path} was not written")


def test_a_run_killed_again_and_again_ends_with_the_weights_of_one_left_alone(tmp_path: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=15, patience=15, nested_dims=(8,), hard_negatives=2)
    undisturbed = train_planted(tmp_path / "alone", config)
    folder = tmp_path / "killed"
    checkpoint = checkpoint_path(folder / "model")
    written, steps = 0, []
    for _ in range(2):
        process = _SERVER.Process(target=train_until_killed, args=(folder, config))
        process.start()
        written = wait_for(checkpoint, written, process)
        process.kill()
        process.join()
        assert process.exitcode == -9
        state = torch.load(checkpoint, weights_only=True)["state"]
        steps.append((state["epoch"], state["done"]))

    report = train_planted(folder, config, resume=True)

    assert steps == sorted(set(steps))
    assert report.resumed_at is not None
    assert (report.losses, report.scores) == (undisturbed.losses, undisturbed.scores)
    assert (folder / "model" / WEIGHTS).read_bytes() == (tmp_path / "alone" / "model" / WEIGHTS).read_bytes()
    assert report.manifest == undisturbed.manifest
    assert not checkpoint.exists()


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=2, batch_size=101, nested_dims=(8,), hard_negatives=2)
    train_planted(tmp_path / "one", config)
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"),
            *(
                "-m",
                "tests.embedding.training.training_program",
                str(tmp_path / "two"),
                msgspec.json.encode(config).decode(),
            ),
        ],
        check=True,
        capture_output=True,
        timeout=400,
    )

    one, two = (load_file(tmp_path / name / "model" / WEIGHTS) for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, weights in one.items():
        torch.testing.assert_close(two[name], weights, atol=1e-4, rtol=1e-4)
    one_says, two_says = (read_manifest(tmp_path / name / "model") for name in ("one", "two"))
    assert (one_says.counts, one_says.fingerprint) == (two_says.counts, two_says.fingerprint)


def checkpointed(folder: Path, config: TrainConfig) -> None:
    """Leave the checkpoint of a run that did not end."""
    process = _SERVER.Process(target=train_until_killed, args=(folder, config))
    process.start()
    wait_for(checkpoint_path(folder / "model"), 0, process)
    process.kill()
    process.join()


def test_a_checkpoint_of_another_run_is_refused_and_says_what_differs(tmp_path: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, epochs=200)
    checkpointed(tmp_path, config)
    checkpoint = checkpoint_path(tmp_path / "model").read_bytes()
    other = msgspec.structs.replace(config, learning_rate=0.5, id_dropout=0.0)

    with pytest.raises(MismatchError, match=r"config\.id_dropout: 0\.3 then, 0\.0 now; config\.learning_rate: 0\.007"):
        train_planted(tmp_path, other, resume=True)
    with pytest.raises(MismatchError, match=r"another run\. items: .+; split\.name: 'common' then, 'none' now\. Give"):
        train_planted(tmp_path, config, resume=True, split="none")

    rows = (tmp_path / "data" / "interactions.jsonl").read_text().splitlines()
    changed = tmp_path / "changed.jsonl"
    changed.write_text("\n".join(rows[5:]) + "\n")
    with pytest.raises(MismatchError, match=r"another run\. interactions: '[0-9a-f]{64}' then"):
        train_planted(tmp_path, config, resume=True, interactions=changed)

    catalogue = tmp_path / "renamed.jsonl"
    catalogue.write_text((tmp_path / "data" / "catalogue.jsonl").read_text().replace("Band 0.1", "Other band"))
    with pytest.raises(MismatchError, match=r"another run\. items: '[0-9a-f]{64}' then"):
        train_planted(tmp_path, config, resume=True, catalogue=catalogue)

    assert checkpoint_path(tmp_path / "model").read_bytes() == checkpoint
    checkpoint_path(tmp_path / "model").write_bytes(checkpoint[: len(checkpoint) // 2])
    with pytest.raises(DamagedError, match="without --resume"):
        train_planted(tmp_path, config, resume=True)


def pairs_of(users: list[int], items: list[int]) -> Pairs:
    number = np.arange(len(users))
    return Pairs(
        np.array(users),
        np.array(items),
        np.ones(len(users), np.float32),
        np.full(len(users), np.nan),
        number.astype(np.uint64),
        *[number.astype(np.uint8)] * 2,
    )


def test_a_loss_that_is_no_number_stops_and_says_where_and_the_last_good_state_is_kept(tmp_path: Path) -> None:
    config = TrainConfig(features=("id", "text"), dims=4, batch_size=2, epochs=2)
    items = [Item(id=f"i{place}", kind="track", title="T", creator="C") for place in range(20)]
    text = np.full((20, 3), 0.5, np.float32)
    vocabulary = Vocabulary.learn(items, config.features, {})
    pairs = pairs_of(list(range(20)), list(range(20)))
    identity = RunIdentity(
        config={}, split={}, interactions="", items="", encoder=None, start=None, device="cpu", processes=1
    )
    order = torch.randperm(20, generator=torch.Generator().manual_seed(config.seed))
    # Its text is met in the last of the ten steps of the first epoch.
    text[int(order[-1])] = np.nan
    checkpoints = Checkpoints(tmp_path / "checkpoint", identity, resume=True)

    with pytest.raises(NearfieldError, match=r"became nan in epoch 1, step 9\. Lower `learning_rate`.*is kept in"):
        fit(
            TrainingData(vocabulary, vocabulary.encode(items, text), pairs, pairs.items, np.arange(20)),
            config,
            _CPU,
            QUIET,
            FitOptions(checkpoints=checkpoints),
        )

    state = checkpoints.load()
    assert state is not None
    assert state["done"] >= 1
    assert all(bool(weights.isfinite().all()) for weights in state["towers"].values())


def test_a_state_that_is_not_finite_is_not_written_over_a_good_one(tmp_path: Path) -> None:
    good = Checkpoints(tmp_path / "checkpoint", IDENTITY, resume=True)
    good.offer(lambda: {"towers": {"ids": torch.ones(2)}, "losses": [1.0]})
    for bad in ({"towers": {"ids": torch.tensor([1.0, float("nan")])}}, {"losses": [float("inf")]}):
        Checkpoints(tmp_path / "checkpoint", IDENTITY, resume=True).offer(lambda bad=bad: bad)

    assert good.load() == {"towers": {"ids": pytest.approx(torch.ones(2))}, "losses": [1.0]}


def test_a_checkpoint_makes_the_folder_that_the_model_will_lie_in(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path / "models" / "common")
    Checkpoints(path, IDENTITY, resume=False).offer(lambda: {"done": 1})
    assert Checkpoints(path, IDENTITY, resume=True).load() == {"done": 1}


def test_when_memory_runs_out_the_error_says_what_takes_it(tmp_path: Path) -> None:
    config = TrainConfig(features=("id",), dims=1_024, batch_size=2_000, epochs=1)
    process = _SERVER.Process(target=train_short_of_memory, args=(tmp_path / "said", 64 << 20, config))
    process.start()
    process.join(400)

    assert "Memory ran out while training" in (tmp_path / "said").read_text()
    assert "batch_size (2000) squared, 16 MB" in (tmp_path / "said").read_text()


def test_a_warm_start_keeps_old_rows_and_gives_new_ids_their_own(tmp_path: Path) -> None:
    config = msgspec.structs.replace(NO_TEXT, min_creator_items=1)
    first = train_planted(tmp_path, config)
    before = load_file(tmp_path / "model" / WEIGHTS)["candidate.ids"]
    catalogue = tmp_path / "grown.jsonl"
    fresh = [
        {"id": f"new-{place}", "kind": "episode", "title": "New", "creator": "New band", "tags": ["fresh"]}
        for place in range(3)
    ]
    catalogue.write_text(
        (tmp_path / "data" / "catalogue.jsonl").read_text() + write_jsonl(tmp_path / "fresh.jsonl", fresh).read_text()
    )
    # New listeners of the first group and of what is new beside it; of the other groups nothing is said.
    rows = [
        {"user_id": f"later-{user}", "item_id": item, "at": 1_800_000_000 + 7_000 * place}
        for user in range(30)
        for place, item in enumerate([item_id(0, (user + step) % 12) for step in range(4)] + [f"new-{user % 3}"])
    ]
    interactions = write_jsonl(tmp_path / "later.jsonl", rows)
    data = {"catalogue": catalogue, "interactions": interactions, "split": "none"}

    warm = train_planted(tmp_path, config, out=tmp_path / "warm", warm_start=tmp_path / "model", **data)
    afresh = train_planted(tmp_path, config, out=tmp_path / "afresh", **data)

    after = load_file(tmp_path / "warm" / WEIGHTS)["candidate.ids"]
    old, new = Vocabulary.load(tmp_path / "model"), Vocabulary.load(tmp_path / "warm")
    assert [new.ids.id_at(row) for row in range(len(old.ids))] == [old.ids.id_at(row) for row in range(len(old.ids))]
    assert [new.ids.find(f"new-{place}") for place in range(3)] == [48, 49, 50]
    assert new.values["creators"][: len(old.values["creators"])] == old.values["creators"]
    assert new.values["creators"][len(old.values["creators"]) :] == ("new band",)
    # Rows of items that nobody heard since are those of the model, bit for bit; those of heard ones have moved.
    row = old.ids.find(item_id(3, 5)) + 1
    assert torch.equal(after[row], before[row])
    assert not torch.equal(after[old.ids.find(item_id(0, 5)) + 1], before[old.ids.find(item_id(0, 5)) + 1])
    assert warm.losses[0] < afresh.losses[0]
    assert warm.manifest.warm_start == first.manifest.hash


def test_a_warm_start_from_weights_that_counted_otherwise_is_refused() -> None:
    old = read_manifest(FORMAT_1)

    with pytest.raises(MismatchError, match=r"this run\. tags: by their mean in the model, by their root now\. Give"):
        check_warm_start(old, old.config, old.encoder_hash)


def test_a_warm_start_from_a_model_without_the_same_queries_is_refused() -> None:
    old = read_manifest(FORMAT_2)
    asked = msgspec.structs.replace(old.config, features=(*old.config.features, "text"), text_query_weight=0.1)

    with pytest.raises(MismatchError, match="text queries: False in the model, True now"):
        check_warm_start(old, asked, None)


def test_a_warm_start_that_does_not_fit_says_what_differs(tmp_path: Path) -> None:
    train_planted(tmp_path, msgspec.structs.replace(NO_TEXT, epochs=1))
    other = msgspec.structs.replace(NO_TEXT, epochs=1, dims=8, features=("id", "tags"))

    with pytest.raises(MismatchError, match=r"dims: 16 in the model, 8 now; features: \('id', 'creators'"):
        train_planted(tmp_path, other, out=tmp_path / "other", warm_start=tmp_path / "model")
