"""The settings file that goes with the sample: its default market, for requests that name none."""

from pathlib import Path

SETTINGS_FILE = "nearfield.toml"


def set_default_market(folder: Path, market: str) -> bool:
    """Write a settings file with `default_market` into `folder`; False, and nothing done, where there is one."""
    try:
        with (folder / SETTINGS_FILE).open("x", encoding="utf-8") as file:
            file.write(f"# Written by `nearfield sample`.\ndefault_market = {market!r}\n".replace("'", '"'))
    except FileExistsError:
        return False
    return True
