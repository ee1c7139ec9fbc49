"""What an encoder's folder puts before a text: its prompts, one for queries and one for documents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from embedding.errors import EncoderMissingError

_CONFIG = "config_sentence_transformers.json"
# What models call a prompt of documents, in the order in which the library looks for it.
_DOCUMENT_NAMES = ("document", "passage", "corpus")


class Prompts(Struct, frozen=True):
    """What is put before a query, and before a document; "" for nothing."""

    query: str = ""
    document: str = ""

    @classmethod
    def named(cls, prompts: Mapping[str, str | None], default: str | None) -> Self:
        """The prompts of both sides among a model's `prompts`, of which `default` names one for all other texts.

        A model that names neither side has one prompt for all texts, its default one. The library itself, once it has
        loaded a model, has an empty `document` that hides a `passage` (sentence-transformers 6.2): here the first that
        says something counts.
        """
        document = next((found for name in _DOCUMENT_NAMES if (found := prompts.get(name))), "")
        query = prompts.get("query") or ""
        return cls(query, document) if query or document else cls.by_default(prompts, default)

    @classmethod
    def by_default(cls, prompts: Mapping[str, str | None], default: str | None) -> Self:
        """The default prompt for both sides: what every text got before the sides were told apart."""
        text = prompts.get(default or "") or ""
        return cls(text, text)


class _Config(Struct):
    prompts: dict[str, str | None] = {}
    default_prompt_name: str | None = None


def folder_prompts(folder: Path) -> tuple[Prompts, Prompts]:
    """The prompts of the sentence-transformers model in `folder` as `Prompts.named`, and as `Prompts.by_default`.

    Raises EncoderMissingError where its file of prompts cannot be read.
    """
    file = folder / _CONFIG
    try:
        config = msgspec.json.decode(file.read_bytes(), type=_Config) if file.is_file() else _Config()
    except msgspec.MsgspecError as error:
        raise EncoderMissingError(
            f"{file} does not say which prompts the text encoder has ({error}): expected "
            '{"prompts": {"query": "…", "document": "…"}}, as `SentenceTransformer.save` writes it.'
        ) from error
    return (
        Prompts.named(config.prompts, config.default_prompt_name),
        Prompts.by_default(config.prompts, config.default_prompt_name),
    )
