"""The company: the partition every job queue record lives in."""

import uuid

from django.conf import settings
from django.db import models

from jobqueue.models.fields import TimeZoneField


class Company(models.Model):
    """A data partition. Entries, categories, logs and inboxes belong to exactly one."""

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(
        "code",
        max_length=30,
        unique=True,
        help_text="Short name used in addresses and on the command line, for example “main”.",
    )
    name = models.CharField("name", max_length=100, help_text="Name people see.")
    time_zone = TimeZoneField(
        "time zone",
        help_text="Zone new entries of this company start with; each entry may choose another.",
    )
    is_default = models.BooleanField(
        "default company",
        default=False,
        help_text="The company chosen when none is named. Exactly one company is the default.",
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        through="CompanyMember",
        related_name="companies",
        blank=True,
        help_text="Users limited to this company. A user listed nowhere may work in every company.",
    )

    class Meta:
        verbose_name = "company"
        verbose_name_plural = "companies"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="company_one_default"
            )
        ]

    def __str__(self) -> str:
        return self.name


class CompanyMember(models.Model):
    """Limits a user to a company: a user with any such row sees only the companies named by them."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        verbose_name = "company member"
        constraints = [models.UniqueConstraint(fields=["company", "user"], name="company_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.company}"
