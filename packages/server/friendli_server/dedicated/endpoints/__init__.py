"""Endpoints: what people ask them to be."""
