"""When a day begins in a territory: by the time zones of the IANA database, or by the one zone that a map names."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Where nothing is known of a territory's clocks: the zones in which a day begins first and last on Earth.
_ANYWHERE: tuple[tzinfo, ...] = (timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)))
# The database knows assigned codes alone.
_OWN_ZONES = {"XK": "Europe/Belgrade"}


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone `name`; ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'expected "territory" or an IANA time zone such as Europe/Stockholm, got {name!r}') from None


@lru_cache(maxsize=65_536)
def first_second(territory: str, day: date) -> datetime:
    """When `day` has begun everywhere in `territory`, in UTC. OverflowError outside the years 1 to 9999."""
    return max(midnight(zone, day) for zone in _zones(territory))


@lru_cache(maxsize=65_536)
def end(territory: str, day: date) -> datetime:
    """When `day` has ended anywhere in `territory`, in UTC. OverflowError as `first_second`."""
    return min(midnight(zone, day + timedelta(days=1)) for zone in _zones(territory))


def midnight(zone: tzinfo, day: date) -> datetime:
    """When `day` begins in `zone`, in UTC; OverflowError as `first_second`."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _zones(territory: str) -> tuple[tzinfo, ...]:
    return _known_zones().get(territory, _ANYWHERE)


@cache
def _known_zones() -> dict[str, tuple[tzinfo, ...]]:
    """The zones of each territory, as `zone.tab` of the database lists them."""
    zones: defaultdict[str, list[tzinfo]] = defaultdict(list)
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            code, _, name, *_ = line.split("\t")
            zones[code].append(ZoneInfo(name))
    for code, name in _OWN_ZONES.items():
        zones[code].append(ZoneInfo(name))
    return {code: tuple(of_code) for code, of_code in zones.items()}
