"""The rules of the linter: one subject a file, each with its table."""
