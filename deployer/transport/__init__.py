"""Remotes: a host over SSH, this machine itself, and the Docker Engine API over the same connection."""
