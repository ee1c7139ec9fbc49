"""What an importer is: the name of a data set's format, a line about it, and how its files become rows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from embedding.importers.import_job import ImportJob


class Importer(ABC):
    """The importer of one public data set; a new one is a file beside this one and a line in `registry.py`."""

    # FORMAT of `nearfield import`.
    name: ClassVar[str]
    # What the data set is, in one line of help.
    about: ClassVar[str]
    # Whether the data set says who listened to what.
    has_interactions: ClassVar[bool] = True

    @abstractmethod
    def run(self, job: ImportJob) -> Sequence[str]:
        """Read the files of `job` and write its rows; returns notes, one line each: what was left out or made up.

        Raises NotFoundError for a file that is missing, RejectedInputError for a damaged one.
        """
