import os
import stat
from concurrent.futures import ThreadPoolExecutor

from cryptography.fernet import Fernet

from config import keys
from config.environment import Environment


def test_a_local_key_is_made_once_and_readable_by_its_owner_only(tmp_path):
    env = Environment({})
    first = keys.secret_key(env, var_dir=tmp_path / "var", production=False)
    assert keys.secret_key(env, var_dir=tmp_path / "var", production=False) == first
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert not env.problems


def test_processes_starting_at_once_agree_on_one_key(tmp_path):
    def make(_: int) -> str:
        return keys.kept_once(tmp_path / "key", make=keys.new_secret_key)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(40)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_key_is_on_the_disk_before_anybody_can_use_it(tmp_path, monkeypatch):
    flushed = []

    def fsync(descriptor: int) -> None:
        flushed.append((os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")), path.exists()))

    path = tmp_path / "var" / "key"
    monkeypatch.setattr(os, "fsync", fsync)
    keys.kept_once(path, make=keys.new_secret_key)
    (draft, used_before), (folder, linked) = flushed
    assert draft.startswith(".key.")
    assert not used_before
    assert (folder, linked) == ("var", True)


def test_production_invents_neither_key(tmp_path):
    env = Environment({})
    keys.secret_key(env, var_dir=tmp_path, production=True)
    keys.credential_keys(env, var_dir=tmp_path, production=True)
    assert [problem.id for problem in env.problems] == ["config.E002", "config.E008"]
    assert list(tmp_path.iterdir()) == []


def test_credential_keys_keep_their_order_and_are_checked(tmp_path):
    new, old = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    env = Environment({"CREDENTIAL_KEYS": f"{new}, {old}"})
    assert keys.credential_keys(env, var_dir=tmp_path, production=True) == [new, old]
    assert not env.problems


def test_a_bad_credential_key_is_named_by_position_and_never_shown(tmp_path):
    env = Environment({"CREDENTIAL_KEYS": f"{Fernet.generate_key().decode()},sesame"})
    keys.credential_keys(env, var_dir=tmp_path, production=False)
    assert env.problems[0].id == "config.E008"
    assert "Key 2" in env.problems[0].message
    assert "sesame" not in env.problems[0].message


def test_generated_credential_keys_encrypt(tmp_path):
    (key,) = keys.credential_keys(Environment({}), var_dir=tmp_path, production=False)
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"


def test_a_place_that_cannot_be_written_is_reported_not_raised(tmp_path):
    (tmp_path / "var").write_text("a file where the folder should be")
    env = Environment({})
    assert keys.secret_key(env, var_dir=tmp_path / "var", production=False)
    assert [problem.id for problem in env.problems] == ["config.E009"]
