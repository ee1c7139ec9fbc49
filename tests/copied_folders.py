"""Copies of built worlds, so that what a test changes is its own."""

import subprocess
from pathlib import Path


def copied(folder: Path, target: Path) -> Path:
    """Copy a folder to `target`, which must not be there yet; gives `target`.

    Holes in files stay holes: a small world has 2 MB of data in 190 MB of the engine's files, which `shutil` would
    write out.
    """
    assert not target.exists(), target
    subprocess.run(["cp", "-Rp", str(folder), str(target)], check=True)
    return target
