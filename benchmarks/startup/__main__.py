"""How long the command line takes to say its help, beside an interpreter that does nothing; what the server imports.

    python -m benchmarks.startup [--rounds 11]

All are started by turns, each anew, as a person or a supervisor starts them; shown are the medians. The exit code is 1
where `nearfield --help` takes longer than half a second, or importing the ASGI application loads torch.
"""

import argparse
import subprocess
import sys
import time
from statistics import median

from rich.console import Console
from rich.table import Table

_BAR_S = 0.5
_HELP = "from service.cli import main; main()"
_IMPORT = "import sys, service.app; sys.exit('torch' in sys.modules)"
_STARTED = {
    "python -c pass": ("-c", "pass"),
    "nearfield --help": ("-c", _HELP, "--help"),
    "import service.app": ("-c", _IMPORT),
}


def main() -> None:
    """Parse the command line, start everything by turns, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {name: [] for name in _STARTED}
    # The first turn compiles what is imported.
    for turn in range(arguments.rounds + 1):
        for name, words in _STARTED.items():
            began = time.perf_counter()
            done = subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=False)
            if done.returncode:
                sys.exit(f"{name} ended with {done.returncode}; `import service.app` does so where it loads torch")
            if turn:
                taken[name].append(time.perf_counter() - began)
    table = Table("", "median s", "fastest s", "bar", title=f"{arguments.rounds} starts of each, by turns")
    for name, seconds in taken.items():
        bar = f"≤ {_BAR_S:g}" if "help" in name else ""
        table.add_row(name, f"{median(seconds):.3f}", f"{min(seconds):.3f}", bar)
    Console().print(table)
    sys.exit(median(taken["nearfield --help"]) > _BAR_S)


if __name__ == "__main__":
    main()
