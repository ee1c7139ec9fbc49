"""Folders whose files are not their rows: tables with a log of which files count, and writes that have not ended."""

from pathlib import Path

from embedding.errors import RejectedInputError

# What lies in the folder of a table, what the table is, and how its rows come out of it. The files of such a table hold
# rows that were deleted since, and older versions of those that were changed.
_TABLES = {
    "_delta_log": ("Delta Lake", 'deltalake.DeltaTable(FOLDER).to_pyarrow_table(), or spark.read.format("delta")'),
    ".hoodie": ("Apache Hudi", 'spark.read.format("hudi").load(FOLDER)'),
    "metadata/version-hint.text": ("Apache Iceberg", 'pyiceberg\'s table.scan(), or spark.read.format("iceberg")'),
    "metadata/*.metadata.json": ("Apache Iceberg", 'pyiceberg\'s table.scan(), or spark.read.format("iceberg")'),
    "_spark_metadata": ("Spark Structured Streaming", "spark.read.parquet(FOLDER)"),
}
# Where jobs of Hadoop, Hive and Spark put what they have written until they end.
_UNFINISHED = ("_temporary", ".hive-staging*", ".spark-staging*")


def refuse_tables(path: Path) -> None:
    """Raise RejectedInputError where the file or folder `path` is, or lies in, a table or a write not ended."""
    for folder in (path, path.parent):
        for pattern, (table, way) in _TABLES.items():
            mark = _found(folder, pattern)
            if mark is not None:
                raise RejectedInputError(
                    f"expected files of rows at {path}, but {mark} says that {folder} is a table of {table}, whose"
                    f" files also hold rows that were deleted or changed since: write what it holds now to a folder of"
                    f" its own ({way}), and read that"
                )
    for pattern in _UNFINISHED:
        mark = _found(path, pattern)
        if mark is not None:
            raise RejectedInputError(
                f"expected files of rows at {path}, but {mark.name} says that a job which writes there has not ended:"
                f" wait until it has, or run it again, and remove {mark} if no job runs"
            )


def _found(folder: Path, pattern: str) -> Path | None:
    return min(folder.glob(pattern), default=None) if folder.is_dir() else None
