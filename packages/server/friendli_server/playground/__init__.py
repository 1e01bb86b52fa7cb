"""The playground: a web page for the image API, served by the container server at `/`."""

from .routes import mount

__all__ = ["mount"]
