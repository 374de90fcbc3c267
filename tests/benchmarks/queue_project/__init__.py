"""The same no-op on the server's queue and on others: what ``tests.benchmarks.queue`` starts."""
