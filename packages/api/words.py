"""Names of the enumerations of packages in the OpenAPI document (settings SPECTACULAR_SETTINGS)."""

from jobqueue.api.text_words import words_of
from packages.states import MissedRun, OnError, Outcome, PackageStatus, Result, Trigger

PACKAGE_STATUS = words_of(PackageStatus)
ON_ERROR = words_of(OnError)
MISSED_RUN = words_of(MissedRun)
RUN_OUTCOME = words_of(Outcome)
RUN_TRIGGER = words_of(Trigger)
LINE_RESULT = words_of(Result)
