"""Kill a short training run at random moments: python killed_training.py DIRECTORY KILLS SEED

A run trains a model and exports it. After each kill the run is resumed, until it ends; the end must
be that of a run that was not killed, and no part of an export may ever be visible. A third of the
kills come at a random time of the training, a third at a random time of the export, and a third at
one of the moments at which a file is opened, renamed or removed, or a few milliseconds later.
"""

import collections
import os
import random
import re
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import NamedTuple

# Imported once, and then forked: no tensor may be created in this process.
import keras
import short_training
from short_training import Settings, end
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq.serving import list_versions

FILE_EVENTS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}


class Events:
    """Counts what happens to the files of a folder; kills the process at the event `fatal`."""

    def __init__(self, directory, fatal=None, delay=0.0):
        self.directory, self.fatal, self.delay = str(directory), fatal, delay
        self.count = 0
        sys.addaudithook(self.note)

    def note(self, event, arguments):
        if event in FILE_EVENTS and self.directory in str(arguments[0]):
            self.count += 1
            if self.count == self.fatal:
                threading.Timer(self.delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
                if not self.delay:
                    time.sleep(10)


TRAINING, EXPORT = b"t", b"e"
"""What a run tells its parent when it begins with them."""


def run(settings, event=None, delay=0.0, stage=None, seconds=0.0):
    """Train and export in a process.

    Args:
        settings: those of the training.
        event, delay: number of the event of files at which the process is killed, and the seconds
            from there; None for no such kill.
        stage, seconds: the stage in which the process is killed, and the seconds from its start;
            None for no such kill.

    Returns:
        For how many seconds it has trained and exported, or None if it was killed before its end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            events = Events(settings.output_dir, event, delay)
            begin = keras.callbacks.LambdaCallback(
                on_train_begin=lambda _: os.write(writer, TRAINING)
            )
            model = short_training.train(settings, [begin])
            os.write(writer, EXPORT)
            short_training.export(settings, model)
            (settings.output_dir / "events").write_text(str(events.count))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    times = []
    while begun := os.read(reader, 1):  # nothing when the process has ended
        times.append(time.monotonic())
        if begun == stage:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
    times.append(time.monotonic())
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return None
    assert os.WEXITSTATUS(status) == 0
    return {TRAINING: times[1] - times[0], EXPORT: times[2] - times[1]}


def versions(directory):
    """Return the content of each visible export, as far as it is the same in each process."""
    contents = []
    for version in list_versions(directory / "export"):
        folder = directory / "export" / str(version)
        assert SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs
        contents.append(
            {
                str(path.relative_to(folder)): path.parent.name == "variables" and path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
        )
    return contents


def files(directory):
    """Return the names of all files, except those of exports."""
    paths = (path.relative_to(directory) for path in directory.rglob("*"))
    return sorted(str(path) for path in paths if not re.match(r"export/\d+(/|$)", path.as_posix()))


class Whole(NamedTuple):
    """A run that was not killed: its folder, how many events it has, and for how long."""

    folder: Path
    events: int
    seconds: dict[bytes, float]


def whole_run(folder, model):
    seconds = run(Settings(model=model, output_dir=folder))
    return Whole(folder, int((folder / "events").read_text()), seconds)


def choose_kill(choose, kind, whole):
    """Return arguments of `run`."""
    if kind != "event":
        return {"stage": kind, "seconds": choose.uniform(0, whole.seconds[kind])}
    delay = choose.choice([0, choose.uniform(0, 0.01)])
    return {"event": choose.randint(1, whole.events * 2 // 3), "delay": delay}


def main(directory, kills, seed):
    """Kill `kills` times; raise an error if an end differs."""
    choose = random.Random(seed)
    wholes, killed, chains = {}, collections.Counter(), 0
    while killed.total() < kills:
        model = ("language_model", "translator")[chains % 2]
        if model not in wholes:
            wholes[model] = whole_run(directory / model, model)
        whole = wholes[model]
        (expected,) = versions(whole.folder)
        folder = directory / f"chain-{chains}"
        settings = Settings(model=model, output_dir=folder, resume=True)
        ended = None
        while ended is None:
            kind = (EXPORT, "event", TRAINING)[killed.total() % 3]
            left = killed.total() < kills
            ended = run(settings, **(choose_kill(choose, kind, whole) if left else {}))
            killed[kind] += ended is None
            # A run that was killed after its export has one more.
            assert all(found == expected for found in versions(folder)), f"{folder}/export differs"
        assert end(folder) == end(whole.folder), f"{folder} differs"
        assert files(folder) == files(whole.folder)
        assert versions(folder)
        chains += 1
    times = f"{killed[TRAINING]} in training, {killed[EXPORT]} in the export"
    print(f"{killed.total()} kills ({times}, {killed['event']} at a file), {chains} equal ends")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
