"""Text out of HTML: what a reader would see, in the lines in which they would see it."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.importers.rss.markup import one_line, plain_text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One.</p><p>Two &amp; three.</p>", "One.\n\nTwo & three."),
        ("<p>One<br>two<br/>three</p>", "One\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("Plain\nlines &amp; an entity, 1 < 2 and 3 > 2", "Plain\nlines & an entity, 1 < 2 and 3 > 2"),
        ("Plain\r\nlines\r\n\r\n\r\n\r\nwith gaps  \n", "Plain\nlines\n\nwith gaps"),
        # Links alone make no lines, so those that were written count.
        ('First\nsee <a href="https://example.com">the site</a>\nlast', "First\nsee the site\nlast"),
        ("<p>Lines\nof the source</p>", "Lines of the source"),
        ("<script>alert('x')</script><style>p {}</style>Seen", "Seen"),
        ("<!-- hidden -->Seen", "Seen"),
        ("caf&eacute;&nbsp;&#39;n&#x2019; &hellip;", "café\xa0'n’ …"),
        # What was escaped twice is read once.
        ("&lt;p&gt;", "<p>"),
        ("<b>unclosed <i>tags", "unclosed tags"),
        ("", ""),
        ("<img src=x onerror=alert(1)>", ""),
        ("<div>" * 3_000 + "deep" + "</div>" * 3_000, "deep"),
    ],
)
def test_what_is_seen_is_the_text(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_a_plain_text_that_was_escaped_comes_back(text: str) -> None:
    assert plain_text(html.escape(text)) == plain_text(f"<b></b>{html.escape(text)}") == text.strip(" \t\xa0\n").strip()


@given(st.text(st.sampled_from("<>&;/ab!-\"'= \n#x0p"), max_size=60))
def test_no_markup_breaks_it(markup: str) -> None:
    plain_text(markup)


def test_a_title_is_one_line() -> None:
    assert one_line(" Q&amp;A:\n\tpart  1 ") == "Q&A: part 1"


def test_a_number_that_python_would_not_convert_is_no_character() -> None:
    assert plain_text(f"a&#{'9' * 5_000};b") == "a\ufffdb"
    assert one_line(f"<&#{'9' * 5_000}>") == "<\ufffd>"


@pytest.mark.parametrize("unit", ["&", "<", "<a ", "<!--", "&#", " ", "\xa0\n", "<p>", "<b"])
def test_what_goes_on_and_on_is_read_in_time(unit: str) -> None:
    plain_text("x" + unit * 200_000 + "y")
