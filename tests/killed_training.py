"""Kill short training runs at random moments: python killed_training.py DIRECTORY RUNS SEED

A run trains a model, evaluates it after each epoch, and exports it. It is killed, resumed,
sometimes killed once more, and resumed until it ends; the end must be that of a run that was not
killed, and no part of an export may ever be visible. The kills come in turn at a random time of the
export, of an evaluation and of the training, and at one of the moments at which a file is opened,
renamed or removed, or a few milliseconds later.
"""

import collections
import itertools
import os
import random
import re
import shutil
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


TRAINING, EVALUATION, EXPORT = b"t", b"v", b"e"
"""What a run tells its parent when it begins with them, or returns from an evaluation."""

NAMES = {b"": "its start", TRAINING: "training", EVALUATION: "an evaluation", EXPORT: "the export"}


class Stage(NamedTuple):
    """A part of a run: what it does, and for how many seconds."""

    kind: bytes
    seconds: float


def run(settings, event=None, delay=0.0, stage=None, seconds=0.0):
    """Train and export in a process.

    Args:
        settings: those of the training.
        event, delay: number of the event of files at which the process is killed, and the seconds
            from there; None for no such kill.
        stage, seconds: number of the stage in which the process is killed, and the seconds from its
            start; None for no such kill.

    Returns:
        The stages, and whether the process was killed before its end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            events = Events(settings.output_dir, event, delay)
            begin = keras.callbacks.LambdaCallback(
                on_train_begin=lambda _: os.write(writer, TRAINING),
                on_test_begin=lambda _: os.write(writer, EVALUATION),
                on_test_end=lambda _: os.write(writer, TRAINING),
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
    kinds, times = [], []
    while kind := os.read(reader, 1):  # nothing when the process has ended
        kinds.append(kind)
        times.append(time.monotonic())
        if len(kinds) - 1 == stage:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
    times.append(time.monotonic())
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
    else:
        assert os.WEXITSTATUS(status) == 0
    spans = (end - start for start, end in itertools.pairwise(times))
    return list(map(Stage, kinds, spans)), os.WIFSIGNALED(status)


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
    """A run that was not killed: its folder, how many events it has, and its stages."""

    folder: Path
    events: int
    stages: list[Stage]


def whole_run(folder, model):
    stages, was_killed = run(Settings(model=model, output_dir=folder))
    assert not was_killed
    return Whole(folder, int((folder / "events").read_text()), stages)


def choose_kill(choose, kind, whole):
    """Return arguments of `run`."""
    if kind == "event":
        delay = choose.choice([0, choose.uniform(0, 0.01)])
        return {"event": choose.randint(1, whole.events), "delay": delay}
    # Each evaluation has the same chance, and so has the training between two of them: the first,
    # in which the graph is traced, takes longer than all others.
    stage = choose.choice([i for i, each in enumerate(whole.stages) if each.kind == kind])
    return {"stage": stage, "seconds": choose.uniform(0, whole.stages[stage].seconds)}


def main(directory, runs, seed):
    """Kill each of `runs` runs at least once; raise an error if an end differs."""
    choose = random.Random(seed)
    kinds = itertools.cycle([EXPORT, "event", EVALUATION, TRAINING])
    wholes, killed, at_file = {}, collections.Counter(), 0
    for number in range(runs):
        model = ("language_model", "translator")[number % 2]
        if model not in wholes:
            wholes[model] = whole_run(directory / model, model)
        whole = wholes[model]
        (expected,) = versions(whole.folder)
        folder = directory / f"run-{number}"
        settings = Settings(model=model, output_dir=folder, resume=True)
        kills, report = choose.choice([1, 1, 1, 2]), []
        while True:
            kind = next(kinds) if kills else None
            stages, was_killed = run(settings, **(choose_kill(choose, kind, whole) if kind else {}))
            if was_killed:
                kills -= 1
                place = NAMES[stages[-1].kind if stages else b""]
                killed[place] += 1
                at_file += kind == "event"
                report.append(f"in {place}{', at a file' * (kind == 'event')}")
            # A run that was killed after its export has one more.
            assert all(found == expected for found in versions(folder)), f"{folder}/export differs"
            if was_killed:
                continue
            if report:
                break
            shutil.rmtree(folder)  # it ended before it could be killed: once more
        assert end(folder) == end(whole.folder), f"{folder} differs"
        assert files(folder) == files(whole.folder)
        assert versions(folder)
        print(f"run {number + 1}: killed {'; '.join(report)}", flush=True)
    places = ", ".join(f"{killed[name]} in {name}" for name in NAMES.values())
    print(f"{runs} equal ends after {killed.total()} kills ({places}; {at_file} at a file)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
