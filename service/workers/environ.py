"""Settings as environment variables, for the worker processes."""

from pathlib import Path

from msgspec.structs import asdict

from service.schemas.load_settings import PREFIX
from service.schemas.settings import Settings

_THREADS_OF = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def as_environ(settings: Settings) -> dict[str, str]:
    """The variables by which another process's `load_settings` comes to the same settings, flags included."""
    return {PREFIX + name.upper(): _as_variable(value) for name, value in asdict(settings).items()}


def thread_bounds(num: int) -> dict[str, str]:
    """The variables by which a process that is started with them computes in `num` threads.

    PyTorch, its BLAS and NumPy's read them once, when they are loaded, in whatever thread that is; what is set later
    holds for one thread.
    """
    return dict.fromkeys(_THREADS_OF, str(num))


def _as_variable(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Path():
            return str(value.absolute())
        case tuple():
            return ",".join(value)
        case _:
            return str(value)
