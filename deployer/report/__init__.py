"""Words: events to text, for a terminal, for a log, for a machine."""
