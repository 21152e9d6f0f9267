from __future__ import annotations

from accounts.models import User


class Person(User):
    """People as those see them who answer for their money and their data."""

    class Meta:
        proxy = True
        verbose_name = "person and their data"
        verbose_name_plural = "people and their data"
