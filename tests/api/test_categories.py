"""Categories by the API: the same verbs, levels and refusals as on the screens."""

import pytest

from jobqueue.models import Category
from tests import builders
from tests.api.refusing import refused

pytestmark = pytest.mark.django_db
CATEGORIES = "/api/v1/companies/main/categories/"


def test_a_category_is_created_shown_changed_and_deleted(calling):
    client = calling()
    made = client.post(CATEGORIES, {"code": "bank", "description": "Bank files"})
    assert (made.status_code, made.json()) == (
        201,
        {"code": "BANK", "description": "Bank files", "slots": 1, "entries": 0},
    )
    builders.make_entry(category_code="BANK")
    assert client.get(f"{CATEGORIES}BANK/").json()["entries"] == 1
    changed = client.patch(f"{CATEGORIES}BANK/", {"code": "BANKS", "slots": 2})
    assert changed.json() == {"code": "BANKS", "description": "Bank files", "slots": 2, "entries": 1}
    assert client.delete(f"{CATEGORIES}BANKS/").status_code == 204
    refused(client.delete(f"{CATEGORIES}BANKS/"), 404, "not_found")
    assert not Category.objects.exists()


@pytest.mark.parametrize("group", ["Viewer", "Scheduler"])
def test_only_administrators_change_categories(calling, group):
    builders.make_category("BANK")
    client = calling(group)
    assert client.get(CATEGORIES).json()["count"] == 1
    refused(client.post(CATEGORIES, {"code": "X"}), 403, "not_allowed")
    refused(client.patch(f"{CATEGORIES}BANK/", {"slots": 2}), 403, "not_allowed")
    refused(client.delete(f"{CATEGORIES}BANK/"), 403, "not_allowed")
    assert Category.objects.get().slots == 1


def test_a_code_is_there_once(calling):
    builders.make_category("BANK")
    builders.make_category("STOCK")
    client = calling()
    for answer in (
        client.post(CATEGORIES, {"code": "bank"}),
        client.patch(f"{CATEGORIES}STOCK/", {"code": "BANK"}),
    ):
        assert refused(answer, 400, "invalid")["errors"][0]["field"] == "code"


def test_lists_are_searched_ordered_and_unknown_parameters_refused(calling):
    for code in ("BANK", "STOCK", "SALES"):
        builders.make_category(code)
    client = calling()
    codes = [row["code"] for row in client.get(f"{CATEGORIES}?search=s&ordering=-code").json()["results"]]
    assert codes == ["STOCK", "SALES"]
    body = refused(client.get(f"{CATEGORIES}?colour=red"), 400, "invalid")
    assert body["errors"][0]["code"] == "unknown_parameter"
    assert "ordering, page, page_size, search" in body["detail"]
    for wrong in ("ordering=colour", "page_size=0", "page_size=501", "page_size=x"):
        refused(client.get(f"{CATEGORIES}?{wrong}"), 400, "invalid")


def test_who_has_the_list_already_is_told_so(calling):
    client = calling()
    builders.make_category("BANK")
    first = client.get(CATEGORIES)
    again = client.get(CATEGORIES, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    builders.make_category("STOCK")
    assert client.get(CATEGORIES, headers={"If-None-Match": first["ETag"]}).status_code == 200
