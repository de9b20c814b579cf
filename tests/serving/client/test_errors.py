import pytest

from tf_seq2seq import InputError
from tf_seq2seq.serving import client as clients
from tf_seq2seq.serving.client import errors

KINDS = [getattr(clients, name) for name in clients.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_one_line_with_a_remedy(kind):
    error = errors.explained(kind, "model 'm' at h:1", "first\n  second\tthird")
    assert type(error) is kind
    assert isinstance(error, clients.ServingError) and isinstance(error, InputError)
    message = str(error)
    assert message.startswith("The request to model 'm' at h:1 failed: first second third (")
    assert message.endswith(")") and "\n" not in message


def test_every_kind_has_its_own_remedy():
    remedies = {str(errors.explained(kind, "model", "reason")) for kind in KINDS}
    assert len(remedies) == len(KINDS)


def test_transient_errors():
    assert set(errors.TRANSIENT) == {
        clients.OverloadedError,
        clients.SpoiledBatchError,
        clients.UnreachableError,
    }
