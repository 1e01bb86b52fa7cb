"""What the benchmarks share: the trace of requests, plain diffusers, and how results are scored."""
