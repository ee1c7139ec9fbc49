"""A cluster under faults: what clients see, and whether anything that was acknowledged is lost or shown.

    python -m benchmarks.cluster acknowledge
    python -m benchmarks.cluster faults [--rounds 20]
    python -m benchmarks.cluster database

Real processes on this machine, each on its own: three Qdrant nodes that keep two copies, PostgreSQL, a release store,
two service hosts of two workers. NEARFIELD_TEST_QDRANT_BIN names the Qdrant binary; root and iproute2 are needed, as
each node is in a network namespace of its own; `acknowledge` asks with `wrk`.
Each claim is printed with PASS or MISSED; the exit code is 1 when one was missed.
"""

import argparse
import sys

from benchmarks.cluster import acknowledge, database, faults


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=("acknowledge", "faults", "database"))
    parser.add_argument("--items", type=int, default=5_000, help="rows of the made-up catalogue")
    parser.add_argument("--rounds", type=int, default=20, help="of `faults`: how often each kind happens")
    parser.add_argument("--seed", type=int, default=0, help="of `faults`: their order")
    arguments = parser.parse_args()
    match arguments.question:
        case "acknowledge":
            met = acknowledge.measure(arguments.items)
        case "faults":
            met = faults.measure(arguments.rounds, arguments.items, arguments.seed)
        case _:
            met = database.measure(arguments.items)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
