"""Look and navigation of the admin (django-unfold)."""

from typing import Any

from django.templatetags.static import static

# A calm teal on unfold's grey: no status uses it, so a link or button is never mistaken for one.
PRIMARY = {
    "50": "oklch(97.8% .015 195)",
    "100": "oklch(94.5% .032 195)",
    "200": "oklch(89.5% .055 196)",
    "300": "oklch(82% .085 197)",
    "400": "oklch(72% .105 199)",
    "500": "oklch(60% .100 201)",
    "600": "oklch(49% .085 203)",
    "700": "oklch(42.5% .073 205)",
    "800": "oklch(37% .060 208)",
    "900": "oklch(32.5% .050 212)",
    "950": "oklch(24% .042 216)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Jobwarden",
    "SITE_HEADER": "Jobwarden",
    "SITE_SYMBOL": "event_repeat",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": PRIMARY},
    "STYLES": [
        lambda request: static("jobqueue/jobqueue.css"),
        lambda request: static("packages/packages.css"),
        lambda request: static("notifications/notifications.css"),
        lambda request: static("refresher/refresher.css"),
    ],
    "SCRIPTS": [
        lambda request: static("jobqueue/jobqueue.js"),
        lambda request: static("packages/packages.js"),
    ],
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("jobqueue/icon.svg")}
    ],
    "SIDEBAR": {
        "show_search": False,
        "command_search": False,
        "show_all_applications": False,
        "navigation": "jobqueue.admin.navigation.sidebar",
    },
}
