"""Nobody forgets a contract: which entries of a registry no test module puts through the contract suite of their kind.

The tests of `embedding/importers/taste_profile.py` are `tests/embedding/importers/test_taste_profile.py`: there a
subclass of the suite names the entry.
"""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from embedding.registry import Named


def untested(entries: Iterable[Named], suite: type) -> list[str]:
    """Names of the `entries` (objects, each of a class of its own module) that no subclass of `suite` names."""
    return [entry.name for entry in entries if entry.name not in _tested(type(entry).__module__, suite)]


def _tested(module: str, suite: type) -> set[str]:
    room, _, name = module.rpartition(".")
    # What is defined in a test module is tested there.
    tests = module if name.startswith("test_") else f"tests.{room}.test_{name}"
    if find_spec(tests) is None:
        return set()
    found = vars(import_module(tests)).values()
    return {case.name for case in found if isinstance(case, type) and issubclass(case, suite) and case is not suite}  # type: ignore[attr-defined]
