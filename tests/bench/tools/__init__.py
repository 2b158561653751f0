"""The tools that are compared, a class each."""
