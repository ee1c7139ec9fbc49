"""Where the build that runs in this process has a name that has moved since, or that it has not got yet."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import benchmarks

# The build's own tree: benchmarks of another one may stand behind it on the path (benchmarks.against.builds).
_ROOT = Path(benchmarks.__path__[0]).parent
OLDER: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("moved.toml").read_text("utf-8"))["names"]


def named(name: str) -> str:
    """The build's own name for `module:attribute`; raises LookupError where it has none."""
    candidate: str
    for candidate in (name, *OLDER.get(name, ())):
        place = _ROOT / candidate.partition(":")[0].replace(".", "/")
        if place.with_suffix(".py").exists() or (place / "__init__.py").exists():
            return candidate
    raise LookupError(f"{_ROOT} has no {name}; benchmarks/against/moved.toml says where older builds have what")


def found(name: str) -> Any:
    """What the build has under `module:attribute`, of whatever type it is there."""
    module, _, attribute = named(name).partition(":")
    return getattr(importlib.import_module(module), attribute)
