"""The steps of `saved_models/README.md` that roll out a version, while clients send requests."""

import concurrent.futures
import re
import shutil
import threading
import time

import pytest
from helpers import ROOT

from tf_seq2seq.serving.client import Client, ModelNotFoundError
from tf_seq2seq.serving.testing import Batching, FakeServer

FOLDER = ROOT / "saved_models"
CONFIG = (FOLDER / "models.config").read_text(encoding="utf-8")
README = (FOLDER / "README.md").read_text(encoding="utf-8")
HEAD, TAIL = re.split(
    r" *model_version_policy.*?(?=^  }\n})", CONFIG, flags=re.DOTALL | re.MULTILINE
)
STEPS = [
    HEAD + lines + TAIL
    for lines in re.findall(r"```\n( *model_version_policy.*?) *```", README, re.DOTALL)
]


class Rollout:
    """A server of `models.config`, and clients that send requests all the time."""

    def __init__(self, root, translator):
        self.root, self.model = root, root / "en_zh"
        self.expected = translator("a b")[0].text
        self.edit(CONFIG)
        self.server = FakeServer(root / "models.config", root, poll=0.05, retry=0.05)
        self.failures = []

    def edit(self, config):
        new = self.root / "new.config"
        new.write_text(config, encoding="utf-8")
        new.rename(self.root / "models.config")

    def add(self, number, broken=False):
        shutil.copytree(self.model / "1", self.model / f".{number}")
        if broken:
            (self.model / f".{number}" / "saved_model.pb").write_bytes(b"rubbish")
        (self.model / f".{number}").rename(self.model / str(number))

    def client(self, **which):
        return Client("en_zh", port=self.server.rest_port, retries=0, **which)

    def wait_for(self, **states):
        """Wait for the state of each version."""
        wanted = {int(name.removeprefix("v")): state for name, state in states.items()}
        with self.client() as client:
            for _ in range(300):
                found = {each.version: each.state for each in client.status()}
                if found == wanted:
                    return
                time.sleep(0.05)
        raise AssertionError(f"the states are {found} instead of {wanted}")

    def ask(self, stopped, **which):
        with self.client(**which) as client:
            while not stopped.is_set():
                try:
                    (translation,) = client("a b", details=False)
                    assert translation.text == self.expected
                except Exception as error:
                    self.failures.append((which, error))
                    return
                stopped.wait(0.02)


@pytest.fixture
def rollout(repository, tmp_path):
    """A rollout during which no request of a client without a label or of `stable` may fail."""
    translator, root = repository
    shutil.copytree(root / "en_zh", tmp_path / "en_zh")
    rollout, stopped = Rollout(tmp_path, translator), threading.Event()
    with rollout.server, concurrent.futures.ThreadPoolExecutor(2) as pool:
        pool.submit(rollout.ask, stopped)
        pool.submit(rollout.ask, stopped, label="stable")
        try:
            yield rollout
        finally:
            stopped.set()
    assert rollout.failures == []


def test_the_steps_of_the_readme_lose_no_request(rollout):
    canary, stable = rollout.client(label="canary"), rollout.client(label="stable")
    both, moved, done = STEPS
    rollout.add(2)  # step 1
    time.sleep(0.2)
    rollout.wait_for(v1="AVAILABLE")
    rollout.edit(both)  # step 2
    rollout.wait_for(v1="AVAILABLE", v2="AVAILABLE")
    assert [each.version for each in stable.status()] == [1]
    assert [each.version for each in canary.status()] == [2]
    assert canary("a b")[0].text == rollout.expected  # step 3
    rollout.edit(moved)  # step 4
    stable.wait_for([2], seconds=10)
    rollout.edit(both)  # and back
    stable.wait_for([1], seconds=10)
    rollout.edit(moved)
    stable.wait_for([2], seconds=10)
    rollout.edit(done)  # step 5
    rollout.wait_for(v1="END", v2="AVAILABLE")


def test_a_broken_version_harms_nobody(rollout):
    rollout.add(2, broken=True)
    rollout.edit(STEPS[0])
    rollout.wait_for(v1="AVAILABLE", v2="LOADING")
    rollout.edit(CONFIG)
    shutil.rmtree(rollout.model / "2")
    rollout.wait_for(v1="AVAILABLE", v2="END")


def test_what_the_readme_warns_of(rollout):
    stable = rollout.client(label="stable")
    latest = CONFIG.replace("specific { versions: 1 }", "latest { num_versions: 2 }")
    assert latest != CONFIG
    rollout.edit(latest)
    rollout.add(2)
    rollout.wait_for(v1="AVAILABLE", v2="AVAILABLE")
    rollout.add(3, broken=True)
    rollout.wait_for(v1="END", v2="AVAILABLE", v3="LOADING")
    with pytest.raises(ModelNotFoundError, match=r"Servable not found .* Specific\(en_zh, 1\)"):
        stable("a b")
    while not rollout.failures:  # until the next request
        time.sleep(0.02)
    ((which, _),) = rollout.failures
    assert which == {"label": "stable"}
    rollout.failures.clear()


def test_every_way_to_start_the_server_has_the_flags():
    commands = [
        block.replace("\\\n", "")
        for block in re.findall(r"```\n(.*?)```", README, re.DOTALL)
        if "--model_config_file=" in block
    ]
    commands.append((FOLDER / "docker-compose.yml").read_text(encoding="utf-8"))
    assert len(commands) == 3
    for command in commands:
        assert "--allow_version_labels_for_unavailable_models=true" in command
        assert "--model_config_file_poll_wait_seconds=10" in command
        (threads,) = re.findall(r"--grpc_max_threads=(\d+)", command)
        assert int(threads) >= 2 * Batching.read(FOLDER / "batching.config").max_batch_size
