"""Weights from elsewhere: object stores, digests, a node's cache. Knows no engine and no HTTP."""
