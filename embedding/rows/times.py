"""Times in rows: RFC 3339 or a bare date, to epoch time and back; nothing is rounded to a later time unasked.

A time to the microsecond is two whole numbers: seconds since 1970, and the microseconds after that second where there
are any, else None (docs/decisions/2026-11-30-published-to-the-microsecond.md).
"""

import re
from datetime import UTC, date, datetime, timedelta

import msgspec

# 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the span of RFC 3339.
FIRST_S = -62_135_596_800
LAST_S = 253_402_300_799

# The same as a regular expression of JSON Schema, but for leap seconds, and for times that only their offset takes out
# of the years 1 to 9999.
_DAY_PATTERN = "(0[1-9]|1[0-9]|2[0-8])"
_LEAP_YEAR_PATTERN = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DATE_PATTERN = (
    "(?!0000)("
    f"[0-9]{{4}}-(0[1-9]|1[0-2])-{_DAY_PATTERN}|[0-9]{{4}}-(0[13-9]|1[0-2])-(29|30)|[0-9]{{4}}-(0[13578]|1[02])-31"
    f"|{_LEAP_YEAR_PATTERN}-02-29)"
)
_CLOCK_PATTERN = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?"
TIME_PATTERN = f"^{_DATE_PATTERN}([Tt ]{_CLOCK_PATTERN})?$"

EXPECTED_TIME = "a time such as 2024-05-31T18:00:00Z, or a date such as 2024-05-31"

# Digits below a microsecond, which a datetime does not hold.
_BELOW_US = re.compile(r"(.{19}\.[0-9]{6})([0-9]+)", re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_DAY_S = 86_400
_US = 1_000_000


def epoch_us(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time (section 5.6) or a bare date.

    A date is 00:00 UTC, a time without an offset is UTC, a leap second is the second after :59, and digits
    below a microsecond are cut off.
    Raises ValueError for anything else, for a day that does not exist, and outside the years 1 to 9999 (UTC).
    """
    if len(text) == 10:
        # Without this check fromisoformat would take a week date, 2024-W22-5.
        if text[4] != "-" or text[7] != "-":
            raise ValueError(f"not a date: {text!r}")
        return (date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL) * _DAY_S * _US
    below = _BELOW_US.match(text) if len(text) > 26 else None
    if below is not None:
        text = below.group(1) + text[below.end() :]
    leap = text[17:19] == "60" and text[11:16].endswith("59")
    try:
        moment = msgspec.convert(f"{text[:17]}59{text[19:]}" if leap else text, datetime)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a time: {text[:40]!r}") from error
    passed = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    seconds = passed.days * _DAY_S + passed.seconds + leap
    if not FIRST_S <= seconds <= LAST_S:
        raise ValueError(f"outside the years 1 to 9999: {text!r}")
    return seconds * _US + passed.microseconds


def ceil_us(text: str) -> int:
    """The first whole microsecond since 1970 that is not before the time in `text`, whatever digits it has; read and
    refused as by `epoch_us`."""
    below = _BELOW_US.match(text)
    # Something that no microsecond holds is one more than the microseconds say.
    return epoch_us(text) + (below is not None and below.group(2).strip("0") != "")


def floor_s(text: str) -> int:
    """The last whole second since 1970 that is not after the time in `text`; read and refused as by `epoch_us`."""
    return epoch_us(text) // _US


def second_and_fraction(text: str) -> tuple[int, int | None]:
    """`floor_s` and the microseconds after it, None where there are none; read and refused as by `epoch_us`."""
    second, fraction_us = divmod(epoch_us(text), _US)
    return second, fraction_us or None


def joined_us(second: int, fraction_us: int | None) -> int:
    """Microseconds since 1970 of a second and what comes after it."""
    return second * _US + (fraction_us or 0)


def ceil_s(text: str) -> int:
    """The first whole second since 1970 that is not before the time in `text`, whatever digits it has.

    Read and refused as by `epoch_us`; ValueError, too, where that second is in the year 10000.
    """
    second = -(-ceil_us(text) // _US)
    if second > LAST_S:
        raise ValueError(f"outside the years 1 to 9999: {text!r}")
    return second


def rfc3339(epoch_s: float) -> str:
    """`epoch_s` in UTC as RFC 3339, rounded to the microsecond; as `rfc3339_us`."""
    return rfc3339_us(round(epoch_s * _US))


def rfc3339_us(us: int) -> str:
    """`us` microseconds since 1970 in UTC as RFC 3339, with as many digits as it takes: a whole second has none."""
    text = (_EPOCH + timedelta(microseconds=us)).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"
