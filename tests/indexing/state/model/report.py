"""`python -m tests.indexing.state.model.report`: what each search finds, how many states it reaches, and its time."""

from time import process_time

from tests.indexing.state.model.old_journal import OldWorld, old_steps
from tests.indexing.state.model.rules import Rules
from tests.indexing.state.model.scenarios import HOLES, LARGER_SETTINGS, SETTINGS, searched, without
from tests.indexing.state.model.search import Found, search


def _line(what: str, found: Found, seconds: float) -> None:
    end = "nothing" if found.broken is None else f"{found.broken.name.lower()}, {len(found.way)} steps"
    print(f"| {what} | {found.states:,} | {seconds:.1f} | {end} |", flush=True)


def main() -> None:
    """Print a Markdown table."""
    print("| searched | states | s | found |\n| --- | --- | --- | --- |")
    for name, setting in (SETTINGS | LARGER_SETTINGS).items():
        start = process_time()
        found = searched(setting, Rules())
        _line(name, found, process_time() - start)
    for rule, hole in HOLES.items():
        start = process_time()
        found = searched(SETTINGS[hole.setting], without(rule), (hole.promise,))
        _line(f"without `{rule}`", found, process_time() - start)
    start = process_time()
    _line("the old journal", search(OldWorld(), old_steps), process_time() - start)


if __name__ == "__main__":
    main()
