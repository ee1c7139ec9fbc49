"""By which plan rows are found: scans of the columns, or the engine, as the doctor measured."""
