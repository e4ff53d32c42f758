"""The REST API put together: each app brings its own addresses, this is where they meet."""

from django.urls import include, path, re_path

from config.api_docs import OpenApiDocument, SwaggerPage
from jobqueue.api import schema  # noqa: F401  (registers how the document speaks of credentials)
from jobqueue.api import urls as jobqueue_urls
from jobqueue.api.views import Nowhere
from jobqueue.api_v2 import urls as v2
from notifications.api import urls as notifications_urls
from packages.api import urls as packages_urls
from refresher.api import urls as refresher_urls

v1 = [
    path("openapi.json", OpenApiDocument.as_view(api_version="v1"), name="openapi"),
    path("docs", SwaggerPage.as_view(), name="docs"),
    path("docs/", SwaggerPage.as_view()),
    *jobqueue_urls.urlpatterns,
    *notifications_urls.urlpatterns,
    *packages_urls.urlpatterns,
    *refresher_urls.urlpatterns,
]

urlpatterns = [
    path("v1/", include((v1, "v1"), namespace="v1")),
    re_path(r"^v2\.0(?:/|$)", include(v2)),
    re_path(r"", Nowhere.as_view()),
]
