"""Inputs made of values that nearly fit, as Hypothesis draws them; each strategy gives the bytes of a whole file."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.embedding.rows.row_cases import zstd

# Where limits lie, and what other programs write for them.
WORDS = (
    "", " ", "a", "t-1", ".", "..", "track", "episode", "SE", "GB", "*", "XW", "UK", "en-GB", "iw", "English", "zh-cmn",
    "true", "False", "yes", "NaN", "Infinity", "-0", "1e400", "0042", "9" * 25, "3:34", "1:02:03", "PT1H2M", "99:99",
    "2024-05-31", "2024-05-31T18:00:00Z", "9999-12-31T23:59:59.9999999Z", "2016-12-31T23:59:60Z",
    "0001-01-01T00:00:00+14:00",
    "03/11/2023", "[]", "{}", '["a"]', '[{"market": "SE"}]', '{"year": 1}', "a; b", "Worldwide except US", "=1+1",
    "\x00", "\x1b[2J", "\ufeff", "\u2028", "é", "\U0001f600", "\ud800", "x" * 600, "&amp;", "<b>", "]]>", '"', "\r\n",
)  # fmt: skip
words = st.sampled_from(WORDS) | st.text(max_size=12)
numbers = (
    st.integers(-3, 130)
    | st.sampled_from((2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 10**25, -(10**19), 1736150400000))
    | st.floats()
)
plain = st.none() | st.booleans() | numbers | words
nested = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)
times = st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat) | words
windows = st.lists(
    st.fixed_dictionaries({"market": words}, optional={"from": times | plain, "until": times | plain, "x": plain})
    | nested,
    max_size=3,
)
ITEM_FIELDS = {
    "creators": st.lists(words | plain, max_size=4) | nested,
    "text": words | plain,
    "chapters": st.lists(
        st.fixed_dictionaries({}, optional={"start_s": numbers | plain, "title": words | plain}) | nested, max_size=3
    ),
    "album": words | plain,
    "tags": st.lists(words | plain, max_size=4) | nested,
    "language": words | plain,
    "duration_s": numbers | plain,
    "published_at": times | plain,
    "explicit": st.booleans() | plain,
    "min_age": numbers | plain,
    "availability": windows | nested,
    "popularity": st.floats(0, 1) | plain,
    "extra": st.dictionaries(words, plain, max_size=3) | nested,
    "Id": plain,
}
items = st.fixed_dictionaries(
    {
        "id": words | numbers,
        "kind": st.sampled_from(("track", "episode")) | plain,
        "title": words | plain,
        "creator": words | plain,
    },
    optional=ITEM_FIELDS,
)
listens = st.fixed_dictionaries(
    {"user_id": words | numbers, "item_id": words | numbers},
    optional={"at": times | numbers, "weight": numbers | plain},
)


def as_json(value: Any) -> bytes:
    """JSON with what JSON has no word for as Python writes it, lone surrogates as bytes that are no UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def json_files(entries: SearchStrategy[Any]) -> SearchStrategy[bytes]:
    """A list in JSON, or any other JSON."""
    return (st.lists(entries, max_size=4) | nested).map(as_json)


def json_lines(entries: SearchStrategy[Any]) -> SearchStrategy[bytes]:
    """JSON, a value a line; some lines are blank, or none."""
    line = (entries | nested).map(as_json) | st.sampled_from((b"", b" \t", b"\r", b"{", b"\xff", b"null"))
    return st.lists(line, max_size=5).flatmap(
        lambda lines: st.sampled_from((b"\n", b"\r\n", b"\n\n")).map(_joined(lines))
    )


def _joined(lines: list[bytes]) -> Any:
    return lambda end: end.join(lines) + end


def csv_files(headers: Sequence[str], delimiter: str = ",") -> SearchStrategy[bytes]:
    """CSV whose header is of `headers`, mostly, and whose rows have as many cells, mostly."""

    @st.composite
    def draw_file(draw: DrawFn) -> bytes:
        names = draw(
            st.just(list(headers)) | st.permutations(headers) | st.lists(st.sampled_from(headers) | words, max_size=8)
        )
        text = io.StringIO()
        writer = csv.writer(
            text,
            delimiter=delimiter,
            lineterminator=draw(st.sampled_from(("\n", "\r\n"))),
            quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))),
        )
        writer.writerow(names)
        for _ in range(draw(st.integers(0, 4))):
            width = len(names) if draw(st.integers(0, 9)) else draw(st.integers(0, 12))
            writer.writerow([draw(words | numbers.map(str)) for _ in range(width)])
        return text.getvalue().encode("utf-8", "surrogatepass")

    return draw_file()


def spoilt(files: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Files, some of which lack their end, or have a byte that is another."""

    @st.composite
    def draw_file(draw: DrawFn) -> bytes:
        data = bytearray(draw(files))
        if data and draw(st.booleans()):
            place = draw(st.integers(0, len(data) - 1))
            if draw(st.booleans()):
                del data[place:]
            else:
                data[place] ^= draw(st.integers(1, 255))
        return bytes(data)

    return draw_file()


def edited(seeds: Sequence[bytes], pieces: Sequence[bytes]) -> SearchStrategy[bytes]:
    """Good files with parts taken out, doubled, or replaced by one of `pieces`."""

    @st.composite
    def draw_file(draw: DrawFn) -> bytes:
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(1, 4))):
            start = draw(st.integers(0, len(data)))
            end = draw(st.integers(start, min(len(data), start + 30)))
            new = draw(st.sampled_from(pieces) | st.binary(max_size=4) | st.just(b"") | st.just(data[start:end] * 2))
            data = data[:start] + new + data[end:]
        return data

    return draw_file()


def pieces_of(*texts: str) -> tuple[bytes, ...]:
    """The words above, and those in `texts`, as pieces for `edited`."""
    found = {word for text in texts for word in text.replace(">", "> ").split()}
    return tuple(word.encode("utf-8", "surrogatepass") for word in (*WORDS, *sorted(found)))


JSONL = spoilt(json_lines(items))
GZIP = spoilt(json_lines(items).map(lambda data: gzip.compress(data, mtime=0)))
ZSTD = spoilt(json_lines(items).map(zstd))
CSV = spoilt(csv_files(("id", "kind", "title", "creator", *ITEM_FIELDS)))
INTERACTIONS = spoilt(json_lines(listens))
