"""Several gateway processes that behave as one."""
