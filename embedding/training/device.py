"""Which device trains: the one that was named, or the best there is."""

from typing import Literal

import torch

from embedding.errors import UsageError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def find_device(name: DeviceName) -> torch.device:
    """The device called `name`; `auto` takes CUDA where there is one, else the CPU.

    Raises UsageError for a device that is not there: training elsewhere without a word would hide it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            f"--device cuda: torch {torch.__version__} finds no CUDA device. Install a CUDA build of torch and the "
            "driver, or use --device cpu."
        )
    if name == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"--device mps: torch {torch.__version__} finds no Apple GPU. Use --device cpu.")
    return torch.device(name)
