"""The category: a named group of entries that take turns."""

from django.core.validators import MinValueValidator
from django.db import models

from jobqueue.models.company import Company
from jobqueue.models.fields import UpperCodeField


class Category(models.Model):
    """A serialisation group (*Job queue reference, Category serialisation*)."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="categories")
    code = UpperCodeField("code", help_text="Up to 10 characters, kept in capitals, for example BANK.")
    description = models.CharField(
        "description", max_length=30, blank=True, help_text="What the jobs of this category have in common."
    )
    slots = models.PositiveSmallIntegerField(
        "slots",
        default=1,
        validators=[MinValueValidator(1)],
        help_text="How many entries of this category may run at the same time; usually 1.",
    )
    recovery_task_id = models.UUIDField("recovery task", null=True, blank=True, editable=False)
    recovery_task_at = models.DateTimeField("recovery task at", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "category"
        verbose_name_plural = "categories"
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["company", "code"], name="category_code_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.description}".strip()
