"""Pictures: the two routes all this exists for."""
