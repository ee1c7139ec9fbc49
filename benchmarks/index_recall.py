"""What the index loses: recall of `recommend` over HTTP beside that of exact scores, for the same held-out listens.

    python -m benchmarks.index_recall PATH/TO/hetrec2011_lastfm

A fifth of the listens is held out by the common split; towers are trained on the rest, a release is built with the
rest, and every listener with held-out listens asks for 20. The exact figure is that of `nearfield evaluate
--test`, over the same items.
"""

import argparse
import hashlib
import http.client
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import msgspec

from benchmarks.product import CATALOGUE, INTERACTIONS, evaluate, import_data, train
from tests.running_sample import free_port, without_settings

_CONFIGS = Path(__file__).parent / "configs"
_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_TRAIN, _TEST = "data/train.jsonl", "data/test.jsonl"
_K = 20


def main() -> None:
    """Parse the command line and print both figures and what lies between them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of published files, named as in benchmarks/configs")
    parser.add_argument("--epochs", type=int, help="epochs in place of the config's")
    arguments = parser.parse_args()
    name = arguments.source.resolve().name
    config = (_CONFIGS / f"{name}.toml").read_text(encoding="utf-8")
    if arguments.epochs:
        lines = [line for line in config.splitlines() if not line.startswith("epochs")]
        config = "\n".join([*lines, f"epochs = {arguments.epochs}", ""])
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        import_data(work, name, arguments.source)
        held_out = _split(work)
        train(work, _TRAIN, config, "--split", "none")
        exact = evaluate(work, _TRAIN, "--test", _TEST, "--baselines", "none")["metrics"][f"recall@{_K}"]
        build = ("index", "build", CATALOGUE, "--model", "model", "--interactions", _TRAIN, "--no-text", "--activate")
        subprocess.run([*_CLI, *build, "--progress", "none"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        with _served(work) as port:
            indexed = fmean(_recalls(port, held_out))
    print(f"recall@{_K} of {len(held_out):,} listeners: exact {exact:.4f}, through the index {indexed:.4f}")
    print(f"of the exact recall {indexed / exact:.4f} is left")


def _split(work: Path) -> dict[str, set[str]]:
    """Write the two parts; the held-out items of each user. The catalogue keeps what occurs in either."""
    rows = [msgspec.json.decode(line) for line in (work / INTERACTIONS).read_text(encoding="utf-8").splitlines()]
    per_user = Counter(user for user, _ in {(row["user_id"], row["item_id"]) for row in rows})
    held_out: dict[str, set[str]] = defaultdict(set)
    with (work / _TRAIN).open("wb") as train_rows, (work / _TEST).open("wb") as test_rows:
        for row in rows:
            user, item = row["user_id"], row["item_id"]
            fold = int(hashlib.sha256(f"{user}\t{item}".encode()).hexdigest(), 16) % 5
            tests = fold == 0 and per_user[user] >= 5
            if tests:
                held_out[user].add(item)
            (test_rows if tests else train_rows).write(msgspec.json.encode(row) + b"\n")
    heard = {row["item_id"] for row in rows}
    items = (work / CATALOGUE).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in items if msgspec.json.decode(line)["id"] in heard]
    (work / CATALOGUE).write_text("".join(kept), encoding="utf-8")
    return held_out


def _recalls(port: int, held_out: dict[str, set[str]]) -> Iterator[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for user, wanted in held_out.items():
        body = {"user_id": user, "limit": _K, "context": {"market": "SE"}}
        connection.request("POST", "/v1/recommend", msgspec.json.encode(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = msgspec.json.decode(answer.read())
        if answer.status != 200:
            raise SystemExit(f"recommend answered {answer.status}: {content}")
        yield len(wanted & {hit["id"] for hit in content["hits"]}) / len(wanted)
    connection.close()


@contextmanager
def _served(work: Path) -> Iterator[int]:
    port, log = free_port(), work / "serve.log"
    with log.open("w") as lines:
        command = [*_CLI, "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=work, stderr=lines, env=without_settings())
    try:
        while "serves release" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None:
                raise SystemExit(log.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
