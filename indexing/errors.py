"""Errors of stores, releases and rules; the tree's root is in embedding/errors.py.

NearfieldError
├── StoreError                 the engine refused or could not be reached; holds the engine's own words
│   ├── CollectionMissingError the collection is not there
│   ├── EngineAwayError        it did not answer in time, or cannot be reached: another try may do
│   ├── KeyRefusedError        the server's key does not allow what was asked
│   └── VerificationError      a copy of a collection is not what was written; names the row
├── StateError                 the state cannot be reached, or cannot be what is asked of it
│   ├── StartOverError         what was read of the log is no longer what it says: read it from its beginning
│   └── StateRefusedError      the state's database answers, and does not do it: another try would not either
├── ReleaseStoreError          the release store refused or could not be reached; holds the file system's own words
├── GateError                  a release must not go live; names the number that failed
├── HostsBehindError           not every host has loaded what is to go live; names those
├── WideningError              an older release would open rows wider than they are; names them
├── ChangeGateError            a change is larger than is allowed at once; names the number and the bound
├── RulesError                 a rules file cannot be taken; names the key, what was expected and what came
├── UsageError
│   └── FilterError            a filter asks of a field what it cannot be asked; names the field
│       └── PostedFilterError  the same of a request's own filter; names the place in it
├── NotFoundError
│   ├── ReleaseMissingError    no release of that id
│   └── NoLiveReleaseError     nothing was activated yet
└── BusyError
    └── BuildLockedError       another build holds the lock; names its process
"""

from embedding.errors import BusyError, NearfieldError, NotFoundError, UsageError


class StoreError(NearfieldError):
    """The engine refused or could not be reached."""


class CollectionMissingError(StoreError):
    """The collection is not there."""


class EngineAwayError(StoreError):
    """The engine did not answer in time, or cannot be reached: what needs it may do at another time."""


class KeyRefusedError(StoreError):
    """The server's key does not allow what was asked of it."""


class VerificationError(StoreError):
    """A copy of a collection is not what was written to it."""


class StateError(NearfieldError):
    """The state (indexing/state/contract.py) cannot be reached, or is none that can be used."""


class StartOverError(StateError):
    """What was read of the log before is no longer what it says."""


class StateRefusedError(StateError):
    """The state's database answers, and does not do what it is asked: it was not done, now or at another try."""


class ReleaseStoreError(NearfieldError):
    """The release store refused or could not be reached."""


class GateError(NearfieldError):
    """A release must not go live."""


class HostsBehindError(NearfieldError):
    """Not every host has loaded what is to go live."""


class WideningError(NearfieldError):
    """An older release would open rows wider than they are now."""


class ChangeGateError(NearfieldError):
    """A change is larger than is allowed at once."""


class RulesError(NearfieldError):
    """A rules file cannot be taken."""


class FilterError(UsageError):
    """A filter names an unknown field, or asks of a field what it cannot be asked."""


class PostedFilterError(FilterError):
    """A filter as a request posted it: `field` is where in it something else was expected than `came`."""

    def __init__(self, field: str, expected: str, came: object) -> None:
        super().__init__(f"{field}: expected {expected}, came {came!r}")
        self.field, self.expected, self.came = field, expected, came


class ReleaseMissingError(NotFoundError):
    """No release of that id."""


class NoLiveReleaseError(NotFoundError):
    """Nothing was activated yet."""


class BuildLockedError(BusyError):
    """Another build holds the lock."""
