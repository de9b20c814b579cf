# %% [markdown]
# Beyond the book, 4: serving a translator.
#
# A SavedModel holds the whole way from text to text in one graph: tokenizers, encoder, search,
# detokenizer. TensorFlow Serving answers requests with it, puts those that arrive together into one
# batch, and takes up new versions while it runs. This chapter exports a translator, checks it as a
# stock server would see it, serves it, asks it in three ways, and rolls out a second version.
#
# The server is `tensorflow_model_server` if it is on the PATH (or `TF_SERVING_BINARY` names it), or
# that of `docker pull tensorflow/serving:2.20.0`, else this package's stand-in, which has the same
# interfaces and is for trying them out only.
#
#     --preset quick       a small translator is trained for this, in a minute
#     --translator DIR     with a translator that another chapter has saved, instead

# %%
import dataclasses
import json
import shutil
import time
import urllib.request
from pathlib import Path

import keras
import numpy as np

import tf_seq2seq as s2s
from common.settings import strategy_setting
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.serving.client import InvalidInputError
from tf_seq2seq.serving.serve import serve


@dataclasses.dataclass(frozen=True)
class Settings:
    """Export a translator, check it, serve it, ask it, and roll out a new version."""

    preset: str = setting("quick", "which set of defaults")
    translator: Path | None = setting(
        None, "folder of a translator that was saved (without it: a small one is trained)"
    )
    output_dir: Path = setting(Path("output/beyond_4"), "where the repository and the picture go")
    name: str = setting("en_zh", "the model's name")
    sentence: str = setting("She bought a new book in the park yesterday.", "what to translate")
    pairs: int = setting(6_000, "sentence pairs to train the small translator on", least=100)
    epochs: int = setting(2, "passes over them", least=1)
    strategy: str = strategy_setting()
    seed: int = setting(1, "seed of the weights and the shuffling")


settings = from_command_line(Settings, presets={"quick": {}})
strategy = s2s.training.strategy(settings.strategy)
keras.utils.set_random_seed(settings.seed)
repository = settings.output_dir / "repository"
shutil.rmtree(repository, ignore_errors=True)
repository.mkdir(parents=True)
started = time.monotonic()

# %% [markdown]
# ## A translator

# %%
corpus = s2s.data.synthetic_corpus(train=settings.pairs, dev=100, test=100)


def train():
    english, chinese = s2s.text.SubwordTokenizer(), s2s.text.ChineseTokenizer()
    english.adapt(corpus.train.source, max_size=2_000)
    chinese.adapt(corpus.train.target)
    batches = s2s.data.batches(
        corpus.train, english, chinese, batch_size=64, shuffle_seed=settings.seed
    )
    with strategy.scope():
        model = s2s.Seq2Seq(
            s2s.Encoder(english.vocabulary_size, 64, bidirectional=True),
            s2s.Decoder(chinese.vocabulary_size, 128, attention=s2s.BahdanauAttention(64)),
        )
        model.compile(keras.optimizers.Adam(0.005, global_clipnorm=1.0))
    checkpoint = settings.output_dir / "checkpoint"
    s2s.training.fit(model, batches, epochs=settings.epochs, directory=checkpoint)
    return s2s.Translator(model, english, chinese)


translator = s2s.Translator.load(settings.translator) if settings.translator else train()

# %% [markdown]
# ## Export
# One call writes all signatures (the table is in `tf_seq2seq/serving/export.py`), a card, and real
# sentences that the server runs before it lets anybody ask: the first request of a kind is slow.
# The folder is written beside its place and renamed, because a server that finds it half written
# gives it up.

# %%
model_dir = repository / settings.name
beam = s2s.SearchOptions(beam_width=5, n_best=3)


def export(label):
    return s2s.serving.export(
        translator,
        model_dir,
        sentences=corpus.dev.source,
        beam=beam,
        card={"data": "synthetic corpus", "labels": [label]},
    )


first = export("stable")
print(f"\nSavedModel: {first}")

# %% [markdown]
# ## Check
# What a stock server cannot do shows at the first request, or kills it. So the version is loaded by
# the C++ loader in a process without this package, and every signature is run.

# %%
sentences = [*corpus.test.source[:20], "", "你好"]
check = s2s.serving.check_export(first, translator, sentences, beam=beam)
print(check)
if check.faults:
    raise SystemExit("This version must not be served.")

# %% [markdown]
# ## Serve
# A config names the models; the label `stable` says which version is meant by it.

# %%
CONFIG = """
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 2 }} }}
    version_labels {{ key: "stable" value: 1 }}
  }}
}}
"""
(repository / "models.config").write_text(CONFIG.format(name=settings.name))
(repository / "monitoring.config").write_text(
    'prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }\n'
)
with serve(repository) as served:
    print(f"\nThe server is {served.server}.")

    # %% [markdown]
    # ## Ask
    # By what `curl -d '{"instances": ["..."]}' URL` sends, and by the client, over REST and gRPC.

    # %%
    url = f"http://{served.host}:{served.rest_port}"
    request = json.dumps({"instances": [settings.sentence]}).encode()
    with urllib.request.urlopen(f"{url}/v1/models/{settings.name}:predict", request) as response:
        print(f"curl:       {json.load(response)}")
    for protocol in ("rest", "grpc"):
        client = served.client(settings.name, protocol)
        (translation,) = client.translate([settings.sentence])
        print(f"{protocol}:       {translation.text} ({translation.score:.3f})")
    for each in client.n_best([settings.sentence])[0]:
        print(f"beam:       {each.text} ({each.score:.3f})")

    # What a server is sent, it must survive.
    try:
        client.predict("serving_default", {"words": ["a"]})
    except InvalidInputError as error:
        print(f"refused:    {error}")

    # %% [markdown]
    # ## Where it looked
    # The same picture as in training, from the server's answer.

    # %%
    if translator.aligns:
        (aligned,) = client.align([settings.sentence])
        picture = settings.output_dir / "alignment.png"
        s2s.plotting.alignment(
            aligned.source_tokens, aligned.target_tokens, np.array(aligned.alignment)
        ).savefig(picture)
        print(f"alignment:  {picture}")

    # %% [markdown]
    # ## A new version
    # Exported into the same folder, it is found and served within seconds; who asks for `stable`
    # keeps the old one. If it were worse, its folder could be removed again.

    # %%
    second = export("canary")
    client.wait_for([1, 2])
    print(f"\nSavedModel: {second}")
    for version, state, _ in client.status():
        print(f"version {version}:  {state}")
    for which in ({"label": "stable"}, {"version": 2}):
        one = served.client(settings.name, **which)
        print(f"{which}: {one.translate(settings.sentence)[0].text}")
    shutil.rmtree(second)
    client.wait_for([1])
    print("Version 2 is taken back.")

    # %% [markdown]
    # ## What Prometheus sees

    # %%
    with urllib.request.urlopen(f"{url}/monitoring/prometheus/metrics") as response:
        for line in response.read().decode().splitlines():
            if line.startswith(":tensorflow:serving:request_count"):
                print(line)

# %%
print(f"Done in {(time.monotonic() - started) / 60:.1f} minutes.")
