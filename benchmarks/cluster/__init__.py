"""Parts of the cluster simulation: replicas, routing, scaling. They know no real server."""
