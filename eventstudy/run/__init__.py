"""A run: what was asked (study.toml and flags), the doing of it, and its files."""
