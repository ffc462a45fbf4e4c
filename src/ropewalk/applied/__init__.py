"""Applied ML: what the repository's own history teaches. Nothing is built here yet."""
