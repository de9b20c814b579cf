# %% [markdown]
# Beyond the book, 4: serving a translator.
#
# A SavedModel contains the whole path from text to text in one graph: tokenizers, encoder, search,
# detokenizer. TensorFlow Serving answers requests with it, can merge those that arrive together
# into one batch, and loads new versions while it runs. This chapter exports a translator, checks it
# as a stock server would see it, serves it, sends requests in three ways, and rolls out a second
# version.
#
# By default the server is the package's fake server, which has the same interfaces and works on any
# machine, but is meant for development only. `--no-fake-server` starts TensorFlow Serving:
# `tensorflow_model_server` if it is on the PATH (or `TF_SERVING_BINARY` is set to its path), or the
# Docker image `tensorflow/serving:2.20.0` if it has been pulled.
#
#     --preset quick       trains a small translator, in a minute
#     --translator DIR     uses a translator that another chapter has saved instead (to export one
#                          and do nothing else, use the command tf-seq2seq-export)
#     --no-fake-server     starts TensorFlow Serving, which must be installed

# %%
import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.settings import preset_setting, seed_setting, strategy_setting
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError


@dataclasses.dataclass(frozen=True)
class Settings:
    """Export a translator, check it, serve it, send requests, and roll out a new version."""

    preset: str = preset_setting()
    translator: Path | None = setting(
        None, "folder of a saved translator (default: train a small one)"
    )
    output_dir: Path = setting(Path("output/beyond_4"), "where the repository and the plot go")
    sentences: Path | None = setting(
        None,
        "with --translator: typical sentences, one per line (default: saved with it)",
        reads=True,
    )
    name: str | None = setting(None, "the model's name (default: its languages, such as en_zh)")
    sentence: str | None = setting(None, "what to translate (default: a typical sentence)")
    pairs: int = setting(6_000, "sentence pairs to train the small translator on", least=100)
    epochs: int = setting(2, "passes over those pairs", least=1)
    fake_server: bool = setting(False, "serve with the fake server, for development only")
    strategy: str = strategy_setting(one_host=True)
    seed: int = seed_setting()

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self.translator is not None:
            yield "with --translator", ("pairs", "epochs", "strategy", "seed")
        else:
            yield "without --translator", ("sentences",)


settings = from_command_line(Settings, presets={"quick": {"fake_server": True}})
if settings.name is not None and not re.fullmatch(r"\w[\w.-]*", settings.name):
    raise InputError(f"`name` must consist of letters, digits, _ . and -, got {settings.name!r}.")

# %%
import atexit
import contextlib
import json
import shutil
import urllib.request

import keras

import tf_seq2seq as s2s
from common.plots import show
from common.run import start
from tf_seq2seq.serving.client import InvalidInputError
from tf_seq2seq.serving.serve import serve
from tf_seq2seq.serving.serving_api import require_serving_api

require_serving_api("This chapter")  # reports that it is missing before the training
run, settings = start(settings)
repository = settings.output_dir / "repository"
repository.mkdir(exist_ok=True)
WRITTEN_HERE = "# Written by beyond_4_serve.py.\n"
for file in (repository / "models.config", repository / "monitoring.config"):
    if file.exists() and not file.read_text().startswith(WRITTEN_HERE):
        raise s2s.InputError(f"{file} is not from this chapter: choose another --output-dir.")

# %% [markdown]
# ## A translator


# %%
def train():
    corpus = s2s.data.synthetic_corpus(train=settings.pairs, dev=100, test=100)
    english, chinese = s2s.text.SubwordTokenizer(), s2s.text.ChineseTokenizer()
    english.adapt(corpus.train.source, max_size=2_000)
    chinese.adapt(corpus.train.target)
    batches = s2s.data.batches(
        corpus.train, english, chinese, batch_size=64, shuffle_seed=settings.seed
    )
    with run.strategy.scope():
        model = s2s.Seq2Seq(
            s2s.Encoder(english.vocabulary_size, 64, bidirectional=True),
            s2s.Decoder(chinese.vocabulary_size, 128, attention=s2s.BahdanauAttention(64)),
        )
        model.compile(keras.optimizers.Adam(0.005, global_clipnorm=1.0))
    model.fit(batches, epochs=settings.epochs, shuffle=False)
    facts = {"data": "synthetic corpus", "languages": {"source": "en", "target": "zh"}}
    return s2s.Translator(model, english, chinese), facts, corpus.dev.source


def load():
    facts, saved = s2s.Translator.load_card(settings.translator)
    sentences = s2s.data.read_lines(settings.sentences) if settings.sentences else saved
    if not sentences:
        raise s2s.InputError(
            f"{settings.translator} was saved without typical sentences: pass a file of them as "
            "--sentences."
        )
    return s2s.Translator.load(settings.translator), facts, sentences


