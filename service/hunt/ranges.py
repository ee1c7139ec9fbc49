"""Whether a language tag falls in a range that somebody asked for."""


def in_range(tag: str, language_range: str) -> bool:
    """RFC 4647 section 3.3.1: the same, or a prefix that ends before a hyphen; case does not matter."""
    tag, language_range = tag.lower(), language_range.lower()
    return language_range == "*" or tag == language_range or tag.startswith(f"{language_range}-")
