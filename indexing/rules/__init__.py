"""Business rules as data: declared in `rules.toml`, compiled once, enforced on every route."""
