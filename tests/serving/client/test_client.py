"""The client against a server: the real one if available, else the fake one."""

import concurrent.futures
import shutil
import threading
import time

import numpy as np
import pytest
from helpers import TRICKY
from serving_test_helpers import assert_same

from tf_seq2seq import InputError, serving
from tf_seq2seq.serving import client as clients
from tf_seq2seq.serving.client import Client
from tf_seq2seq.serving.serve import find_server, serve
from tf_seq2seq.translation import Translation

SENTENCES = [*TRICKY, b"a \xff b", "a" * 10_000, "a b c d " * 50]


@pytest.fixture(params=["rest", "grpc"])
def protocol(request):
    return request.param


@pytest.fixture
def asked(served, protocol):
    """The translator, and a client of its server."""
    translator, server = served
    return translator, server.client("en_zh", protocol, batch_size=4)


def assert_same_answers(served, translator):
    assert_same(served(SENTENCES), translator(SENTENCES))
    n_best = translator.n_best(SENTENCES, beam_width=5, n_best=5)
    for ours, theirs in zip(served.n_best(SENTENCES), n_best, strict=True):
        assert_same(ours, theirs)
    given = ["甲乙", "甲", "", "甲 x", "<eos>", "丁", "戊", "己。", "庚" * 20, "辛", b"\xff"]
    assert_same(served.score(SENTENCES, given), translator.score(SENTENCES, given))
    assert_same(served.complete(SENTENCES, given), translator.complete(SENTENCES, given))
    n_best = translator.complete_n_best(SENTENCES, given, beam_width=5, n_best=5)
    for ours, theirs in zip(served.complete_n_best(SENTENCES, given), n_best, strict=True):
        assert_same(ours, theirs)


@pytest.mark.filterwarnings("ignore:(Sentence|Translation|Prefix) .* was cut off")
def test_the_server_answers_like_the_translator(asked):
    translator, client = asked
    assert_same_answers(client, translator)
    assert np.shape(client.encode(SENTENCES)) == (
        len(SENTENCES),
        translator.model.encoder.output_size,
    )


@pytest.mark.filterwarnings("ignore:(Sentence|Translation|Prefix) .* was cut off")
def test_the_export_answers_like_the_translator(exported):
    translator, path = exported
    assert_same_answers(serving.SavedTranslator(path), translator)


@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_texts_and_scores_without_details(asked):
    translator, client = asked

    def lean(translations):
        return [Translation(t.text, pytest.approx(t.score, abs=1e-5)) for t in translations]

    assert client(TRICKY, details=False) == lean(translator(TRICKY))
    n_best = translator.n_best(TRICKY, beam_width=5, n_best=5)
    assert client.n_best(TRICKY, details=False) == [lean(each) for each in n_best]
    given = ["甲 乙"] * len(TRICKY)
    assert client.score(TRICKY, given, details=False) == [
        Translation("甲 乙", pytest.approx(t.score, abs=1e-5), target_length=t.target_length)
        for t in translator.score(TRICKY, given)
    ]
    completed = translator.complete(TRICKY, given)
    assert client.complete(TRICKY, given, details=False) == lean(completed)
    n_best = translator.complete_n_best(TRICKY, given, beam_width=5, n_best=5)
    assert client.complete_n_best(TRICKY, given, details=False) == [lean(each) for each in n_best]


def test_sentences_that_the_model_cut_off_are_named(asked):
    _, client = asked
    long, target = "a b c d " * 50, "甲乙" * 60
    with pytest.warns(UserWarning) as warned:
        client.score(["a", long], ["甲", target])
    assert [str(each.message).partition(" was cut off")[0] for each in warned] == [
        f"Sentence 1 ({long[:30]!r}...)",
        f"Translation 1 ({target[:30]!r}...)",
    ]
    assert {each.filename for each in warned} == {__file__}
    for complete in (client.complete, client.complete_n_best):
        with pytest.warns(UserWarning, match=r"Prefix 1 .* model's maximum of 12 tokens") as warned:
            complete(["a", "a"], ["甲", target])
        assert warned[0].filename == __file__
    for translate in (client, client.n_best):
        with pytest.warns(UserWarning, match=r"Sentence 0 .* model's maximum of 100 tokens"):
            translate(long)


def test_nothing_is_sent_for_no_sentences(protocol):
    client = Client("en_zh", port=9, protocol=protocol, retries=0)  # no server there
    assert client([]) == client.n_best([]) == client.encode([]) == []
    assert client([], details=False) == client.n_best([], details=False) == []
    assert client.score([], []) == client.score([], [], details=False) == []
    assert client.complete([], []) == client.complete_n_best([], [], details=False) == []


