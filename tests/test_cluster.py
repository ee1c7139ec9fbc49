"""From nothing to a takedown that holds through a killed node, by the commands of docs/cluster.md."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from embedding.rows.row_files import RowFiles
from tests.free_ports import free_port
from tests.indexing.release_worlds import make_items
from tests.postgres_server import postgres_server
from tests.qdrant_cluster import needs_qdrant_binary, running_cluster
from tests.service.workers.serving_processes import eventually

NEARFIELD = [sys.executable, "-c", "from service.cli import main; main()"]
TOKEN = "s3cret"


class Host:
    """A folder in which a person types commands, as one host of several."""

    def __init__(self, folder: Path, name: str, settings: dict[str, object]) -> None:
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        lines = {**settings, "host_name": name, "admin_token": TOKEN, "default_market": "SE", "port": self.port}
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
        (folder / "nearfield.toml").write_text(text)

    def type(self, *words: str) -> str:
        """A command, to its end; what it printed."""
        done = subprocess.run([*NEARFIELD, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def served(self) -> Iterator[None]:
        """`nearfield serve`, ended with the block."""
        log = self.folder / "serve.log"
        with log.open("wb") as out:
            process = subprocess.Popen([*NEARFIELD, "serve"], cwd=self.folder, stdout=out, stderr=out)
        try:
            eventually(lambda: "serves release" in log.read_text() or process.poll() is not None, 120)
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            process.wait()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def shows(self) -> set[str]:
        """Everything that is near one item."""
        status, answer = self.ask("POST", "/v1/similar", {"seeds": [{"id": "item-0"}], "limit": 100})
        assert status == 200, answer
        return {hit["id"] for hit in answer["hits"]}


@needs_qdrant_binary
def test_a_takedown_holds_on_every_host_through_a_killed_node(tmp_path: Path) -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(3))
        database = stack.enter_context(postgres_server())
        (tmp_path / "releases").mkdir()
        settings = {
            "state_url": database.new_database(),
            "qdrant_url": ",".join(cluster.urls),
            "qdrant_replicas": 2,
            "release_store": str(tmp_path / "releases"),
        }
        one, two = (Host(tmp_path / name, name, settings) for name in ("host-1", "host-2"))
        with RowFiles(one.folder) as files:
            files.write_items("catalogue.jsonl", make_items())
        one.type("index", "build", "catalogue.jsonl", "--activate")
        for host in (one, two):
            stack.enter_context(host.served())
        assert one.shows() == two.shows() >= {"item-1", "item-2", "item-3"}

        status, answer = two.ask("PUT", "/v1/items/item-1/takedown")
        assert (status, answer["taken_down"]) == (200, True), answer
        assert "item-1" not in one.shows() | two.shows()

        cluster.kill(0)
        status, answer = one.ask("PUT", "/v1/items/item-2/takedown")
        assert (status, answer["taken_down"]) == (200, True), answer
        for host in (one, two):
            assert not host.shows() & {"item-1", "item-2"}
            assert host.shows() >= {"item-3"}
        cluster.restart(0)
        two.type("index", "takedown", "item-3", "--why", "a claim")
        for host in (one, two):
            assert not host.shows() & {"item-1", "item-2", "item-3"}

        # Rules hold everywhere by one command; a page begun at one host is turned at the other.
        (one.folder / "strict.toml").write_text('[blocked]\nitems = ["item-4"]\n')
        one.type("rules", "accept", "strict.toml")
        assert "item-4" not in one.shows() | two.shows()
        body = {"seeds": [{"id": "item-0"}], "limit": 5}
        first = one.ask("POST", "/v1/similar", body)[1]
        second = two.ask("POST", "/v1/similar", {**body, "cursor": first["next_cursor"]})[1]
        assert not {hit["id"] for hit in first["hits"]} & {hit["id"] for hit in second["hits"]}

        # Another release goes live for both at once.
        live = one.type("index", "build", "catalogue.jsonl", "--activate").strip()
        for host in (one, two):
            assert host.ask("GET", "/health/ready")[1]["release"] == live
            assert not host.shows() & {"item-1", "item-2", "item-3", "item-4"}
        turned = two.ask("POST", "/v1/similar", {**body, "cursor": first["next_cursor"]})
        assert turned[0] == 200, turned


def test_the_page_says_what_is_typed_here() -> None:
    page = (Path(__file__).parent.parent / "docs" / "cluster.md").read_text(encoding="utf-8")
    for command in ("nearfield index build catalogue.jsonl", "nearfield serve", "nearfield rules accept"):
        assert command in page
