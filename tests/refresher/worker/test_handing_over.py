"""The worker's configuration leaves the product once, and the worker can read it."""

import tomllib

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from jobqueue import api_tokens
from jobqueue.errors import NotAllowed, Refused
from jobqueue.models import ApiToken
from jobqueue.scheduler import database_now
from refresher.entra import credentials
from refresher.handing_over import file_name, worker_configuration
from refresher.models import Runner
from refresher.worker.parsing import load
from tests.builders import actor_of, default_company, make_company, make_superuser, make_user
from tests.refresher.worker.conftest import application_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def robot(db):
    default_company()
    return Runner.objects.create(user=application_user("Röbot “1”"), created_at=database_now())


def hand_over(runner, actor=None):
    actor = actor or actor_of(make_superuser())
    return worker_configuration(runner, url="https://jobs.example.com/", actor=actor, now=database_now())


def read(text, tmp_path):
    file = tmp_path / "worker.toml"
    file.write_text(text)
    return load(file, {})


def test_a_runner_without_entra_gets_a_token_and_the_worker_one_of_its_own(robot, tmp_path):
    found = read(hand_over(robot), tmp_path)
    (runner,) = found.runners
    now = database_now()
    assert (runner.name, found.product.url) == (robot.name, "https://jobs.example.com")
    assert api_tokens.find(runner.token, now=now).scopes == ["refresh"]
    assert api_tokens.find(found.product.token, now=now).scopes == ["watch"]


def test_a_secret_leaves_once(application, administrator, tmp_path):
    found = read(hand_over(application.runner, administrator), tmp_path)
    (runner,) = found.runners
    login = credentials.login_of(application)
    assert found.login_of(runner).secret == login.secret
    assert (found.login_of(runner).authority, runner.resource) == (login.authority, login.resource)
    tokens = ApiToken.objects.count()
    with pytest.raises(Refused, match="left the product already"):
        hand_over(application.runner, administrator)
    assert ApiToken.objects.count() == tokens


def test_a_certificate_leaves_with_its_key(application, administrator, tmp_path):
    pem = credentials.new_certificate("Night runner", now=timezone.now())
    credentials.enter_certificate(application, pem, actor=administrator, now=database_now())
    (runner,) = read(hand_over(application.runner, administrator), tmp_path).runners
    assert "PRIVATE KEY" in runner.private_key
    assert runner.certificate == application.certificate.strip()


def test_only_administrators_of_every_company(robot):
    with pytest.raises(NotAllowed):
        hand_over(robot, actor_of(make_user(groups=["Scheduler"])))
    limited = make_user(groups=["Administrator"])
    make_company("own", members=[limited])
    with pytest.raises(NotAllowed):
        hand_over(robot, actor_of(limited))
    assert not ApiToken.objects.exists()


def test_a_person_is_no_user_for_a_machine(db):
    default_company()
    runner = Runner.objects.create(user=make_user("person"), created_at=database_now())
    with pytest.raises(Refused, match="can sign in to the admin"):
        hand_over(runner)


def test_the_page_asks_and_then_answers_with_the_file(robot, tmp_path):
    client = Client()
    client.force_login(make_superuser())
    card = f"/c/{default_company().code}/admin/refresher/runner/{robot.pk}/change/"
    address = card.replace("change", "worker-configuration")
    assert "Download Worker Configuration" in client.get(card).content.decode()
    assert "A new API token is made" in client.get(address).content.decode()
    assert not ApiToken.objects.exists()
    answer = client.post(address)
    assert answer["Content-Disposition"] == f'attachment; filename="{file_name(robot)}"'
    assert "no-store" in answer["Cache-Control"]
    assert tomllib.loads(answer.content.decode())["runners"][0]["name"] == robot.name


def test_the_page_is_not_for_others(robot):
    client = Client()
    client.force_login(make_user(groups=["Scheduler"]))
    address = f"/c/{default_company().code}/admin/refresher/runner/{robot.pk}/worker-configuration/"
    assert (client.get(address).status_code, client.post(address).status_code) == (403, 403)


def test_a_second_download_of_a_secret_says_why_not(application, administrator):
    client = Client()
    client.force_login(administrator.user)
    address = (
        f"/c/{default_company().code}/admin/refresher/runner/{application.runner.pk}/worker-configuration/"
    )
    assert client.post(address)["Content-Type"].startswith("application/toml")
    assert "left the product already" in client.post(address, follow=True).content.decode()


def test_the_command_writes_a_private_file_and_never_over_another(robot, tmp_path, capsys):
    make_superuser("admin")
    file = tmp_path / "w.toml"
    given = ["worker-configuration", robot.name, "--file", str(file), "--url", "https://jobs.example.com"]
    given += ["--as", "admin"]
    call_command("refresher", *given)
    assert file.stat().st_mode & 0o777 == 0o600
    assert load(file, {}).runners[0].name == robot.name
    tokens = ApiToken.objects.count()
    with pytest.raises(SystemExit):
        call_command("refresher", *given)
    assert "cannot be written: File exists" in capsys.readouterr().err
    assert ApiToken.objects.count() == tokens