if settings.translator:
    translator, facts, sentences = load()
    sentence = settings.sentence or sorted(sentences, key=len)[len(sentences) // 2]
else:
    translator, facts, sentences = train()
    sentence = settings.sentence or "She bought a new book in the park yesterday."
languages = facts.get("languages", {})
name = settings.name or "_".join(languages.values()) or "translator"

# %% [markdown]
# ## Export
# One call writes all signatures (`tf_seq2seq/serving/signatures.py` lists them), a model card, and
# warm-up requests, which the server runs before the version goes live: the first request of a kind
# is slow. The version's folder is written under a hidden name and then renamed, because a server
# that finds it incomplete gives up on it.

# %%
model_dir = repository / name
beam = s2s.SearchOptions(beam_width=5, n_best=3)


def export(label):
    return s2s.serving.export(
        translator, model_dir, sentences=sentences, beam=beam, card=facts | {"labels": [label]}
    )


first = export("stable")
print(f"\nSavedModel: {first}")

# %% [markdown]
# ## Check
# An operation that a stock server cannot run fails only at the first request, or kills the server.
# The check therefore loads the version with the C++ loader, in a process without this package, and
# runs every signature.

# %%
check = s2s.serving.check_export(first, translator, [*sentences[:20], "", "你好"], beam=beam)
print(check)
if check.problems:
    raise SystemExit("This version must not be served.")

# %% [markdown]
# ## Serve
# A config names the models; the label `stable` points to one of the versions.

# %%
CONFIG = """model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 2 }} }}
    version_labels {{ key: "stable" value: {stable} }}
  }}
}}
"""
stable = int(first.name)  # 1, unless an earlier run has left versions here
config = CONFIG.format(name=name, stable=stable)
(repository / "models.config").write_text(WRITTEN_HERE + config)
(repository / "monitoring.config").write_text(
    WRITTEN_HERE + 'prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }\n'
)
server = contextlib.ExitStack()
atexit.register(server.close)  # also after an error, or at the end of a notebook
served = server.enter_context(serve(repository, fake=settings.fake_server))
print(f"\nThe server: {served.server}.")

# %% [markdown]
# ## Requests
# The request that `curl -d '{"instances": ["..."]}' URL` sends, and then the client's, over
# REST and gRPC.

# %%
url = f"http://{served.host}:{served.rest_port}"
request = json.dumps({"instances": [sentence]}).encode()
with urllib.request.urlopen(f"{url}/v1/models/{name}:predict", request) as response:
    print(f"curl:       {json.load(response)}")
for protocol in ("rest", "grpc"):
    client = served.client(name, protocol)
    (translation,) = client(sentence)
    print(f"{protocol}:       {translation.text} ({translation.score:.3f})")
for each in client.n_best(sentence)[0]:
    print(f"beam:       {each.text} ({each.score:.3f})")

# The server must survive invalid requests.
try:
    client.predict("serving_default", {"words": ["a"]})
except InvalidInputError as error:
    print(f"refused:    {error}")

# %% [markdown]
# ## The alignment
# The same plot as after training, from the server's answer.

# %%
if translator.aligns:
    plot = settings.output_dir / "alignment.png"
    figure = s2s.plotting.alignment(
        translation.source_tokens, translation.target_tokens, translation.alignment
    )
    show(figure, plot, "alignment:  ")

# %% [markdown]
# ## A new version
# The server finds a version that is exported to the same folder, and serves it within seconds.
# Requests for `stable` still reach the old one. A bad version can be withdrawn by removing its
# folder.
#
# This config serves the latest two versions: a third would unload the first, even while `stable`
# points to it. For production, list the versions instead, as
# [saved_models/README.md](../saved_models/README.md#roll-a-version-in-and-out) explains.

# %%
before = [version for version, state, _ in client.status() if state == "AVAILABLE"]
second = export("canary")
canary = int(second.name)
client.wait_for([stable, canary])
print(f"\nSavedModel: {second}")
for version, state, _ in client.status():
    print(f"version {version}:  {state}")
for which in ({"label": "stable"}, {"version": canary}):
    one = served.client(name, **which)
    print(f"{which}: {one(sentence)[0].text}")
shutil.rmtree(second)
client.wait_for(before)
print(f"Version {canary} has been withdrawn.")

# %% [markdown]
# ## Metrics for Prometheus

# %%
with urllib.request.urlopen(f"{url}/monitoring/prometheus/metrics") as response:
    for line in response.read().decode().splitlines():
        if line.startswith(":tensorflow:serving:request_count"):
            print(line)

# %%
server.close()
print(f"Done in {run.minutes:.1f} minutes.")

# %% [markdown]
# ## What to observe
# curl, REST and gRPC give the same translation. A request with a wrong input is refused with a
# reason and does no harm, and while the canary comes and goes, requests for `stable` are answered
# by the same version.
#
# ## Exercises
# 1. The signature `score` has two inputs. Ask it for two translations of a sentence, with nothing
#    but `urllib`. Which one is more probable?
# 2. Translate 32 sentences in one request, and then one by one. How many times as long does it
#    take?
# 3. Complete each beginning of a translation with the client's `complete`. When is the result the
#    translation itself?
#
# Solutions: [`solutions/beyond_4.py`](solutions/beyond_4.py), which
# `python chapters/solutions beyond_4` runs.
