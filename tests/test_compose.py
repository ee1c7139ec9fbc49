"""The compose file is valid, pinned and healthy before the service starts."""

import re
import socket
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from indexing.settings import StorePlace
from indexing.stores.sharding import Sharding, sharding_of
from service.schemas.load_settings import load_settings

ROOT = Path(__file__).parent.parent
COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    parsed = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    assert isinstance(parsed, dict)
    return parsed


def variables(service: dict[str, Any]) -> dict[str, str]:
    """The service's environment where the shell has set nothing."""
    return {name: re.sub(r"\$\{.*\}", "", value) for name, value in service["environment"].items()}


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_follows_the_compose_schema() -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_schema_would_find_a_misspelt_key(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text(encoding="utf-8").replace("healthcheck:", "healtcheck:"), encoding="utf-8")
    result = check_schema(broken)
    assert result.returncode == 1
    assert "healtcheck" in result.stdout


def test_qdrant_is_pinned_within_one_minor_version_of_the_client(services: dict[str, Any]) -> None:
    image = re.fullmatch(r"qdrant/qdrant:v(\d+)\.(\d+)\.(\d+)", services["qdrant"]["image"])
    assert image, services["qdrant"]["image"]
    major, minor, _ = map(int, version("qdrant-client").split("."))
    assert int(image[1]) == major
    assert abs(int(image[2]) - minor) <= 1


def test_the_cluster_has_three_nodes_of_the_same_image_and_one_founds_it(services: dict[str, Any]) -> None:
    nodes = {name: service for name, service in services.items() if re.fullmatch(r"qdrant-\d", name)}
    assert sorted(nodes) == ["qdrant-1", "qdrant-2", "qdrant-3"]
    for name, node in nodes.items():
        assert node["image"] == services["qdrant"]["image"]
        assert node["healthcheck"] == services["qdrant"]["healthcheck"]
        assert node["profiles"] == ["cluster"]
        assert node["environment"] == {"QDRANT__CLUSTER__ENABLED": "true"}
        assert node["volumes"] == [f"{name}-data:/qdrant/storage"]
        # Nodes talk to each other on the port after that of gRPC; each is told its own address.
        uri = node["command"].index("--uri")
        assert node["command"][uri + 1] == f"http://{name}:6335"
        assert "ports" not in node
    founders = [name for name, node in nodes.items() if "--bootstrap" not in node["command"]]
    assert founders == ["qdrant-1"]
    for name in ("qdrant-2", "qdrant-3"):
        bootstrap = nodes[name]["command"].index("--bootstrap")
        assert nodes[name]["command"][bootstrap + 1] == "http://qdrant-1:6335"
        assert nodes[name]["depends_on"] == {"qdrant-1": {"condition": "service_healthy"}}


def test_hosts_of_the_cluster_share_state_vectors_and_releases_and_no_data_folder(
    services: dict[str, Any], tmp_path: Path
) -> None:
    hosts = [services[name] for name in ("nearfield-1", "nearfield-2")]
    settings = [load_settings(tmp_path, variables(host), {}) for host in hosts]
    for number, (host, its) in enumerate(zip(hosts, settings, strict=True), start=1):
        assert host["profiles"] == ["cluster"]
        waited_for = ("postgres", "qdrant-1", "qdrant-2", "qdrant-3")
        assert host["depends_on"] == {name: {"condition": "service_healthy"} for name in waited_for}
        assert host["volumes"] == [f"nearfield-{number}-data:/data", "releases:/releases"]
        assert "ports" not in host
        assert its.host_name == f"nearfield-{number}"
        assert its.release_store == StorePlace("/releases")
        # Of two copies on three nodes one is left whichever node fails, and queries go on.
        assert sharding_of(its) == Sharding(shards=3, replicas=2)
        assert its.qdrant_url == ",".join(f"http://qdrant-{node}:6333" for node in (1, 2, 3))
    database = services["postgres"]
    user, name = (database["environment"][f"POSTGRES_{key}"] for key in ("USER", "DB"))
    assert {its.state_url for its in settings} == {f"postgresql://{user}@postgres/{name}"}
    assert database["profiles"] == ["cluster"]
    assert re.fullmatch(r"postgres:\d+\.\d+", database["image"])
    assert "ports" not in database


def test_the_proxy_outlives_a_host_and_sends_no_change_twice(services: dict[str, Any]) -> None:
    proxy = services["proxy"]
    (config,) = proxy["configs"]
    text = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["configs"][config["source"]]["content"]
    assert (
        set(re.findall(r"server (nearfield-\d):8080", text))
        == set(proxy["depends_on"])
        == {"nearfield-1", "nearfield-2"}
    )
    assert "proxy_next_upstream error timeout http_503;" in text
    # nginx asks the next host only for what may be asked twice, unless it is told otherwise.
    assert "non_idempotent" not in text
    assert proxy["ports"] == ["127.0.0.1:8081:8080"]
    assert re.fullmatch(r"nginx:\d+\.\d+\.\d+", proxy["image"])


def test_without_the_profile_there_is_one_server(services: dict[str, Any]) -> None:
    assert sorted(name for name, service in services.items() if "profiles" not in service) == ["nearfield", "qdrant"]


def test_every_volume_is_declared_and_used_by_one_service(services: dict[str, Any]) -> None:
    declared = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["volumes"]
    used = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    assert sorted(set(used)) == sorted(declared)
    assert {name for name in used if used.count(name) > 1} == {"releases"}


def test_the_service_waits_for_a_healthy_qdrant_with_a_volume(services: dict[str, Any]) -> None:
    assert services["nearfield"]["depends_on"] == {"qdrant": {"condition": "service_healthy"}}
    assert "/readyz" in services["qdrant"]["healthcheck"]["test"][-1]
    assert services["qdrant"]["volumes"] == ["qdrant-data:/qdrant/storage"]


def test_its_variables_are_settings(services: dict[str, Any], tmp_path: Path) -> None:
    settings = load_settings(tmp_path, variables(services["nearfield"]), {})
    assert settings.qdrant_url == "http://qdrant:6333"
    assert settings.open_queries
    assert settings.admin_token is None


def test_an_open_service_is_published_on_loopback_only(services: dict[str, Any]) -> None:
    for name in services:
        for port in services[name].get("ports", []):
            assert port.startswith("127.0.0.1:"), (name, port)


@pytest.mark.parametrize(("status", "healthy"), [("200 OK", True), ("503 Service Unavailable", False)])
def test_the_health_check_reads_the_status_line(services: dict[str, Any], status: str, healthy: bool) -> None:
    """The bash of the compose file, run against a real socket that answers as Qdrant does."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += connection.recv(1000)
            assert request.startswith(b"GET /readyz HTTP/1.1\r\n")
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    thread = threading.Thread(target=answer)
    thread.start()
    script = services["qdrant"]["healthcheck"]["test"][-1].replace("6333", str(port)).replace("$$", "$")
    result = subprocess.run(["bash", "-c", script], capture_output=True, timeout=120, check=False)
    thread.join(timeout=120)
    server.close()
    assert (result.returncode == 0) is healthy, result.stderr
