"""Decisions about the fleet, pure: who, in which order, behind which gate, and what comes next."""
