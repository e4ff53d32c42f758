"""The job that does nothing: what is left is the price of the job queue itself."""

from jobqueue.objects import Run, codeunit

NOTHING = 99_001


@codeunit(NOTHING, "Do nothing")
def nothing(run: Run[None]) -> None:
    pass
