"""Addresses below ``/api/v2.0/``: keys in parentheses, nothing after the last name."""

from django.urls import re_path

from jobqueue.api_v2 import views

KEY = r"\((?P<{name}>[^()/]*)\)"
COMPANY = r"companies" + KEY.format(name="company")
ENTRY = COMPANY + r"/jobQueueEntries" + KEY.format(name="entry")
LOG_ENTRY = COMPANY + r"/jobQueueLogEntries" + KEY.format(name="log_entry")
END = r"/?$"

urlpatterns = [
    re_path(r"^$", views.Service.as_view()),
    re_path(rf"^\$metadata{END}", views.Metadata.as_view()),
    re_path(rf"^companies{END}", views.Companies.as_view()),
    re_path(rf"^{COMPANY}{END}", views.OneCompany.as_view()),
    re_path(rf"^{COMPANY}/jobQueueEntries{END}", views.Entries.as_view()),
    re_path(rf"^{ENTRY}{END}", views.OneEntry.as_view()),
    re_path(rf"^{ENTRY}/[Mm]icrosoft\.(?:NAV|nav|Nav)\.[Rr]estart(?:\(\))?{END}", views.Restart.as_view()),
    re_path(rf"^{ENTRY}/jobQueueLogEntries{END}", views.LogEntriesOfEntry.as_view()),
    re_path(rf"^{COMPANY}/jobQueueLogEntries{END}", views.LogEntries.as_view()),
    re_path(rf"^{LOG_ENTRY}{END}", views.OneLogEntry.as_view()),
    re_path(rf"^{LOG_ENTRY}/errorCallStack(?:/\$value)?{END}", views.CallStack.as_view()),
    re_path(
        rf"^{COMPANY}/(?P<collection>jobQueueEntries|jobQueueLogEntries)/\$count{END}", views.Count.as_view()
    ),
    re_path(r"", views.Nowhere.as_view()),
]
