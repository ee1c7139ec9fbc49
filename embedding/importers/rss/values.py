"""Values as feeds spell them: durations, times with names of zones, and whether an episode is explicit."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from embedding.rows.times import FIRST_S, epoch_us

_US = 1_000_000
# Normal Play Time: seconds, or minutes and seconds, or hours too, the first without bound.
_CLOCK = re.compile(r"(?:(?:(\d{1,7}):)?(\d{1,7}):)?(\d{1,8})(?:[.,](\d{1,9}))?")
_ISO_8601 = re.compile(r"P(?:(\d{1,7})D)?T?(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,7}(?:\.\d{1,9})?)S)?", re.IGNORECASE)
_LONGEST_S = 1e7

_EXPLICIT = {
    **dict.fromkeys(("yes", "true", "explicit", "1"), True),
    **dict.fromkeys(("no", "false", "clean", "notexplicit", "0"), False),
}

# Hours from UTC. parsedate_tz knows the names of RFC 822, those of North America; any other it silently takes for UTC.
# Names that several parts of the world share are as RFC 822 has them (CST), or not known (IST).
_ZONES = {
    **{"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2},
    **{"EET": 2, "EEST": 3, "MSK": 3, "SAST": 2, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "AWST": 8, "ACST": 9.5},
    **{"ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3, "NST": -3.5, "NDT": -2.5},
    **{"AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
    **{"AKST": -9, "AKDT": -8, "HST": -10},
}
_ZONE_NAME = re.compile(r"\s+\(?([A-Za-z]{1,5})\)?$")
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d\d):?(\d\d)(?:\s*\(.*\))?$")


def seconds_of(written: str) -> float | None:
    """The seconds in `1:02:03`, `62:03`, `3723`, `00:01.500` or `PT1H2M3S`; None for anything else.

    `3,723` may be an hour as well as four seconds: None.
    """
    text = written.strip()
    if (clock := _CLOCK.fullmatch(text)) is not None and not ("," in text and ":" not in text):
        hours, minutes, seconds, fraction = clock.groups()
        total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds) + float(f"0.{fraction or 0}")
    elif (period := _ISO_8601.fullmatch(text)) is not None and any(period.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in period.groups())
        total = days * 86_400 + hours * 3600 + minutes * 60 + seconds
    else:
        return None
    return total if total <= _LONGEST_S else None


def explicit_of(written: str | None) -> bool | None:
    """What `itunes:explicit` says in any of its spellings; None for anything else."""
    return _EXPLICIT.get((written or "").strip().lower())


def published_us(written: str) -> int | None:
    """Microseconds since 1970 of an RFC 822 or RFC 3339 time; without a zone it is UTC.

    None for what is no time, and under a name of a zone that does not say which: an hour that may be wrong is worse
    than none.
    """
    text = " ".join(written.split())
    if text[:4].isdigit():
        try:
            return epoch_us(text)
        except ValueError:
            return None
    offset_h = 0.0
    if (offset := _OFFSET.search(text)) is not None:
        hours, minutes = int(offset[2]), int(offset[3])
        if hours > 14 or minutes > 59:
            return None
        offset_h = (hours + minutes / 60) * (1 if offset[1] == "+" else -1)
        text = text[: offset.start()]
    elif (zone := _ZONE_NAME.search(text)) is not None and zone[1].upper() not in {"AM", "PM"}:
        known = _ZONES.get(zone[1].upper())
        if known is None:
            return None
        offset_h, text = known, text[: zone.start()]
    parsed = parsedate_tz(text.strip())
    # An hour that is not written reads as midnight, one with AM or PM as if there were neither.
    if parsed is None or text.upper().endswith(("AM", "PM")) or ":" not in text:
        return None
    try:
        moment = datetime(*parsed[:6], tzinfo=UTC) - timedelta(hours=offset_h)
    except (ValueError, OverflowError):
        return None
    seconds = int(moment.timestamp())
    return seconds * _US if seconds >= FIRST_S else None
