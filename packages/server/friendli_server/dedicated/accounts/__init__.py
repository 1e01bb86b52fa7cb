"""Who may do what: teams, users, tokens."""