def test_status_and_metadata(asked):
    _, client = asked
    assert client.status() == [(1, "AVAILABLE", "")]
    metadata = client.metadata()
    assert {"serving_default", "details", "beam", "score", "encode"} <= set(metadata)
    assert metadata["score"]["inputs"] == {"text": "string[-]", "target": "string[-]"}
    assert metadata["beam"]["outputs"]["translations"] == "string[-, 5]"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "nobody"}, clients.ModelNotFoundError, "model 'nobody' at .*Servable not found"),
        ({"version": 7}, clients.ModelNotFoundError, "version 7 at .*Servable not found"),
        ({"label": "canary"}, clients.UnknownLabelError, "Unrecognized servable version label"),
    ],
)
def test_models_that_do_not_exist(served, protocol, options, error, message):
    client = served[1].client(**{"model": "en_zh", "protocol": protocol, **options})
    with pytest.raises(error, match=message):
        client(["a"])


def test_the_status_of_a_label_or_a_version(served, protocol):
    for which in ({"label": "stable"}, {"version": 1}):
        assert served[1].client("en_zh", protocol, **which).status() == [(1, "AVAILABLE", "")]
    for which, error in (
        ({"label": "canary"}, clients.UnknownLabelError),
        ({"version": 7}, clients.ModelNotFoundError),
    ):
        with pytest.raises(error):
            served[1].client("en_zh", protocol, **which).status()


@pytest.mark.parametrize(
    ("signature", "inputs", "error"),
    [
        ("nothing", {"text": ["a"]}, clients.UnknownSignatureError),
        ("serving_default", {"words": ["a"]}, clients.InvalidInputError),
        ("score", {"text": ["a"]}, clients.InvalidInputError),
    ],
)
def test_requests_that_are_refused(asked, signature, inputs, error):
    _, client = asked
    with pytest.raises(error) as refused:
        client.predict(signature, inputs)
    assert refused.value.__notes__ == ["The request was for the rows [0] of 1."]
    assert "\n" not in str(refused.value)
    assert client("a")[0].text  # the server still answers


@pytest.mark.parametrize("text", [b"a", [[b"a"], [b"b"]]])
def test_inputs_of_another_rank_are_refused_over_grpc(served, text):
    client = served[1].client("en_zh", "grpc")
    # Past the client's own checks.
    with pytest.raises(clients.InvalidInputError):
        client._transport.predict("serving_default", {"text": text}, 30.0)
    assert client("a")[0].text


@pytest.mark.parametrize(
    ("clients", "requests"), [(16, 5), pytest.param(32, 50, marks=pytest.mark.slow)]
)
def test_many_clients_at_once(served, protocol, clients, requests):
    translator, server = served
    expected = {text: translator(text)[0].text for text in ("a b c", "c", "d e f g h", "")}
    rows = list(expected)

    def ask(number):
        with server.client("en_zh", protocol, timeout=60) as client:
            texts = [rows[(number + i) % 4] for i in range(3)]
            return all(
                [t.text for t in client(texts, details=False)] == [expected[text] for text in texts]
                for _ in range(requests)
            )

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        assert all(pool.map(ask, range(clients)))


