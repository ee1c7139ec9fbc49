"""Machines that can be cut off: a network namespace for each, joined to one bridge by a cable that can be pulled."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.qdrant_cluster import Place


class Network:
    """`num_machines` of them; use it as a context manager, which takes all of it away again.

    The addresses are of the range that is set aside for benchmarks (RFC 2544).
    """

    def __init__(self, num_machines: int) -> None:
        self._name = f"nf{os.getpid() % 100_000}"
        self._net = f"198.18.{os.getpid() % 256}"
        self._num_machines = num_machines

    @property
    def places(self) -> list[Place]:
        """Where each machine's processes are started."""
        return [
            Place(f"{self._net}.{machine + 11}", ("ip", "netns", "exec", self._space(machine)))
            for machine in range(self._num_machines)
        ]

    def cut(self, machine: int) -> None:
        """Pull its cable: nothing arrives any more, either way, and nobody is told."""
        _ip("link", "set", self._cable(machine), "down")

    def join(self, machine: int) -> None:
        """Put its cable in again."""
        _ip("link", "set", self._cable(machine), "up")

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            sys.exit("cutting a machine off needs network namespaces: run this as root, with iproute2 installed")
        _ip("link", "add", self._name, "type", "bridge")
        try:
            _ip("address", "add", f"{self._net}.1/24", "dev", self._name)
            _ip("link", "set", self._name, "up")
            for machine, place in enumerate(self.places):
                self._join_up(machine, place)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _join_up(self, machine: int, place: Place) -> None:
        space, cable = self._space(machine), self._cable(machine)
        _ip("netns", "add", space)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", cable, "master", self._name, "up")
        _ip("-n", space, "address", "add", f"{place.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", space, "link", "set", device, "up")

    def _remove(self) -> None:
        """All that is there of it."""
        for machine in range(self._num_machines):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", self._space(machine))
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", self._name)

    def _space(self, machine: int) -> str:
        return f"{self._name}-{machine}"

    def _cable(self, machine: int) -> str:
        return f"{self._name}v{machine}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.DEVNULL)
