"""How calls are retried, under the name that user code imports it from."""

from friendli.retries import BackoffStrategy, RetryConfig

__all__ = ["BackoffStrategy", "RetryConfig"]
