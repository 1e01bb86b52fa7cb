"""Quotas before a job and records after it."""
