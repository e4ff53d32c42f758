import pytest


def policy(response) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


@pytest.mark.django_db
def test_admin_pages_may_evaluate_expressions_but_load_nothing_from_elsewhere(client):
    found = policy(client.get("/admin/login/"))
    assert found["script-src"] == ["'self'", "'unsafe-eval'"]
    assert found["frame-ancestors"] == ["'none'"]
    for directive, sources in found.items():
        assert set(sources) <= {"'self'", "'none'", "'unsafe-eval'", "'unsafe-inline'", "data:"}, directive
    assert "'unsafe-inline'" not in found["script-src"]


def test_everything_else_is_strict(client):
    found = policy(client.get("/livez"))
    assert found["default-src"] == ["'none'"]
    assert "script-src" not in found
    assert "'unsafe-inline'" not in str(found)


def test_the_first_page_is_the_admin(client):
    assert client.get("/")["Location"] == "/admin/"
