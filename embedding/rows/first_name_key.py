"""The first key of a name, frozen: what was once made of it, and is told apart by it, stays as it is.

Vocabularies of models hold names in this form, and versions of accepted rules are hashed over it: neither decides who
may be shown. Whatever compares names now goes by `embedding.rows.names`.
"""

import unicodedata
from functools import lru_cache


@lru_cache(1 << 16)
def first_name_key(name: str) -> str:
    """NFKC, case folded, inner white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
