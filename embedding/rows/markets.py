"""Market codes: ISO 3166-1 alpha-2, and what was probably meant by a code that is none.

The codes that MusicBrainz made for itself are among those free for one's own use:
https://musicbrainz.org/doc/Release_Country
"""

# Officially assigned codes, ISO 3166-1 as of 2024.
_ASSIGNED = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ
UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Set aside by the standard (section 8.1.3) for codes of one's own; XK (Kosovo) is among them.
_USER_ASSIGNED = ["AA", "ZZ", *(f"Q{c}" for c in "MNOPQRSTUVWXYZ"), *(f"X{c}" for c in _LETTERS)]

ASSIGNED = frozenset(_ASSIGNED.split())
MARKETS = ASSIGNED | frozenset(_USER_ASSIGNED)
# What worldwide is made of where it is told market by market: all assigned codes, and Kosovo's.
TERRITORIES = (*_ASSIGNED.split(), "XK")
EVERYWHERE_CODE = "*"

# What people write instead; taken silently, the item would stay closed in the market that they meant.
_MEANT = {"UK": "GB", "EL": "GR", "EN": "GB or US", "JA": "JP", "SW": "SE", "DA": "DK"}
# MusicBrainz's, for what is no country of today: no listener is there, the item would stay closed.
_NO_MARKETS = {
    "XW": 'worldwide: say [{"market": "*"}]',
    "XE": "Europe: name its countries, each in a window",
    "XU": "a country that is not known: leave availability out, or name those where it is open",
    "XC": "Czechoslovakia: say CZ and SK, each in a window",
    "XG": "East Germany: say DE",
}


def is_market(code: str) -> bool:
    """Whether a window may name `code`: `*` or a code of ISO 3166-1 alpha-2, assigned or free for one's own use."""
    return code == EVERYWHERE_CODE or (code in MARKETS and code not in _NO_MARKETS)


def meant_market(code: str) -> str | None:
    """The code that was probably meant where `code`, which is none, came; None where it cannot be told."""
    upper = code.strip().upper()
    return upper if upper in MARKETS and upper != code else _MEANT.get(upper)


def expected_market(code: object) -> str:
    """What was expected where `code` came, with the code that was probably meant."""
    rule = "an ISO 3166-1 alpha-2 code in upper case, such as SE, or * for everywhere"
    if isinstance(code, str) and code.strip().upper() in _NO_MARKETS:
        return f"{rule}; MusicBrainz's {code} is {_NO_MARKETS[code.strip().upper()]}"
    meant = meant_market(code) if isinstance(code, str) else None
    return f"{rule} (did you mean {meant}?)" if meant else rule
