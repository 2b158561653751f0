"""Questions to a host: each a small frozen value with the shell that asks and the parser that reads."""
