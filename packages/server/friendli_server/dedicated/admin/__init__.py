"""The operator: all teams, by a token class of its own, every change written down."""
