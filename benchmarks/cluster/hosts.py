"""Service hosts as processes: each a folder of its own with its settings, its data and its log."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NEARFIELD = (sys.executable, "-c", "from service.cli import main; main()")
TOKEN = "benchmark"
_READY_S = 120.0
_INCIDENT_LINES = 60


class Host:
    """One host, called `name`, in the folder `folder`."""

    def __init__(self, name: str, folder: Path, settings: dict[str, object]) -> None:
        self.name, self.folder = name, folder
        folder.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        settings = settings | {"host_name": name, "port": self.port, "data_dir": "data", "admin_token": TOKEN}
        # A TOML value of these kinds is written as in JSON.
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        (folder / "nearfield.toml").write_text("\n".join(lines) + "\n")
        self._service: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What its service has told."""
        return self.folder / "serve.log"

    def command(self, *arguments: str) -> None:
        """A command of the product, typed in its folder; ends the program where it fails."""
        done = subprocess.run([*NEARFIELD, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"nearfield {' '.join(arguments)} failed on host {self.name}:\n{done.stderr}")

    def begin_to_serve(self, workers: int) -> None:
        """Start `nearfield serve`; `wait` waits until it answers."""
        command = [*NEARFIELD, "serve", "--workers", str(workers)]
        with self.log.open("ab") as log:
            self._service = subprocess.Popen(command, cwd=self.folder, stderr=log, env=os.environ)

    def wait(self) -> None:
        """Until every worker answers; ends the program where none does."""
        assert self._service is not None
        give_up_at = time.monotonic() + _READY_S
        while "serves release" not in self.log.read_text():
            if self._service.poll() is not None or time.monotonic() > give_up_at:
                sys.exit(f"host {self.name} does not serve:\n{self.log.read_text()[-3_000:]}")
            time.sleep(0.1)

    def call(
        self, method: str, path: str, body: dict[str, object] | None = None, timeout_s: float = 60.0
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer of one call with the admin token, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def print_incidents(self) -> None:
        """What its service has told of faults of its own: the first, with what follows it."""
        told = self.log.read_text().splitlines()
        first = next((at for at, line in enumerate(told) if "incident" in line), len(told))
        for line in told[first : first + _INCIDENT_LINES]:
            print(f"host {self.name}: {line}")

    def stop(self) -> None:
        """End the service, stopped workers too."""
        if self._service is None:
            return
        self._service.send_signal(signal.SIGTERM)
        try:
            self._service.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._service.kill()
            self._service.wait()
