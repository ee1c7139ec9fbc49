"""What a line of the log looks like, in the main process and in its workers: time, level, process, message."""

import logging

_FORMAT = "%(asctime)s %(levelname)s [%(process)d] %(message)s"


def configure_logging() -> None:
    """Write lines to stderr. The server's own lines come through only when something went wrong."""
    logging.basicConfig(format=_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S%z", level=logging.INFO, force=True)
    # Each says at INFO what it does for every request that it sends.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
