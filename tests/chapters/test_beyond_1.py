import json
import re

import numpy as np
import pytest

import tf_seq2seq as s2s
from common.run import remove_checkpoint
from tf_seq2seq.errors import InputError

SETTINGS = {
    "corpus": "synthetic",
    "pairs": 200,
    "epochs": 1,
    "units": 8,
    "embedding_size": 4,
    "strings": 0,
    "string_epochs": 4,
    "string_units": 128,
    "bidirectional": False,
    "dropout": 0.0,
    "tokens": 768,
    "learning_rate": 0.008,
    "tokenize": None,
}
QUICK = {"pairs": 5000, "epochs": 2, "units": 128, "embedding_size": 128}
KEY = "translation (synthetic) | {} | seed 1"
SYSTEMS = (
    "S3: c starts the decoder",
    "S4: c alone in every step",
    "S4: c and the last output",
    "S5: additive attention",
    "S5: dot attention",
)
GROUPS = ("1-5", "6-10", "11-15", "16-20", "21-")


@pytest.fixture
def run(run_chapter, tmp_path):
    """Run the chapter, small, with its output below `tmp_path`."""
    small = options(
        {name: SETTINGS[name] for name in ("pairs", "epochs", "units", "embedding_size")}
    )
    return lambda *arguments: run_chapter(
        "beyond_1_feeding_schemes", *small, "--output-dir", tmp_path, *arguments
    )


def options(settings):
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


def results_of(tasks, seeds, **settings):
    """Results as if all systems had been trained; the perplexity of a run is its seed."""
    results = {"settings": SETTINGS | settings}
    for name, parts in tasks.items():
        for number, system in enumerate(SYSTEMS):
            for seed in seeds:
                results[f"{name} | {system} | seed {seed}"] = {
                    "parameters": 1000 + number,
                    "perplexity": float(seed),
                    "bleu": 10.0 * number + seed,
                    "signature": f"tok:{name}",
                    "sentences": dict.fromkeys(GROUPS, 300),
                    "bleu_by_length": dict.fromkeys(GROUPS, 40.0 + number + seed),
                    "accuracy_by_position": [90.0] * parts,
                }
    return results


def check_files(folder):
    for name in ("bleu_by_length.png", "accuracy_by_position.png"):
        assert (folder / name).stat().st_size > 5000
    assert not any((folder / "checkpoint").iterdir())


def check_measures(result, sentences):
    assert 0 <= result["bleu"] <= 100
    assert sum(result["sentences"].values()) == sentences
    assert result["bleu_by_length"].keys() == result["sentences"].keys()
    assert len(result["accuracy_by_position"]) == 5
    assert all(0 <= value <= 100 for value in result["accuracy_by_position"])


@pytest.mark.slow  # the next two tests build all five systems, and train and measure two of them
def test_the_quick_preset_orders_five_systems(run_chapter, tmp_path, capsys):
    run_chapter("beyond_1_feeding_schemes", "--preset", "quick", "--output-dir", tmp_path)

    assert "tok:zh" in capsys.readouterr().out
    results = json.loads((tmp_path / "results.json").read_text())
    assert results.pop("settings") == SETTINGS | QUICK
    assert list(results) == [KEY.format(system) for system in SYSTEMS]
    for result in results.values():
        assert 1 < result["perplexity"] < 100  # untrained: as many as there are tokens, 448
        check_measures(result, sentences=1500)
    assert len({result["parameters"] for result in results.values()}) == 5
    _, context_alone, context, additive, dot = results.values()
    assert max(additive["perplexity"], dot["perplexity"]) < context["perplexity"]
    assert additive["bleu"] > context["bleu"] > context_alone["bleu"]
    check_files(tmp_path)


def test_the_five_systems(run, tmp_path):
    results = results_of({"translation (synthetic)": 5}, [1])
    (tmp_path / "results.json").write_text(json.dumps(results))
    variables = run("--resume", *options({name: SETTINGS[name] for name in ("pairs", "units")}))
    (task,) = variables["TASKS"].values()
    models = [variables["build"](task, system) for system in SYSTEMS]
    assert len({model.count_params() for model in models}) == 5
    decoders = [model.decoder for model in models]
    feedings = ["initial_state", "context", *["context_and_previous"] * 3]
    assert [decoder.feeding for decoder in decoders] == feedings
    attentions = [type(decoder.attention).__name__ for decoder in decoders]
    assert attentions == [*["NoneType"] * 3, "BahdanauAttention", "DotAttention"]


