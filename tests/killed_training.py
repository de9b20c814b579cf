"""Kill a short training run at random moments: python killed_training.py DIRECTORY KILLS SEED

After each kill, the run is resumed, until it ends; the end must be that of a run that was not
killed. Half of the kills come at a random time, the others at one of the moments at which a file
is opened, renamed or removed, or a few milliseconds later.
"""

import os
import random
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

# Imported once, and then forked: no tensor may be created in this process.
import keras
import short_training
from short_training import Settings, end

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


def run(settings, event=None, delay=0.0, seconds=None):
    """Train in a process; return for how many seconds, or None if it was killed before its end.

    Args:
        settings: those of the training.
        event, delay: number of the event of files at which the process is killed, and the seconds
            from there; None for no such kill.
        seconds: time from the first step to the kill; None for no such kill.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            events = Events(settings.output_dir, event, delay)
            begin = keras.callbacks.LambdaCallback(on_train_begin=lambda _: os.write(writer, b"."))
            short_training.train(settings, [begin])
            (settings.output_dir / "events").write_text(str(events.count))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)  # until it begins, or is killed
    os.close(reader)
    began = time.monotonic()
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return None
    assert os.WEXITSTATUS(status) == 0
    return time.monotonic() - began


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def main(directory, kills, seed):
    """Kill `kills` times; raise an error if an end differs."""
    choose = random.Random(seed)
    whole = {}
    killed = chains = 0
    while killed < kills:
        model = ("language_model", "translator")[chains % 2]
        if model not in whole:
            seconds = run(Settings(model=model, output_dir=directory / model))
            events = int((directory / model / "events").read_text())
            whole[model] = directory / model, events, seconds
        expected, events, seconds = whole[model]
        folder = directory / f"chain-{chains}"
        settings = Settings(model=model, output_dir=folder, resume=True)
        ended = None
        while ended is None:
            if killed == kills:
                ended = run(settings)
            elif killed % 2:
                ended = run(settings, seconds=choose.uniform(0, seconds))
            else:
                delay = choose.choice([0, choose.uniform(0, 0.01)])
                ended = run(settings, choose.randint(1, events // 2), delay)
            killed += ended is None
        assert end(folder) == end(expected), f"{folder} differs"
        assert files(folder) == files(expected)
        chains += 1
    print(f"{killed} kills, {chains} ends, each the same to the last bit")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
