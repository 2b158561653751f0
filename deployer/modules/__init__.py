"""Decisions about one host: which facts, then which actions. One file, one module."""
