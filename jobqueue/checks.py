"""System checks of the job queue, each with an id and a hint. Importing this module registers them all."""

from jobqueue.objects import checks as object_checks

__all__ = ["object_checks"]
