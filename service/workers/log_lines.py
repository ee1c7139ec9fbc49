"""Log format of the supervisor and its workers: time, level, process, message."""

import logging

_FORMAT = "%(asctime)s %(levelname)s [%(process)d] %(message)s"


def configure_logging() -> None:
    """Write lines to stderr; what libraries have to say comes through only when something went wrong."""
    logging.basicConfig(format=_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S%z", level=logging.INFO, force=True)
    # They tell at INFO of every request that they send, and of every file that they load.
    for chatty in ("httpx", "httpcore", "sentence_transformers"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
