"""Requests over gRPC, using the generated stubs of `tensorflow-serving-api`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tf_seq2seq.serving.client.errors import (
    DeadlineError,
    InvalidInputError,
    ModelNotFoundError,
    OverloadedError,
    ServingError,
    SpoiledBatchError,
    UnknownLabelError,
    UnknownSignatureError,
    UnreachableError,
    explained,
    names_no_model,
    names_no_signature,
    names_spoiled_batch,
)
from tf_seq2seq.serving.client.transport import Address, Metadata, VersionStatus, described
from tf_seq2seq.serving.serving_api import require_serving_api


class GrpcTransport:
    """Requests over one gRPC channel; see `Transport`.

    Raises:
        InputError: if `tensorflow-serving-api` is not installed.
    """

    def __init__(self, address: Address):
        require_serving_api("The protocol 'grpc'")
        import grpc

        self._grpc, self.address = grpc, address
        options = [
            # An answer with many alignments exceeds gRPC's default limit of 4 MB.
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # Like REST: `http_proxy` is often set on machines that cannot reach the server by it.
            ("grpc.enable_http_proxy", 0),
        ]
        self._channel = grpc.insecure_channel(address.authority, options)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def predict(
        self, signature: str, inputs: Mapping[str, list[bytes]], timeout: float
    ) -> dict[str, Any]:
        """Run a signature on a batch, and return its outputs as nested lists."""
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

        request = predict_pb2.PredictRequest()
        self._specify(request.model_spec)
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        outputs = self._call(stub.Predict, request, timeout).outputs
        return {name: _decoded(tf.make_ndarray(value).tolist()) for name, value in outputs.items()}

    def status(self, timeout: float) -> list[VersionStatus]:
        """Return the status of each version of the model; the server ignores the label."""
        from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

        request = get_model_status_pb2.GetModelStatusRequest()
        self._specify(request.model_spec)
        stub = model_service_pb2_grpc.ModelServiceStub(self._channel)
        answer = self._call(stub.GetModelStatus, request, timeout)
        states = get_model_status_pb2.ModelVersionStatus.State
        return [
            VersionStatus(each.version, states.Name(each.state), each.status.error_message)
            for each in answer.model_version_status
        ]

    def version(self, timeout: float) -> int:
        """Return the number of the version that answers requests."""
        return self._metadata(timeout).model_spec.version.value

    def metadata(self, timeout: float) -> Metadata:
        """Return the signatures of the model."""
        from tensorflow.core.framework import types_pb2
        from tensorflow_serving.apis import get_model_metadata_pb2

        signatures = get_model_metadata_pb2.SignatureDefMap()
        self._metadata(timeout).metadata["signature_def"].Unpack(signatures)

        def tensors(infos):
            return {
                key: described(
                    types_pb2.DataType.Name(info.dtype), [dim.size for dim in info.tensor_shape.dim]
                )
                for key, info in infos.items()
            }

        return {
            name: {"inputs": tensors(each.inputs), "outputs": tensors(each.outputs)}
            for name, each in signatures.signature_def.items()
            if not name.startswith("__")
        }

    def _metadata(self, timeout):
        from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        self._specify(request.model_spec)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        return self._call(stub.GetModelMetadata, request, timeout)

    def _specify(self, spec):
        spec.name = self.address.model
        if self.address.version is not None:
            spec.version.value = self.address.version
        if self.address.label is not None:
            spec.version_label = self.address.label

    def _call(self, method, request, timeout):
        try:
            return method(request, timeout=timeout)
        except self._grpc.RpcError as error:
            kind = self._kind(error.code(), error.details())
            raise explained(kind, self.address, error.details()) from error

    def _kind(self, code, reason: str) -> type[ServingError]:
        codes = self._grpc.StatusCode
        if code is codes.INVALID_ARGUMENT and "version label" in reason:
            return UnknownLabelError
        if code is codes.UNAVAILABLE and any(
            word in reason.lower() for word in ("connect", "resol", "domain name")
        ):
            return UnreachableError
        if code is codes.NOT_FOUND and names_no_model(reason):
            return ModelNotFoundError
        if code is codes.FAILED_PRECONDITION and names_no_signature(reason):
            return UnknownSignatureError
        if names_spoiled_batch(reason):
            return SpoiledBatchError
        kinds = {
            codes.INVALID_ARGUMENT: InvalidInputError,
            codes.RESOURCE_EXHAUSTED: OverloadedError,
            codes.UNAVAILABLE: OverloadedError,
            codes.DEADLINE_EXCEEDED: DeadlineError,
        }
        return kinds.get(code, ServingError)


def _decoded(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_decoded(part) for part in value] if isinstance(value, list) else value
