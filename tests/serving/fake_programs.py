"""Fake programs `tensorflow_model_server` and `docker`, which check their arguments.

    fake_programs.py NAME FOLDER ARGUMENTS

They run the fake server, accept only flags of the stock server, and see only the part of the host
that docker is told to mount. In FOLDER docker stores the process of each container.
"""

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tf_seq2seq.serving.serve import IMAGE


def serve(arguments, root, rest_port=None, grpc_port=None):
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--port", type=int)
    parser.add_argument("--rest_api_port", type=int)
    for flag in ("model_config_file", "monitoring_config_file", "batching_parameters_file"):
        parser.add_argument(f"--{flag}", type=Path)
    for flag in (
        "allow_version_labels_for_unavailable_models",
        "rest_api_enable_cors_support",
        "enable_batching",
    ):
        parser.add_argument(f"--{flag}", choices=("true", "false"), default="false")
    parser.add_argument("--grpc_max_threads", type=int)
    flags = parser.parse_args(arguments)
    from tf_seq2seq.serving.testing import FakeServer

    def seen(path):
        return Path(re.sub("^/models", str(root), str(path))) if root else path

    assert seen(flags.monitoring_config_file).is_file()
    text = seen(flags.model_config_file).read_text()
    if "version_labels" in text and flags.allow_version_labels_for_unavailable_models == "false":
        sys.exit("a label must not point to a version that is not available")
    if root is None:
        (root,) = {path.rsplit("/", 1)[0] for path in re.findall('base_path: "(.*)"', text)}
    with tempfile.NamedTemporaryFile("w") as config:
        config.write(text.replace(f'"{root}/', '"/models/'))
        config.flush()
        with FakeServer(
            Path(config.name),
            root,
            rest_port=rest_port or flags.rest_api_port,
            grpc_port=grpc_port or flags.port,
            batching=seen(flags.batching_parameters_file)
            if flags.enable_batching == "true"
            else None,
        ):
            threading.Event().wait()


def docker(folder, arguments):
    match arguments:
        case ["image", "inspect", image]:
            sys.exit(image != IMAGE)
        case ["run", "--rm", "--name", name, "--volume", volume, *rest]:
            image = rest.index(IMAGE)
            ports, flags = rest[:image], rest[image + 1 :]
            root, models, mode = volume.split(":")
            assert (models, mode) == ("/models", "ro")
            (folder / name).write_text(str(os.getpid()))
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            ports = dict(reversed(each.split(":")[1:]) for each in ports[1::2])
            serve(flags, root, int(ports["8501"]), int(ports["8500"]))
        case ["rm", "--force", name]:
            os.kill(int((folder / name).read_text()), signal.SIGKILL)
        case _:
            sys.exit(f"docker does not know {arguments}")


if __name__ == "__main__":
    if sys.argv[1] == "docker":
        docker(Path(sys.argv[2]), sys.argv[3:])
    else:
        serve(sys.argv[3:], None)
