"""All readers that are fuzzed, by name."""

from tests.fuzz import of_feeds, of_listens, of_rows, of_sets, of_values
from tests.fuzz.reader import FuzzReader

READERS: dict[str, FuzzReader] = {
    reader.name: reader for module in (of_rows, of_feeds, of_listens, of_sets, of_values) for reader in module.READERS
}
