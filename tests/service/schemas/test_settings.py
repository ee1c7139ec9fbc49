"""Where a setting comes from, which source wins, and what a wrong one is told."""

import re
from pathlib import Path

import msgspec
import pytest

from embedding.errors import UsageError
from service.schemas.load_settings import load_settings
from service.schemas.settings import Settings

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


def write(folder: Path, text: str) -> None:
    (folder / "nearfield.toml").write_text(text, encoding="utf-8")


def test_defaults_hold_where_nothing_is_said(tmp_path: Path) -> None:
    expected = Settings(data_dir=tmp_path / ".nearfield", rules=tmp_path / "rules.toml")
    assert load_settings(tmp_path, {}, {}) == expected


def test_variables_win_over_the_file_and_flags_over_both(tmp_path: Path) -> None:
    write(tmp_path, 'host = "0.0.0.0"\nport = 1\nworkers = 2\n')
    settings = load_settings(tmp_path, {"NEARFIELD_PORT": "3", "NEARFIELD_WORKERS": "4"}, {"workers": 5, "host": None})
    assert (settings.host, settings.port, settings.workers) == ("0.0.0.0", 3, 5)


def test_variables_take_the_type_of_their_setting(tmp_path: Path) -> None:
    environ = {
        "NEARFIELD_OPEN_QUERIES": "true",
        "NEARFIELD_DEFAULT_EXPLICIT": "0",
        "NEARFIELD_ENCODER_WAIT_S": "1.5",
        "NEARFIELD_ADMIN_TOKEN": "123",
        "NEARFIELD_CACHE_DIR": "/var/cache/nearfield",
        "PATH": "/bin",
    }
    settings = load_settings(tmp_path, environ, {})
    assert settings.open_queries is True
    assert settings.default_explicit is False
    assert settings.encoder_wait_s == 1.5
    assert settings.admin_token == "123"
    assert settings.cache_dir == Path("/var/cache/nearfield")


def test_an_empty_variable_takes_back_what_the_file_says(tmp_path: Path) -> None:
    write(tmp_path, 'default_market = "SE"\n')
    assert load_settings(tmp_path, {"NEARFIELD_DEFAULT_MARKET": ""}, {}).default_market is None


def test_relative_paths_count_from_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    write(tmp_path / "etc", 'data_dir = "data"\n')
    environ = {"NEARFIELD_CONFIG": "etc/nearfield.toml", "NEARFIELD_CACHE_DIR": "cache"}
    settings = load_settings(tmp_path, environ, {"encoder": Path("minilm"), "release_store": "store"})
    assert settings.data_dir == tmp_path / "etc" / "data"
    assert settings.cache_dir == tmp_path / "cache"
    assert settings.encoder == str(tmp_path / "minilm")
    assert settings.release_store == str(tmp_path / "store")
    assert load_settings(tmp_path, {"NEARFIELD_RELEASE_STORE": "s3://b/c"}, {}).release_store == "s3://b/c"


def test_variables_that_are_no_settings_are_let_through(tmp_path: Path) -> None:
    tests = {"NEARFIELD_TEST_QDRANT_URL": "http://localhost:6334", "NEARFIELD_TEST_QDRANT_BIN": "/usr/bin/qdrant"}
    load_settings(tmp_path, tests | {"NEARFIELD_REPLACING": "1"}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 80\n", "no setting is called 'prot'; did you mean 'port'?"),
        (
            "qdrant_write_consistency = 1\n",
            "no setting is called 'qdrant_write_consistency' any more: a write now waits",
        ),
        ("zzz = 80\n", "no setting is called 'zzz'; docs/settings.md lists them"),
        ('port = "80"\n', "port: expected `int`, got `str`; came '80'"),
        ("port = 70000\n", "port: expected `int` <= 65535; came 70000"),
        ("port = true\n", "port: expected `int`, got `bool`; came True"),
        ('default_market = "se"\n', "default_market: expected `str` matching regex '^[A-Z]{2}$"),
        ("cache_dir = 3\n", "cache_dir: expected `path`; came 3"),
        ("[port]\nnumber = 80\n", "port: expected `int`"),
        ("port = \n", "expected a settings file in TOML"),
        (f"port = {'9' * 4301}", "expected a settings file in TOML"),
        (f"port = {'[' * 2000}", "expected a settings file in TOML"),
    ],
)
def test_a_wrong_file_is_told_what_was_expected_and_what_came(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, text)
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        load_settings(tmp_path, {}, {})
    assert str(tmp_path / "nearfield.toml") in str(raised.value)


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "nearfield.toml").write_bytes(b"host = '\xff'\n")
    with pytest.raises(UsageError, match="expected a settings file in TOML"):
        load_settings(tmp_path, {}, {})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NEARFIELD_PRT", "80", "no setting is called 'NEARFIELD_PRT'; did you mean 'NEARFIELD_PORT'?"),
        ("NEARFIELD_port", "80", "no setting is called 'NEARFIELD_port'; did you mean 'NEARFIELD_PORT'?"),
        ("NEARFIELD_PORT", "", "NEARFIELD_PORT: expected `int`, got `str`; came ''"),
        ("NEARFIELD_OPEN_QUERIES", "maybe", "NEARFIELD_OPEN_QUERIES: expected `bool`, got `str`; came 'maybe'"),
        ("NEARFIELD_ENCODER_WAIT_S", "nan", "NEARFIELD_ENCODER_WAIT_S: expected `float` >= 0.0; came 'nan'"),
        ("NEARFIELD_CONFIG", "nowhere.toml", "NEARFIELD_CONFIG: expected the path of a settings file"),
    ],
)
def test_a_wrong_variable_is_told_so_by_name(tmp_path: Path, variable: str, value: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        load_settings(tmp_path, {variable: value}, {})


def test_a_wrong_flag_is_told_so_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape("flags: --port: expected `int` >= 1; came 0")):
        load_settings(tmp_path, {}, {"port": 0})
    with pytest.raises(UsageError, match=re.escape("flags: no setting is called 'prot'; did you mean 'port'?")):
        load_settings(tmp_path, {}, {"prot": 1})


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    write(tmp_path, "admin_token = 31337\n")
    with pytest.raises(UsageError, match="admin_token") as raised:
        load_settings(tmp_path, {}, {})
    assert "31337" not in str(raised.value)


def test_every_setting_has_its_row_in_the_docs() -> None:
    settings, _, _ = DOCS.read_text(encoding="utf-8").partition("\n## Extras\n")
    rows = set(re.findall(r"^\| `(\w+)` \|", settings, flags=re.MULTILINE))
    assert rows == {field.name for field in msgspec.structs.fields(Settings)}


def test_the_docs_state_each_default() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Settings):
        row = re.search(rf"^\| `{field.name}` \| `?([^`|]+?)`? \|", text, flags=re.MULTILINE)
        assert row, field.name
        assert row[1] == shown(field.default), field.name


def shown(default: object) -> str:
    """A default as docs/settings.md writes it."""
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
