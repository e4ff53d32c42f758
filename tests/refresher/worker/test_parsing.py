"""The configuration: what it may say, and the sentence for everything it may not."""

import pytest

from refresher.worker.parsing import ConfigurationError, load

GUID = "8f1c1b52-0b5e-4d8e-9d8e-0f6f0a2f9d11"
RUNNER = '[[runners]]\nname = "robot"\ntoken = "jw_x"\n'
PRODUCT = '[product]\nurl = "https://jobs.example.com"\n'


@pytest.fixture
def read(tmp_path):
    def reading(text, **environment):
        file = tmp_path / "worker.toml"
        file.write_text(text)
        return load(file, environment)

    return reading


@pytest.fixture
def problems_of(read):
    def reading(text, **environment):
        with pytest.raises(ConfigurationError) as caught:
            read(text, **environment)
        return caught.value.problems

    return reading


def test_little_is_needed(read):
    found = read(PRODUCT + RUNNER)
    assert (found.product.url, found.runners[0].name, found.schedule.minutes) == (
        "https://jobs.example.com",
        "robot",
        60,
    )
    assert found.product.proxy == ""


def test_the_environment_stands_over_the_file(read):
    found = read(
        PRODUCT + RUNNER,
        JOBWARDEN_WORKER_PRODUCT_URL="https://other.example.com",
        JOBWARDEN_WORKER_SCHEDULE_MINUTES="30",
        JOBWARDEN_WORKER_RUNNER_ROBOT_TOKEN="jw_y",
        JOBWARDEN_WORKER_MAIL_RECIPIENTS="a@example.com, b@example.com",
        JOBWARDEN_WORKER_MAIL_HOST="mail.example.com",
        JOBWARDEN_WORKER_MAIL_SENDER="w@example.com",
    )
    assert (found.product.url, found.schedule.minutes, found.runners[0].token) == (
        "https://other.example.com",
        30.0,
        "jw_y",
    )
    assert found.mail.recipients == ("a@example.com", "b@example.com")


def test_secrets_come_from_files_beside_the_configuration(read, tmp_path):
    (tmp_path / "token").write_text("jw_z\n")
    assert read(PRODUCT + '[[runners]]\nname = "robot"\ntoken_file = "token"\n').runners[0].token == "jw_z"
    found = read(PRODUCT + RUNNER, JOBWARDEN_WORKER_PRODUCT_TOKEN_FILE=str(tmp_path / "token"))
    assert found.product.token == "jw_z"


def test_secrets_are_never_shown(read):
    assert "jw_x" not in repr(read(PRODUCT + RUNNER))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[product", "is not TOML"),
        ("", "product.url is missing"),
        (PRODUCT, "There is nothing to do"),
        (PRODUCT + "[produkt]\n" + RUNNER, "There is no section “produkt”"),
        (
            '[product]\nurl = "https://a.example"\nurll = 1\n' + RUNNER,
            "product.urll: there is no such option",
        ),
        ('[product]\nurl = "jobs.example.com"\n' + RUNNER, "It begins with https://"),
        ('[product]\nurl = "http://jobs.example.com"\n' + RUNNER, "tokens would travel unprotected"),
        ('[product]\nurl = "https://u:p@jobs.example.com"\n' + RUNNER, "leave user and password out"),
        ('[product]\nurl = "https://[::1"\n' + RUNNER, "is no address"),
        ("[product]\nurl = 5\n" + RUNNER, "product.url: a text in quotes is needed"),
        (PRODUCT + '[schedule]\nminutes = "often"\n' + RUNNER, "schedule.minutes: a number from 1 to 1440"),
        (PRODUCT + "[retry]\nattempts = true\n" + RUNNER, "retry.attempts: a whole number from 1 to 20"),
        (PRODUCT + "[schedule]\nminutes = 0\n" + RUNNER, "schedule.minutes: a number from 1 to 1440"),
        (PRODUCT + "[product.ca]\nx = 1\n" + RUNNER, "product.ca: there is no such option"),
        (PRODUCT + 'ca_file = "none.pem"\n' + RUNNER, "product.ca_file: “none.pem” cannot be read"),
        (PRODUCT + '[mail]\nhost = "m"\n' + RUNNER, "mail.sender is missing"),
        (PRODUCT + '[mail]\nhost = "m"\nsender = "a@b"\n' + RUNNER, "mail.recipients: enter at least one"),
        (PRODUCT + '[mail]\nsecurity = "ssl"\n' + RUNNER, "Choose one of: starttls, tls, none"),
        (PRODUCT + '[webhook]\nurl = "http://hooks.example"\n' + RUNNER, "webhook.url: tokens would travel"),
        (PRODUCT + RUNNER + RUNNER, "The runner user “robot” is there twice"),
        (PRODUCT + '[[runners]]\ntoken = "jw_x"\n', "Runner no. 1 has no name"),
        (PRODUCT + '[[runners]]\nname = "robot"\n', "“robot” has no credential"),
        (PRODUCT + f'[[runners]]\nname = "robot"\nclient_id = "{GUID}"\n', "tenant_id is missing"),
        (PRODUCT + '[[runners]]\nname = "robot"\nclient_id = "x"\nsecret = "s"\n', "client_id is no GUID"),
        (PRODUCT + RUNNER + 'secret = "s"\n', "are both given"),
        (PRODUCT + '[[runners]]\nname = "robot"\ntoken_file = "gone"\n', "“gone” cannot be read"),
        (PRODUCT + 'runners = "robot"\n', "product.runners: there is no such option"),
        ('runners = "robot"\n' + PRODUCT, "“runners” is no list"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(problems_of, text, sentence):
    problems = problems_of(text)
    assert any(sentence in problem for problem in problems), problems


def test_all_problems_come_at_once(problems_of):
    assert len(problems_of('[product]\nurl = 5\n[schedule]\nminutes = -1\n[[runners]]\nnam = "x"\n')) == 3


def test_a_misspelt_variable_is_not_passed_over(problems_of):
    assert (
        "JOBWARDEN_WORKER_PRODUCT_ULR names no option"
        in problems_of(PRODUCT + RUNNER, JOBWARDEN_WORKER_PRODUCT_ULR="https://x.example")[0]
    )


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="There is no configuration file"):
        load(tmp_path / "none.toml", {})
