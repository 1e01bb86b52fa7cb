"""`python -m friendli_server` is `friendli-server`."""

from .cli import main

main()
