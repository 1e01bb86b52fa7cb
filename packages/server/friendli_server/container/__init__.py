"""The container server: one model behind the image API. Wire in, engine client behind."""
