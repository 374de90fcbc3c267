"""The pages of the queue: each parses, calls one writer of the queue, and answers."""
