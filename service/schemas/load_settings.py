"""Loading settings: flags over `NEARFIELD_*` variables over `nearfield.toml` over defaults."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import msgspec

from embedding.errors import UsageError
from embedding.settings import EncoderPlace
from indexing.settings import StorePlace
from service.schemas.settings import Settings

FILE_NAME = "nearfield.toml"
PREFIX = "NEARFIELD_"
CONFIG_VARIABLE = "NEARFIELD_CONFIG"
# Variables with our prefix that are no settings: where the file lies, the servers that tests may use, and the mark
# by which a worker knows that it takes over from another.
# What a supervisor tells its workers, and what tests are told.
RESERVED_VARIABLES = frozenset(
    {
        *(CONFIG_VARIABLE, "NEARFIELD_REPLACING", "NEARFIELD_RELEASE", "NEARFIELD_WORKER"),
        *("NEARFIELD_TEST_QDRANT_URL", "NEARFIELD_TEST_QDRANT_BIN"),
    }
)
# Settings of earlier versions: what to do about each.
_GONE = {"qdrant_write_consistency": "a write now waits for all copies (qdrant_replicas); leave it out"}
_FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
_SECRET_ENDINGS = ("_token", "_key")


def load_settings(folder: Path, environ: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """The settings that hold for commands typed in `folder`.

    Relative paths count from the file's folder where the file names them, else from `folder`. A flag that is None
    was not given. An empty variable means None where the setting may be None.
    UsageError names the source, the key, what was expected and what came.
    """
    file = _settings_file(folder, environ)
    values: dict[str, Any] = {
        name: folder / field.default for name, field in _FIELDS.items() if isinstance(field.default, Path)
    }
    if file is not None:
        values |= _from_file(file)
    values |= _from_environ(folder, environ)
    values |= _from_flags(folder, flags)
    return Settings(**values)


def _settings_file(folder: Path, environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if not named:
        file = folder / FILE_NAME
        return file if file.exists() else None
    file = folder / named
    if not file.is_file():
        raise UsageError(f"{CONFIG_VARIABLE}: expected the path of a settings file, came {named!r}, which is no file")
    return file


def _from_file(file: Path) -> dict[str, object]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    # What is no UTF-8, no TOML, or TOML with numbers of thousands of digits or lists without end.
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: expected a settings file in TOML, came: {error}") from error
    values = {}
    for key, value in table.items():
        if key not in _FIELDS:
            raise UsageError(f"{file}: no setting is called {key!r}{_what_instead(key)}")
        values[key] = _convert(str(file), key, key, value, file.parent, strict=True)
    return values


def _from_environ(folder: Path, environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in RESERVED_VARIABLES:
            continue
        key = variable.removeprefix(PREFIX).lower()
        if key not in _FIELDS or variable != _variable(key):
            raise UsageError(f"environment: no setting is called {variable!r}{_what_instead(key, as_variable=True)}")
        given = None if text == "" and _may_be_none(key) else text
        value: object = given
        if given is not None and get_origin(_FIELDS[key].type) is tuple:
            value = [word.strip() for word in given.split(",") if word.strip()]
        values[key] = _convert("environment", variable, key, value, folder, strict=False)
    return values


def _from_flags(folder: Path, flags: Mapping[str, object]) -> dict[str, object]:
    values = {}
    for key, value in flags.items():
        if key not in _FIELDS:
            raise UsageError(f"flags: no setting is called {key!r}{_what_instead(key)}")
        if value is not None:
            given = str(value) if isinstance(value, Path) else value
            values[key] = _convert("flags", f"--{key.replace('_', '-')}", key, given, folder, strict=True)
    return values


def _convert(source: str, label: str, key: str, value: object, base: Path, *, strict: bool) -> object:
    def to_place(wanted: type, text: Any) -> Any:
        if isinstance(text, str) and text:
            if wanted is Path:
                return base / text
            if issubclass(wanted, EncoderPlace | StorePlace):
                return wanted.named(text, base)
        raise ValueError(f"Expected `{wanted.__name__.lower()}`")

    try:
        return msgspec.convert(value, _FIELDS[key].type, strict=strict, dec_hook=to_place)
    except msgspec.ValidationError as error:
        came = "a secret that is not shown" if key.endswith(_SECRET_ENDINGS) else repr(value)
        raise UsageError(f"{source}: {label}: {_lower_first(str(error))}; came {came}") from error


def _may_be_none(key: str) -> bool:
    try:
        msgspec.convert(None, _FIELDS[key].type)
    except msgspec.ValidationError:
        return False
    return True


def _what_instead(key: str, *, as_variable: bool = False) -> str:
    if key in _GONE:
        return f" any more: {_GONE[key]}"
    near = difflib.get_close_matches(key, _FIELDS, n=1)
    if not near:
        return "; docs/settings.md lists them"
    return f"; did you mean {_variable(near[0]) if as_variable else near[0]!r}?"


def _variable(key: str) -> str:
    return PREFIX + key.upper()


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
