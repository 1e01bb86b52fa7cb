"""The servers: `container` (one model behind the image API) and `dedicated` (the gateway)."""
