"""One release on disk: manifest, users, passages, the build lock."""
