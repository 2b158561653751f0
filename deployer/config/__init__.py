"""Text to model: inventories, playbooks, templates, the project's folder. Every error names file, line and key."""
