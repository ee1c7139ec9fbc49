"""What an import of feeds tells besides its counts: feeds that failed, documents that did not come, values left out."""

from collections import Counter
from collections.abc import Iterable

_ODD = {
    "no enclosure": "items had nothing to listen to: passed over",
    "language": "episodes had a language that is no BCP 47 tag: left out",
    "duration_s": "episodes had a duration that could not be read: left out",
    "published_at": "episodes had a date that could not be read, or a zone that could be several: left out",
    "explicit": "episodes had an explicit that is neither yes nor no: not known",
    "text": "episodes had a text of more than 2,000,000 characters: cut there",
}


class Notes:
    """Lines for a person, gathered on the way. `odd` counts values that were left out, by field."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.odd: Counter[str] = Counter()
        self._said: list[str] = []
        self._num_documents = 0
        self._first_document = ""

    def say(self, line: str) -> None:
        """Note a line as it is."""
        self._said.append(line)

    def failed(self, place: str, error: str) -> None:
        """Note that a feed could not be had."""
        self.failures.append(error if error.startswith(place) else f"{place}: {error}")

    def documents(self, problems: Iterable[str]) -> None:
        """Note transcripts and chapters that could not be had; the first of all is told in full."""
        for problem in problems:
            self._num_documents += 1
            self._first_document = self._first_document or problem

    def lines(self) -> tuple[str, ...]:
        """All lines, failures first."""
        odd = [f"{count:,} {_ODD[name]}" for name, count in self.odd.items() if count]
        documents = []
        if self._num_documents:
            told = f"{self._num_documents:,} transcripts or chapters could not be had"
            documents.append(f"{told}, the first: {self._first_document}")
        return (*self.failures, *self._said, *documents, *odd)
