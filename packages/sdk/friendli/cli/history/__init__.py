"""Every picture of the command line, kept in a local folder with how it was made."""