def test_threads_can_share_a_client(served, protocol):
    translator, server = served
    expected = translator("a b c")[0].text
    with (
        server.client("en_zh", protocol, timeout=60) as client,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        found = pool.map(lambda _: client("a b c", details=False)[0].text, range(32))
        assert set(found) == {expected}


@pytest.mark.parametrize("served", [True], indirect=True, ids=["batching"])
def test_malformed_requests_of_others_do_no_harm(served, protocol):
    translator, server = served
    expected = translator("a b c")[0].text
    stopped = threading.Event()

    def spoil():
        with server.client("en_zh", "grpc") as client:
            refused = 0
            while not stopped.is_set():
                try:
                    # Past the client's own checks.
                    client._transport.predict("serving_default", {"text": [[b"a"]]}, 30.0)
                except clients.ServingError:
                    refused += 1
                time.sleep(0.05)
            return refused

    def ask(_):
        with server.client("en_zh", protocol, timeout=60, retries=20) as client:
            return {client("a b c", details=False)[0].text for _ in range(5)}

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        spoiling = pool.submit(spoil)
        try:
            found = list(pool.map(ask, range(4)))
        finally:
            stopped.set()
        assert found == [{expected}] * 4
        assert spoiling.result() > 0


def test_one_sentence_or_many(served, protocol):
    client = served[1].client("en_zh", protocol)
    assert client("a b") == client(b"a b") == client(["a b"]) == client(each for each in ["a b"])
    assert client.score("a", "甲") == client.score(["a"], ["甲"])
    for sentences, message in ((["a", None], "NoneType None at position 1"), ([3], "int 3")):
        with pytest.raises(TypeError, match=message):
            client(sentences)
    for sentences, translations in ((["a"], ["x", "y"]), (["a", "b"], ["x"])):
        with pytest.raises(InputError, match=r"sentences and . translations to score"):
            client.score(sentences, translations)


def test_outputs_that_a_model_does_not_have(served, protocol, monkeypatch):
    client = served[1].client("en_zh", protocol)
    predict = client.predict
    monkeypatch.setattr(client, "predict", lambda signature, inputs: predict("encode", inputs))
    with pytest.raises(clients.UnknownSignatureError, match=r"no outputs \['score', 'translation'"):
        client("a", details=False)


def test_names_that_do_not_fit_a_url(protocol, served):
    client = served[1].client("翻译 a", protocol, retries=0)
    with pytest.raises(clients.ModelNotFoundError, match="翻译 a"):
        client("a")


def test_no_server(protocol):
    client = Client("m", port=9, protocol=protocol, timeout=0.5, retries=2)
    began = time.monotonic()
    with pytest.raises(clients.UnreachableError, match="is the server running"):
        client(["a"])
    assert time.monotonic() - began < 5


def test_a_closed_client(protocol):
    with Client("m", port=9, protocol=protocol) as client:
        pass
    with pytest.raises(InputError, match="This client is closed"):
        client("a")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "soap"}, "`protocol` must be 'rest' or 'grpc', got 'soap'"),
        ({"version": 1, "label": "stable"}, "not both"),
        ({"version": True}, "`version` must be an integer of at least 1, got True"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1, got 0"),
        ({"retries": -1}, "`retries` must be an integer of at least 0, got -1"),
        ({"timeout": 0}, "`timeout` must be a number greater than 0, got 0"),
        ({"timeout": float("inf")}, "`timeout` must be a number greater than 0, got inf"),
        ({"port": 99_999}, "`port` must be an integer from 1 to 65535, got 99999"),
        ({"host": "http://localhost"}, "without a port, got 'http://localhost'"),
        ({"host": "localhost:8501"}, "without a port, got 'localhost:8501'"),
        ({"host": " "}, "`host` must be a nonempty string, got ' '"),
        ({"host": "[]"}, "without a port, got ''"),
        ({"host": None}, "`host` must be a nonempty string, got None"),
        ({"model": 5}, "`model` must be a nonempty string, got 5"),
        ({"label": ""}, "`label` must be a nonempty string, got ''"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        Client(**{"model": "m", **options})


def test_arguments_of_methods_out_of_range():
    client = Client("m", batch_size=np.int64(4))
    assert type(client.batch_size) is int
    for call in (
        client,
        client.n_best,
        lambda text, details: client.score(text, text, details=details),
        lambda text, details: client.complete(text, text, details=details),
        lambda text, details: client.complete_n_best(text, text, details=details),
    ):
        with pytest.raises(InputError, match="`details` must be True or False, got 1"):
            call("a", details=1)
    with pytest.raises(InputError, match=r"the same number of rows, got {'text': 1, 'target': 0}"):
        client.predict("score", {"text": ["a"], "target": []})
    with pytest.raises(InputError, match="`seconds` must be a number of at least 0"):
        client.wait_for([1], seconds=-1)


def test_waiting_for_a_server_that_is_not_running(protocol):
    began = time.monotonic()
    with pytest.raises(clients.UnreachableError, match="is the server running"):
        Client("m", port=9, protocol=protocol, retries=0).wait_for([], seconds=0.3)
    assert time.monotonic() - began > 0.3


def test_a_new_version_is_rolled_in_and_out(repository, tmp_path):
    _, root = repository
    shutil.copytree(root, tmp_path / "models")
    model = tmp_path / "models" / "en_zh"
    with serve(tmp_path / "models", fake=find_server() is None) as server:
        client, stable = server.client("en_zh"), server.client("en_zh", label="stable")
        # Like an export: under a hidden name until it is complete.
        shutil.copytree(model / "1", model / ".2")
        second = (model / ".2").rename(model / "2")

        client.wait_for([1, 2])
        assert client(["a b"]) == stable(["a b"])
        assert {each.version for each in client.status()} == {1, 2}
        assert stable.status() == [(1, "AVAILABLE", "")]
        shutil.rmtree(second)
        client.wait_for([1])
        assert client(["a b"])[0].text
        with pytest.raises(clients.DeadlineError, match="the versions are"):
            client.wait_for([3], seconds=0.1)
