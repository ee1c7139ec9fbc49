"""The names of the stages of an answer, by which explanations, reasons and figures speak of them.

service/queries/pipeline.py says what each one decides.
"""

from typing import Literal

StageName = Literal[
    "release",
    "context",
    "query",
    "exclusions",
    "retrieval",
    "re-check",
    "fallback",
    "arrangement",
    "page",
    "explanation",
]
