"""The device: a process without TensorFlow that translates ids with LiteRT's interpreter.

Arguments: a LiteRT file and a number of threads. Input: a JSON list of sources. Output: JSON with
the ids of each translation and the seconds that it took.
"""

import json
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main(path, threads):
    translate = Interpreter(path, num_threads=int(threads)).get_signature_runner()
    sources = [np.array([source], np.int32) for source in json.load(sys.stdin)]
    for source in sources[:3]:  # the first ones take longer
        translate(source=source)
    ids, seconds = [], []
    for source in sources:
        began = time.perf_counter()
        found = translate(source=source)
        seconds.append(time.perf_counter() - began)
        ids.append(found["ids"][0].tolist())
    assert "tensorflow" not in sys.modules
    print(json.dumps({"ids": ids, "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
