"""Seeds that are raw vectors: of which space they are, and whether they can be searched with."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.release.release import Release
from service.schemas.problems import invalid
from service.schemas.requests import Seed


class PostedVectors(Struct, frozen=True):
    """Unit vectors (V, dims) of the space `using`, one or more, with their weights."""

    vectors: NDArray[np.float32]
    weights: list[float]
    using: str


def posted_vectors(seeds: Sequence[Seed], release: Release) -> PostedVectors | None:
    """The vectors among the seeds, brought to length 1; None where there are none.

    Raises a 400 problem for a vector of a space that the release has not, of another number of numbers than the space
    has, of a length of 0 or beyond what a float can hold, and for vectors of unlike spaces.
    """
    given = [(place, seed, seed.vector) for place, seed in enumerate(seeds) if seed.vector is not None]
    if not given:
        return None
    dims = release.manifest.dims
    using = given[0][1].using or release.space
    for place, seed, vector in given:
        field, own = f"seeds[{place}]", seed.using or release.space
        if own not in dims:
            raise invalid(f"{field}.using", f"a space of release {release.id}: {', '.join(sorted(dims))}", own)
        if own != using:
            raise invalid(f"{field}.using", f"vectors of one space, as the first one is of {using}", own)
        if len(vector) != dims[own]:
            expected = f"{dims[own]} numbers, as the vectors of the space {own} of release {release.id} have"
            raise invalid(f"{field}.vector", expected, f"{len(vector)}")
    vectors = np.array([vector for _, _, vector in given])
    # Scaled first: the squares of what a float can hold need not be numbers that it can hold.
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    for (place, _, _), most in zip(given, largest[:, 0].tolist(), strict=True):
        if not most:
            raise invalid(f"seeds[{place}].vector", "a vector that points somewhere", "zeros alone")
    scaled = vectors / largest
    units = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return PostedVectors(units.astype(np.float32), [seed.weight for _, seed, _ in given], using)
