"""The made-up world of a benchmark, built if it is not there, opened as the product opens one."""

import os
from pathlib import Path

from benchmarks.floor_apps import FOLDER, parts_of_world
from benchmarks.world import PlantedEncoder, build_world
from service.dependencies import Dependencies


def opened_world(folder: Path, num_items: int, dims: int) -> Dependencies:
    """What the product's application is made of, over the world in `folder`."""
    build_world(folder, num_items, PlantedEncoder(dims))
    os.environ[FOLDER] = str(folder)
    return parts_of_world()
