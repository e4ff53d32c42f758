"""One line saying on which days and times a package runs."""

from django.core.validators import MaxValueValidator
from django.db import models

from jobqueue.models.entry import WEEKDAY_FIELDS
from packages.models.package import Package


class Recurrence(models.Model):
    """Days, times and validity; all times of day are read in the package's time zone.

    Source: *Packages reference, Recurrences and the next run*. A calendar (run, skip, next or previous working day)
    will be one more field here.
    """

    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="recurrences")
    enabled = models.BooleanField("enabled", default=True)
    run_on_mondays = models.BooleanField("run on Mondays", default=False)
    run_on_tuesdays = models.BooleanField("run on Tuesdays", default=False)
    run_on_wednesdays = models.BooleanField("run on Wednesdays", default=False)
    run_on_thursdays = models.BooleanField("run on Thursdays", default=False)
    run_on_fridays = models.BooleanField("run on Fridays", default=False)
    run_on_saturdays = models.BooleanField("run on Saturdays", default=False)
    run_on_sundays = models.BooleanField("run on Sundays", default=False)
    next_run_date_formula = models.CharField(
        "next run date formula",
        max_length=20,
        blank=True,
        help_text="Instead of weekdays: CM (last day of the month), CM+1D (first of the next), D15 (the 15th).",
    )
    starting_time = models.TimeField("starting time", null=True, blank=True, help_text="Empty: 00:00.")
    ending_time = models.TimeField(
        "ending time",
        null=True,
        blank=True,
        help_text="Only with minutes between runs. Empty: the end of the day. Before the starting time: the next day.",
    )
    minutes_between_runs = models.PositiveIntegerField(
        "no. of minutes between runs",
        default=0,
        validators=[MaxValueValidator(2_147_483_647)],
        help_text="0: once a day at the starting time.",
    )
    valid_from = models.DateField("valid from", null=True, blank=True, help_text="First day, included.")
    valid_to = models.DateField("valid to", null=True, blank=True, help_text="Last day, included.")

    class Meta:
        verbose_name = "recurrence"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Recurrence {self.pk} of {self.package}"

    @property
    def weekdays(self) -> frozenset[int]:
        """Days ticked, Monday = 1 … Sunday = 7."""
        return frozenset(day for day, name in enumerate(WEEKDAY_FIELDS, start=1) if getattr(self, name))
