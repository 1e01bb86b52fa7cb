"""`python -m friendli_server` is `friendli-server`."""

from friendli_server.cli import main

main()
