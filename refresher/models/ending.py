"""What people were told of credentials that end: API tokens of runner users, and secrets of Entra tenants."""

from django.db import models


class CredentialWarning(models.Model):
    """How many days before its end people were told last of a credential; 0 when it had ended.

    ``about`` is its kind and key. Another end of the same credential begins anew.
    """

    about = models.CharField("credential", max_length=80, unique=True)
    ends_at = models.DateTimeField("ends at")
    told_days = models.PositiveSmallIntegerField("told of its end", null=True)

    class Meta:
        verbose_name = "credential warning"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.about}: {self.told_days}"
