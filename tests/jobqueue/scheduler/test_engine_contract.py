"""What we rely on in django-q2 and it does not promise: a new version that changes it fails here, not in production."""

import inspect
import uuid

from django_q import cluster, monitor, pusher, worker
from django_q.brokers import get_broker
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.signing import SignedPackage

from jobqueue.scheduler.broker import TaskBroker
from jobqueue.scheduler.delivery import message, run_message
from jobqueue.scheduler.tasks import ClaimedTask


def test_the_configured_broker_is_ours_and_extends_the_database_one(db):
    assert isinstance(get_broker(), TaskBroker)
    assert issubclass(TaskBroker, ORM)


def test_the_broker_is_used_through_these_methods():
    assert "broker.dequeue()" in inspect.getsource(pusher.pusher)
    assert "SignedPackage.loads(task[1])" in inspect.getsource(pusher.pusher)
    source = inspect.getsource(monitor.monitor)
    assert 'ack_id and (task["success"]' in source
    assert "broker.acknowledge(ack_id)" in source


def test_no_result_of_ours_is_stored():
    source = inspect.getsource(monitor.save_task)
    assert 'if not task.get("save", Conf.SAVE_LIMIT >= 0) and task["success"]:\n        return' in source


def test_a_worker_calls_our_hooks_in_this_order():
    source = inspect.getsource(worker.worker)
    places = [
        source.index(words)
        for words in (
            "post_spawn.send",
            "task_queue.get",
            "pre_execute.send",
            'f(*task["args"], **task["kwargs"])',
            "post_execute_in_worker.send",
            "result_queue.put(task)",
        )
    ]
    assert places == sorted(places)
    assert 'timer_value = task.pop("timeout", timeout)' in source


def test_the_sentinel_forks_and_beats_as_the_supervisor_expects():
    parameters = list(inspect.signature(cluster.Sentinel.__init__).parameters)
    assert parameters[:4] == ["self", "stop_event", "start_event", "cluster_id"]
    assert "Stat(self).save()" in inspect.getsource(cluster.Sentinel.guard)
    assert '"fork" in multiprocessing.get_all_start_methods()' in inspect.getsource(cluster.get_mp_context)
    assert "self.stop_event.wait(cycle)" in inspect.getsource(cluster.Sentinel.guard)
    for name in (
        "WORKERS",
        "QUEUE_LIMIT",
        "BROKER_CLASS",
        "ORM",
        "SCHEDULER",
        "GUARD_CYCLE",
        "POLL",
        "BULK",
        "RECYCLE",
    ):
        assert hasattr(Conf, name)


def test_a_message_survives_signing_and_carries_the_claim():
    claim = ClaimedTask(uuid.uuid4(), 3, "test.note", False, 60)
    carried = SignedPackage.loads(SignedPackage.dumps(message(claim)))
    assert carried["func"] is run_message
    assert carried["args"] == ((claim.id.hex, 3, "test.note", False, 60),)
    assert (carried["timeout"], carried["save"]) == (-1, False)
