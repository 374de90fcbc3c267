"""What people change, and what a page shows."""

from django.db import models


class Change(models.Model):
    """One change that came through, and whose it was."""

    writer = models.CharField(max_length=150)
    by_administrator = models.BooleanField()

    def __str__(self) -> str:
        return self.writer


class Article(models.Model):
    """Something for a page to list."""

    title = models.CharField(max_length=100)
    text = models.TextField()

    def __str__(self) -> str:
        return self.title
