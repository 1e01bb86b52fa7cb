"""Pictures kept and shown by signed links."""
