"""The tree of errors that a person can cause and fix.

NearfieldError                 could not: exit code 1, problem 500 unless a lower class says otherwise
├── UsageError                 wrong use: exit code 2
├── RejectedInputError         a file as a whole cannot be taken (empty, unreadable, too many bad rows)
├── DamagedError               bytes on disk differ from what their manifest says
├── MismatchError              two parts that must belong together do not (tower and index, encoder and vectors)
├── NotFoundError              a named thing (release, item, model folder) is not there
├── BusyError                  another process holds what is needed
└── EncoderMissingError        no text encoder where one is needed
"""


class NearfieldError(Exception):
    """Base of all errors meant for people: says what was expected, what came, what to do."""


class UsageError(NearfieldError):
    """The command, setting or argument cannot mean what was asked."""


class RejectedInputError(NearfieldError):
    """An input file cannot be taken as a whole."""


class DamagedError(NearfieldError):
    """Bytes on disk differ from the manifest that describes them."""


class MismatchError(NearfieldError):
    """Two parts that must match by hash do not; the message names both hashes."""


class NotFoundError(NearfieldError):
    """A named thing does not exist."""


class BusyError(NearfieldError):
    """Another process holds the lock; the message says which."""


class EncoderMissingError(NearfieldError):
    """No text encoder is installed or given; the message says what to install or where to put one."""
