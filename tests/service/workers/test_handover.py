"""Hand-over, crash and stop, with real processes under real clients: no request fails, and nothing is left behind."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.harness.load_clients import Load
from tests.free_ports import free_port
from tests.service.workers.serving_processes import Service, eventually, gone, standin_service


@pytest.fixture(params=["spawned", "forked"])
def forked(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "forked")


def releases(service: Service) -> set[str]:
    return {answer["release"] for answer in service.ask_many()}


def test_no_request_fails_while_two_workers_are_replaced_again_and_again(tmp_path: Path, forked: bool) -> None:
    with standin_service(tmp_path, forked=forked, num_workers=2) as service:
        first = service.children()
        assert len(service.fork_servers()) == forked
        hurried, thoughtful = Load(service.port, "/"), Load(service.port, "/")
        # Those that think in between leave idle connections, which the old worker closes at the end of its patience.
        with hurried.running(num_kept=2, num_fresh=2), thoughtful.running(num_kept=4, num_fresh=0, think_s=0.7):
            eventually(lambda: hurried.num_requests > 50)
            for release in ("r1", "r2", "r3"):
                service.publish(release)
                eventually(lambda: releases(service) == {release})  # noqa: B023
            eventually(lambda: hurried.num_requests > 500)
        assert hurried.failures == []
        assert thoughtful.failures == []
        # Idle connections are closed at the end of an old worker's patience.
        eventually(lambda: not first & service.children())
        assert (service.ask()["pid"] in service.forks()) == forked
        # A replacement loads what a first worker leaves for later.
        assert service.ask()["replacing"] == "1"
        assert {json.loads(answer)["replacing"] for answer in hurried.answers[:50]} == {"0"}
        if sys.platform == "linux":
            usual = os.getpriority(os.PRIO_PROCESS, 0)
            # Made with what those that answered left of the cores, and answers like any of them.
            assert (service.ask()["made_at"], service.ask()["priorities"]) == (min(19, usual + 10), [usual])


def test_one_worker_hands_over_without_a_failed_request(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=1) as service:
        load = Load(service.port, "/")
        with load.running(num_kept=2, num_fresh=2):
            for release in ("r1", "r2"):
                service.publish(release)
                eventually(lambda: service.ask()["release"] == release)  # noqa: B023
        assert load.failures == []


def test_a_request_in_flight_outlives_the_hand_over_on_its_old_worker(tmp_path: Path, forked: bool) -> None:
    with standin_service(tmp_path, forked=forked, num_workers=1, patience_s=0.1) as service:
        old = service.ask()["pid"]
        with service.request_in_flight() as answers:
            service.publish("r1")
            eventually(lambda: service.ask()["release"] == "r1")
            # Well past its patience.
            time.sleep(0.5)
            assert not gone(old)
        assert (answers[0]["release"], answers[0]["pid"]) == ("r0", old)
        eventually(lambda: gone(old))


def test_an_idle_connection_is_answered_by_its_old_worker_and_asked_to_go(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=1, patience_s=600) as service:
        old = service.ask()["pid"]
        idle = http.client.HTTPConnection("127.0.0.1", service.port)
        idle.request("GET", "/")
        assert json.loads(idle.getresponse().read())["release"] == "r0"
        # The second release does not wait until the connection has gone.
        for release in ("r1", "r2"):
            service.publish(release)
            eventually(lambda: service.ask()["release"] == release)  # noqa: B023
        assert not gone(old)
        idle.request("GET", "/")
        answer = idle.getresponse()
        assert (json.loads(answer.read())["pid"], answer.getheader("connection")) == (old, "close")
        eventually(lambda: gone(old))
        idle.close()


def test_a_release_that_comes_during_a_hand_over_is_taken_up_after_it(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=2) as service:
        with service.marked("hold"):
            service.publish("r1")
            eventually(lambda: len(service.children()) == 3)
            service.publish("r2")
            # Long enough for the watch to have seen both.
            time.sleep(0.2)
        eventually(lambda: releases(service) == {"r2"})


def test_a_release_that_cannot_be_loaded_leaves_the_old_workers_and_says_why(tmp_path: Path, forked: bool) -> None:
    (tmp_path / "bad").write_text("r1")
    with standin_service(tmp_path, forked=forked, num_workers=2) as service:
        before = service.children()
        load = Load(service.port, "/")
        with load.running(num_kept=1, num_fresh=1):
            service.publish("r1")
            eventually(lambda: all(answer["refusal"] for answer in service.ask_many()))
            assert releases(service) == {"r0"}
            assert "a byte of columns.bin differs" in service.ask()["refusal"]
            assert "a byte of columns.bin differs" in service.log()
            # Going back to what is served ends the matter; so does a release that can be loaded.
            service.publish("r0")
            eventually(lambda: not any(answer["refusal"] for answer in service.ask_many()))
            assert before <= service.children()
            service.publish("r2")
            eventually(lambda: releases(service) == {"r2"})
        assert load.failures == []


def test_a_worker_that_is_killed_is_replaced_while_the_other_answers(tmp_path: Path, forked: bool) -> None:
    with standin_service(tmp_path, forked=forked, num_workers=2) as service:
        killed, other = service.children()
        with service.marked("hold"):
            os.kill(killed, signal.SIGKILL)
            eventually(lambda: "was ended by SIGKILL (out of memory?)" in service.log())
            # Nobody waits for the successor, which has not loaded.
            assert {answer["pid"] for answer in service.ask_many()} == {other}
        eventually(lambda: len({answer["pid"] for answer in service.ask_many()}) == 2)
        # It is missed, so it loads at the usual priority.
        assert {answer["made_at"] for answer in service.ask_many()} == {os.getpriority(os.PRIO_PROCESS, 0)}


def test_the_only_worker_is_replaced_and_its_clients_wait(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=1) as service:
        killed = service.ask()["pid"]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: gone(killed))
        assert service.ask()["pid"] != killed


def test_forked_workers_go_on_and_are_replaced_when_the_process_that_forked_them_is_killed(tmp_path: Path) -> None:
    with standin_service(tmp_path, forked=True, num_workers=2) as service:
        load = Load(service.port, "/")
        with load.running(num_kept=2, num_fresh=2):
            service.publish("r1")
            eventually(lambda: releases(service) == {"r1"})
            forks = service.forks()
            (fork_server,) = service.fork_servers()
            os.kill(fork_server, signal.SIGKILL)
            eventually(lambda: gone(fork_server))
            # Starting another process is when `multiprocessing` takes stock of all.
            service.publish("r2")
            eventually(lambda: releases(service) == {"r2"})
            eventually(lambda: all(map(gone, forks)))
        assert load.failures == []
        assert "is started afresh" in service.log()
        assert "died" not in service.log()
        # A later worker is forked again.
        eventually(lambda: service.log().count("are forked from now on") == 2)
        service.publish("r3")
        eventually(lambda: releases(service) == {"r3"})
        assert service.forks()


def test_when_no_worker_can_be_kept_alive_the_service_ends_with_the_reason(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=1) as service:
        (tmp_path / "bad").write_text("r0")
        os.kill(service.ask()["pid"], signal.SIGKILL)
        assert service.process.wait(timeout=120) == 1
        assert "4 workers died one after the other, the last one so: release r0: a byte" in service.log()
        assert "Traceback" not in service.log()


def test_stopping_answers_what_is_in_flight_refuses_the_rest_and_leaves_nothing_behind(
    tmp_path: Path, forked: bool
) -> None:
    with standin_service(tmp_path, forked=forked, num_workers=2) as service:
        workers = service.children()
        with service.request_in_flight() as answers:
            # The end of a service unit, like Ctrl-C, comes to every process.
            for pid in service.fork_servers():
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGINT)
            service.process.send_signal(signal.SIGINT)
            eventually(lambda: not _connects(service.port))
            assert answers == []
        assert answers[0]["release"] == "r0"
        assert service.process.wait(timeout=120) == 0
        assert all(gone(worker) for worker in workers)


def test_stopping_does_not_wait_for_idle_connections_or_for_workers_that_load(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=1) as service, service.marked("hold"):
        idle = http.client.HTTPConnection("127.0.0.1", service.port)
        idle.request("GET", "/")
        idle.getresponse().read()
        service.publish("r1")
        eventually(lambda: len(service.children()) == 2)
        assert service.stop() == 0
        idle.close()


def test_a_second_signal_does_not_wait_for_requests(tmp_path: Path) -> None:
    with standin_service(tmp_path, num_workers=1) as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port)
        with service.marked("busy"):
            connection.request("GET", "/slow")
            service.until_asked_slowly()
            service.process.send_signal(signal.SIGINT)
            # Two signals at once would be one.
            eventually(lambda: not _connects(service.port))
            service.process.send_signal(signal.SIGINT)
            assert service.process.wait(timeout=120) == 0
        connection.close()


def test_workers_do_not_outlive_a_main_process_that_was_killed(tmp_path: Path, forked: bool) -> None:
    with standin_service(tmp_path, forked=forked, num_workers=2) as service, service.marked("hold"):
        service.publish("r1")
        eventually(lambda: len(service.children()) == 3)
        workers = service.children()
        service.process.kill()
        eventually(lambda: all(gone(worker) for worker in workers))


@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_first_start_that_fails_ends_with_its_reason(tmp_path: Path, num_workers: int) -> None:
    (tmp_path / "live").write_text("r0")
    (tmp_path / "bad").write_text("r0")
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.service.workers.standin_program",
            str(tmp_path),
            str(free_port()),
            str(num_workers),
            "1",
            "spawned",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "The service could not start: release r0: a byte of columns.bin differs" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except OSError:
        return False
    return True
