"""The REST API put together: each app brings its own addresses, this is where they meet."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from jobqueue.api import schema  # noqa: F401  (registers how the document speaks of credentials)
from jobqueue.api import urls as jobqueue_urls
from jobqueue.api.views import ApiView, Nowhere
from jobqueue.api_v2 import urls as v2
from packages.api import urls as packages_urls
from refresher.api import urls as refresher_urls


class OpenApiDocument(ApiView, SpectacularJSONAPIView):
    """The OpenAPI document of version 1, for anybody with credentials."""

    levels = {"get": None}


v1 = [
    path("openapi.json", OpenApiDocument.as_view(api_version="v1"), name="openapi"),
    *jobqueue_urls.urlpatterns,
    *packages_urls.urlpatterns,
    *refresher_urls.urlpatterns,
]

urlpatterns = [
    path("v1/", include((v1, "v1"), namespace="v1")),
    re_path(r"^v2\.0(?:/|$)", include(v2)),
    re_path(r"", Nowhere.as_view()),
]
