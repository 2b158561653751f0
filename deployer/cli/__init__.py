"""The command line: argv to calls to an exit code. No decisions, no SSH."""
