"""Effects: the walk over batches and hosts. Looking, applying, locking, watching; it never prints."""
