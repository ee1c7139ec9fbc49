"""Licence windows of made-up items: open everywhere, in some markets, lapsed, upcoming, or with a gap.

All dates are fixed, so that the same seed gives the same bytes in every year, and far from today on both sides.
"""

from embedding.rows.schema import EVERYWHERE, Window
from embedding.rows.times import epoch_us
from embedding.sample.seeded_choices import SeededChoices

MARKETS = ("SE", "GB", "US", "DE", "BR", "JP")


def _at(text: str) -> int:
    return epoch_us(text) // 1_000_000


OPENED = tuple(_at(day) for day in ("2012-01-01", "2015-06-01", "2018-03-15", "2020-01-01", "2022-09-30"))
LAPSED = tuple(_at(day) for day in ("2023-01-01", "2023-07-01T12:00:00Z", "2024-01-01"))
UPCOMING = tuple(_at(day) for day in ("2090-01-01", "2091-04-01T06:00:00Z"))
CLOSING = tuple(_at(day) for day in ("2085-01-01", "2088-12-31T23:59:59Z"))


def upcoming_everywhere(choices: SeededChoices) -> tuple[Window, ...]:
    """Open nowhere until 2090."""
    return (Window("*", choices.one(UPCOMING)),)


def windows(choices: SeededChoices, place: int) -> tuple[Window, ...]:
    """The windows of the item in `place` of its taste; in every run of twenty places each sort comes as often.

    Of twenty: seven open everywhere, one everywhere until 2085 or later, seven in four or five markets, three in
    three markets with a gap in the years behind and a closing or an upcoming market, two lapsed in every market.
    """
    sort = place % 20
    if sort < 7:
        return EVERYWHERE
    if sort < 8:
        return (Window("*", choices.one(OPENED), choices.one(CLOSING)),)
    if sort < 15:
        return tuple(_open(choices, market) for market in choices.some(MARKETS, choices.between(4, 5)))
    if sort < 18:
        return _on_and_off(choices)
    return tuple(Window(market, choices.one(OPENED), choices.one(LAPSED)) for market in choices.some(MARKETS, 4))


def _open(choices: SeededChoices, market: str) -> Window:
    closing = choices.one(CLOSING) if choices.chance(0.3) else None
    return Window(market, choices.one(OPENED) if choices.chance(0.8) else None, closing)


def _on_and_off(choices: SeededChoices) -> tuple[Window, ...]:
    """Three markets open with a closed stretch behind, one open in the past only, one opening again in 2090."""
    markets = choices.some(MARKETS, 5)
    result: list[Window] = []
    for market in markets[:3]:
        result.append(Window(market, _at("2014-01-01"), _at("2017-01-01")))
        result.append(Window(market, _at("2019-01-01"), choices.one(CLOSING)))
    result.append(Window(markets[3], _at("2014-01-01"), choices.one(LAPSED)))
    result.append(Window(markets[4], _at("2016-01-01"), _at("2018-01-01")))
    result.append(Window(markets[4], choices.one(UPCOMING)))
    return tuple(result)
