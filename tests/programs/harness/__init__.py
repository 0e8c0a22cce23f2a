"""Runs unmodified programs with and without a preloaded object and compares everything they do."""
