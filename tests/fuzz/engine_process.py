"""One process that fuzzes one reader by one engine, started by `python -m tests.fuzz`.

    python -m tests.fuzz.engine_process ENGINE READER INPUTS SEED REPORT CORPUS

Atheris (libFuzzer) changes bytes, led by which code they reach; Hypothesis draws values that nearly fit, and makes what
fails smaller. An input that ends the process, or that takes more than a minute, is one that software below Python does
not survive: `python -m tests.fuzz` tells it.
"""

import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.fuzz.tally import Tally

_HANGS_S = 60
_MAX_BYTES = 8_192
_MAX_MB = 4_096
# Examples of Hypothesis between two seeds: it keeps all that it has drawn.
_EXAMPLES = 2_000


def main() -> None:
    """Fuzz as the command line says."""
    engine, name, inputs, seed, report, corpus = sys.argv[1:]
    warnings.simplefilter("error")
    run = {"atheris": _by_atheris, "hypothesis": _by_hypothesis}[engine]
    run(name, int(inputs), int(seed), Path(report), Path(corpus))


def _by_atheris(name: str, inputs: int, seed: int, report: Path, corpus: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=["embedding", "indexing"]):
        from tests.fuzz.registry import READERS
    from tests.fuzz.tally import Tally

    reader = READERS[name]
    corpus.mkdir(parents=True, exist_ok=True)
    known = len(list(corpus.iterdir()))
    for number, data in enumerate(reader.seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    tally = Tally(reader, report, known)

    def one(data: bytes) -> None:
        tally.judge(data)
        if tally.report.inputs >= inputs:
            tally.end()

    bounds = [f"-timeout={_HANGS_S}", f"-rss_limit_mb={_MAX_MB}", f"-max_len={_MAX_BYTES}", "-len_control=0"]
    place = f"-artifact_prefix={report.with_suffix('')}."
    atheris.Setup(["fuzz", str(corpus), f"-seed={seed}", place, *bounds, "-verbosity=0", "-print_final_stats=0"], one)
    atheris.Fuzz()


def _by_hypothesis(name: str, inputs: int, seed: int, report: Path, _corpus: Path) -> None:
    from tests.fuzz.registry import READERS
    from tests.fuzz.tally import Tally

    tally = Tally(READERS[name], report)
    while (left := inputs - tally.report.inputs) > 0:
        _draw(READERS[name].drawn, tally, min(left, _EXAMPLES), seed)
        seed += 1
    tally.end()


def _draw(drawn: "SearchStrategy[bytes]", tally: "Tally", examples: int, seed_number: int) -> None:
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import Flaky

    @seed(seed_number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(drawn)
    def judge(data: bytes) -> None:
        signal.alarm(_HANGS_S)
        assert tally.judge(data) is None

    # What was found is in the report.
    with suppress(AssertionError, ExceptionGroup, Flaky):
        judge()


if __name__ == "__main__":
    main()
