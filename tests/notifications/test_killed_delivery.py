"""A real worker that is killed between the mail server's taking a message and the record of it."""

import os
import signal

import pytest

from notifications.models import Message
from notifications.notify import notify
from tests.jobqueue.scheduler.real_worker import RealWorker, wait_for
from tests.notifications.outbox import make_list, occasion

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def worker(child_environment, tmp_path, mail_server):
    environment = {**child_environment, "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}"}
    found = RealWorker(environment, log=tmp_path / "worker.log", workers=2)
    yield found
    found.clean_up()
    print((tmp_path / "worker.log").read_text())  # noqa: T201


def test_the_message_is_sent_again_under_the_same_id_and_recorded_once(worker, mail_server):
    mail_server.silent = 1
    found = make_list(("ops@example.com", "sample_error"))
    [message] = notify(occasion("sample_error", lists=(found,)))
    wait_for(lambda: mail_server.mails)
    message.refresh_from_db()
    assert message.state == "sending"

    busy = [session.pid for session in worker.sessions() if session.tasks.exists()]
    assert len(busy) == 1
    os.kill(busy[0], signal.SIGKILL)
    wait_for(lambda: Message.objects.get().state == "sent", seconds=90)

    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert [one.outcome for one in message.delivery_attempts.order_by("number")] == ["lost", "sent"]
