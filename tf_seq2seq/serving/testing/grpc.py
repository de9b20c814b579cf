"""The gRPC interface of the fake server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent import futures
from typing import TYPE_CHECKING

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tf_seq2seq.serving.testing.errors import ServerError, invalid

if TYPE_CHECKING:
    from tf_seq2seq.serving.testing.server import FakeServer


def grpc_server(server: FakeServer, port: int, threads: int) -> tuple[grpc.Server, int]:
    """Return a gRPC server, which is not started yet, and its port.

    Args:
        server: the fake server that answers the calls.
        port: 0 for a free one.
        threads: the number of concurrent calls; more are rejected.

    Raises:
        RuntimeError: if the port is in use.
    """
    calls = grpc.server(
        futures.ThreadPoolExecutor(threads),
        maximum_concurrent_rpcs=threads,
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    service = _Service(server)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, calls)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(service, calls)
    return calls, calls.add_insecure_port(f"127.0.0.1:{port}")


class _Service(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    def __init__(self, server: FakeServer):
        self._server = server

    def Predict(self, request, context):  # noqa: N802
        with _aborting(context):
            try:
                inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            except (TypeError, ValueError) as error:
                raise invalid(f"tensor parsing error: {error}") from error
            spec, outputs = self._server.predict(request.model_spec, inputs)
            response = predict_pb2.PredictResponse(model_spec=spec)
            for name, array in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(array))
            return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        with _aborting(context):
            if list(request.metadata_field) != ["signature_def"]:
                raise invalid(f"Metadata field {request.metadata_field} is not supported")
            version = self._server.model(request.model_spec.name).find(request.model_spec)
            signatures = get_model_metadata_pb2.SignatureDefMap(
                signature_def=version.model.signatures
            )
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = request.model_spec.name
            response.model_spec.version.value = version.number
            response.metadata["signature_def"].Pack(signatures)
            return response

    def GetModelStatus(self, request, context):  # noqa: N802
        with _aborting(context):
            return self._server.status(request.model_spec)


@contextlib.contextmanager
def _aborting(context) -> Iterator[None]:
    try:
        yield
    except ServerError as error:
        context.abort(error.code, str(error))
