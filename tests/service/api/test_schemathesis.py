"""Requests made by the OpenAPI document, valid and invalid ones: no fault, nothing undocumented, nothing let through.

A few of each route; `SCHEMA_EXAMPLES=120` makes more than 2,000, after all that the document's bounds suggest.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.copied_folders import copied
from tests.service.served import TOKEN, served

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
COMMAND = Path(sys.executable).parent / "schemathesis"
# The same ones each time, unless more are wanted.
FEW = ("--phases", "examples,fuzzing", "--max-examples", "2", "--seed", "22")
LAST_LINES, LONGEST = 60, 300


def test_what_the_document_says_holds(tower_world: Path, tmp_path: Path) -> None:
    examples = os.environ.get("SCHEMA_EXAMPLES")
    how_many = FEW if examples is None else ("--max-examples", examples)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.service.api.schema_checks"}
    with served(copied(tower_world, tmp_path / "world")) as address:
        command = [
            *(str(COMMAND), "--config-file", str(HERE / "schemathesis.toml"), "run", f"{address}/schema/openapi.json"),
            *("--header", f"Authorization: Bearer {TOKEN}", "--continue-on-failure", "--no-shrink", *how_many),
            *("--request-timeout", "60"),
        ]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            timeout=500 if examples is None else 3600,
        )
    told = "\n".join(line[:LONGEST] for line in done.stdout.splitlines()[-LAST_LINES:])
    assert done.returncode == 0, f"{told}\n{done.stderr[-2000:]}"
