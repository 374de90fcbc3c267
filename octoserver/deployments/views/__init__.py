"""The pages of projects: each parses, calls one writer, and answers."""
