"""`python -m friendli_server.dedicated` is `friendli dedicated`."""

from friendli_server.dedicated.cli import app

app()
