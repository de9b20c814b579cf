"""gRPC: how the server's errors are classified."""

import concurrent.futures

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tf_seq2seq.serving import client as clients
from tf_seq2seq.serving.client import Client


@pytest.mark.parametrize(
    ("code", "details", "error"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded", None),
        (grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue is full", None),
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            "name 'a_signature_text:0' .* have different shapes and padding is turned off",
            None,
        ),
        (grpc.StatusCode.INTERNAL, "concatenate tensors that have different data types", None),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out", clients.DeadlineError),
        (grpc.StatusCode.FAILED_PRECONDITION, "variable x", clients.ServingError),
        (grpc.StatusCode.INTERNAL, "bug", clients.ServingError),
    ],
)
def test_errors_of_grpc(code, details, error):
    asked = []

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            asked.append(request)
            if len(asked) < 3:
                context.abort(code, details)
            response = predict_pb2.PredictResponse()
            response.outputs["context"].CopyFrom(tf.make_tensor_proto([[1.0, 2.0]]))
            return response

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        with Client("m", port=port, protocol="grpc") as client:
            if error is None:
                assert client.encode("a") == [[1.0, 2.0]]
                assert len(asked) == 3
                return
            with pytest.raises(clients.ServingError, match=details) as failed:
                client.encode("a")
            assert type(failed.value) is error
            assert len(asked) == 1
    finally:
        server.stop(None)


def test_a_proxy_in_the_environment_is_not_used(monkeypatch):
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://localhost:9")
    for name in ("no_grpc_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        with (
            Client("m", port=port, protocol="grpc", retries=0) as client,
            pytest.raises(clients.ServingError, match="Method not found"),  # it was reached
        ):
            client.encode("a")
    finally:
        server.stop(None)
