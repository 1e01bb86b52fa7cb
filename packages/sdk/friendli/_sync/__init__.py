"""The blocking client; generated, do not edit."""
