import pytest

from tf_seq2seq.cli.encode import main
from tf_seq2seq.data import EncodedCorpus
from tf_seq2seq.errors import InputError


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.de").write_text("das Buch\n\ndas alte Buch\n" * 20)
    (tmp_path / "a.en").write_text("the book\nnothing\nthe old book\n" * 20)
    names = {"source": "a.de", "target": "a.en", "output": "corpus"}
    return [f"--{option}={tmp_path / name}" for option, name in names.items()]


def test_learns_tokenizers_and_encodes(files, tmp_path, capsys):
    assert main([*files, "--check"]) == 0
    corpus = EncodedCorpus(tmp_path / "corpus")
    assert len(corpus) == 60
    assert "das" in corpus.source_tokenizer.vocabulary
    assert (
        "60 pairs; 0.0% of the source and 0.0% of the target is unknown" in capsys.readouterr().out
    )
    # Once more, into the same directory and into another with the same tokenizers.
    assert main(files) == 0
    size = corpus.source_tokenizer.vocabulary_size
    assert (
        f"{tmp_path / 'corpus' / 'source'}: WordTokenizer, {size} tokens" in capsys.readouterr().out
    )
    other = [*files[:2], f"--output={tmp_path / 'other'}", f"--tokenizers={tmp_path / 'corpus'}"]
    assert main(other) == 0
    assert EncodedCorpus(tmp_path / "other").fingerprint == corpus.fingerprint


def test_files_of_different_lengths(files, tmp_path, capsys):
    (tmp_path / "a.en").write_text("the book\n")
    with pytest.raises(InputError, match=r"has 60 lines and .* has 1: pass two files"):
        main(files)
    assert not (tmp_path / "corpus").exists()
    assert not capsys.readouterr().out  # no tokenizer was learned


@pytest.mark.parametrize("content", ["a file", "a folder of other files"])
def test_output_that_is_something_else(files, tmp_path, capsys, content):
    path = tmp_path / "corpus"
    if content == "a folder of other files":
        path.mkdir()
        path /= "notes.txt"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"corpus is not an encoded corpus .*: pass a directory"):
        main(files)
    assert path.read_text() == "mine"
    assert not capsys.readouterr().out


def test_options_without_effect(files, capsys):
    with pytest.raises(SystemExit):
        main([*files, "--tokenizers=x", "--max-size=9"])
    assert "--max-size has no effect with --tokenizers" in capsys.readouterr().err


def test_other_options_for_a_corpus_that_is_already_encoded(files, tmp_path, capsys):
    """Each option is compared, or done; none is ignored."""
    corpus = tmp_path / "corpus"
    assert main([*files, "--max-size=6"]) == 0
    written = {path: path.read_bytes() for path in corpus.rglob("*") if path.is_file()}
    remedy = f"choose another directory, or keep its tokenizers by --tokenizers {corpus}."
    with pytest.raises(InputError) as error:
        main(files)
    assert str(error.value) == f"{corpus} was encoded with max_size=6, not 8000: {remedy}"
    with pytest.raises(InputError, match=r"was encoded with max_size=6, not 7: choose another"):
        main([*files, "--max-size=7"])
    with pytest.raises(InputError, match=r"was encoded with pairs_per_shard=1048576, not 7:"):
        main([*files, "--max-size=6", "--pairs-per-shard=7"])
    assert main([*files, f"--tokenizers={corpus}", "--check"]) == 0
    # A corpus whose tokenizers were given.
    other = [*files[:2], f"--output={tmp_path / 'other'}"]
    assert main([*other, f"--tokenizers={corpus}"]) == 0
    with pytest.raises(InputError, match=r"other was encoded with tokenizers that this command"):
        main(other)
    assert main([*other, f"--tokenizers={corpus}"]) == 0
    # Tokenizers that differ, another text, and a damaged file.
    assert main([*files[:2], f"--output={tmp_path / 'large'}"]) == 0
    with pytest.raises(InputError, match="was encoded with another source tokenizer"):
        main([*files, f"--tokenizers={tmp_path / 'large'}"])
    (tmp_path / "a.en").write_text("the book\n" * 60)
    with pytest.raises(InputError, match="was encoded from other text"):
        main([*files, "--max-size=6"])
    assert written == {path: path.read_bytes() for path in corpus.rglob("*") if path.is_file()}