def test_resuming_trains_the_missing_systems(run, smaller_corpus, tmp_path, capsys):
    results = results_of({"translation (synthetic)": 5}, [1], bidirectional=True)
    missing = [KEY.format(SYSTEMS[n]) for n in (1, 3)]
    for key in missing:
        del results[key]
    (tmp_path / "results.json").write_text(json.dumps(results))
    with smaller_corpus(dev=50, test=300):
        run("--resume", "--bidirectional")

    assert re.findall(r"^.* \| seed \d$", capsys.readouterr().out, re.MULTILINE) == missing
    now = json.loads((tmp_path / "results.json").read_text())
    context_alone, additive = (now.pop(key) for key in missing)
    assert now == results
    for result in (context_alone, additive):
        assert result["signature"].startswith("nrefs:1")
        check_measures(result, sentences=300)
    assert min(context_alone["perplexity"], additive["perplexity"]) > 1


def test_table_and_tasks_of_several_seeds(run, tmp_path, capsys):
    tasks = {"translation (synthetic)": 5, "copy": 12, "reverse": 12}
    results = results_of(tasks, [1, 2, 4], strings=100, string_epochs=1, string_units=8)
    results |= {
        key.replace("seed 4", "seed 3"): value for key, value in results.items() if "seed 4" in key
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    strings = ("--strings", 100, "--string-epochs", 1, "--string-units", 8)
    variables = run("--resume", *strings, "--seeds", 3)

    printed = capsys.readouterr().out
    for name in tasks:
        assert f"{name}: 3 x 5 systems; BLEU with tok:{name}" in printed
    rows = re.findall(r"^S\d: .*$", printed, re.MULTILINE)
    assert len(rows) == 15
    figures = "1,001 2.333 (1.000-4.000) 12.3 (11.0-14.0)"
    assert " ".join(rows[1].split()) == f"{SYSTEMS[1]} {figures}"
    tasks = variables["TASKS"]
    symbols = np.array([5, 6, 7])
    assert tasks["copy"].align(symbols, symbols) == [(0, 0), (1, 1), (2, 2)]
    assert tasks["reverse"].align(symbols, symbols[::-1]) == [(0, 2), (1, 1), (2, 0)]
    for task in (tasks["copy"], tasks["reverse"]):
        assert sum(len(source.split()) == 12 for source in task.corpus.test.source) > 100


def test_a_full_stop_is_not_a_word(run, tmp_path):
    (tmp_path / "results.json").write_text(
        json.dumps(results_of({"translation (synthetic)": 5}, [1], pairs=2000))
    )
    variables = run("--resume", "--pairs", 2000)
    task = variables["TASKS"]["translation (synthetic)"]
    source = task.source_tokenizer.encode(["She repaired it yesterday."])[0].numpy()
    target = task.target_tokenizer.encode(["她昨天修了它。"])[0].numpy()
    links = task.align(source, target)
    assert (0, 0) in links
    assert len(source) - 1 not in [i for i, _ in links]


def test_results_stay_until_a_new_one_is_there(run_chapter_until, tmp_path, capsys):
    (tmp_path / "results.json").write_text("{}")
    arguments = ("--pairs", 200, "--units", 8, "--output-dir", tmp_path)
    run_chapter_until(s2s.training, "fit", "beyond_1_feeding_schemes", *arguments)
    assert (tmp_path / "results.json").read_text() == "{}"
    assert "results.json are replaced after the first training" in capsys.readouterr().out


def test_only_checkpoints_are_removed(tmp_path):
    for directory in (tmp_path / "one", tmp_path / "two"):
        s2s.training.Checkpoint(directory).save({"epoch": 1, "step": 0}, {})
    (tmp_path / "two" / "mine").touch()
    for directory in (tmp_path / "one", tmp_path / "two"):
        remove_checkpoint(directory)
    assert {path.name for path in tmp_path.rglob("*")} == {"two", "mine"}


def test_results_of_other_settings_are_not_mixed(run, tmp_path):
    file = tmp_path / "results.json"
    kept = json.dumps(results_of({"translation (synthetic)": 5}, [1], units=16))
    file.write_text(kept)
    with pytest.raises(InputError, match=r"results from different settings, .*'units': 16"):
        run("--resume")
    assert file.read_text() == kept


def test_real_corpora(run, tmp_path, shared_data):
    for corpus, tokenizer in (("multi30k", "13a"), ("ted", "zh")):
        results = results_of({f"translation ({corpus})": 5}, [1], corpus=corpus)
        (tmp_path / "results.json").write_text(json.dumps(results))
        variables = run("--resume", "--corpus", corpus, "--data-dir", shared_data)
        (task,) = variables["TASKS"].values()
        assert len(task.corpus.train) == 200
        assert task.tokenize == tokenizer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data-dir", "x"), "--data-dir has no effect with --corpus synthetic"),
        (
            ("--string-epochs", 1, "--string-units", 8),
            "--string-epochs and --string-units have no effect without --strings",
        ),
    ],
)
def test_options_without_effect(refused, arguments, message):
    refused("beyond_1_feeding_schemes", *arguments, message=message)
