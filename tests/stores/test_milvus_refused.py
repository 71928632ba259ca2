"""A Milvus server that denies access."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import trustme

from domain.errors import VectorStoreRefused, VectorStoreUnavailable
from runtime.outage_log import OutageLog
from stores.milvus import milvus_connection
from stores.milvus.vector_store import VectorStore


class Refusing(grpc.GenericRpcHandler):
    """Responds like a Milvus server to a wrong token; records the requested databases."""

    def __init__(self, connects: bool) -> None:
        self.connects = connects  # True: rejects after a successful Connect call
        self.databases: set[str | bytes | None] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        sent = dict(handler_call_details.invocation_metadata or ())
        if self.connects and str(handler_call_details.method).endswith("/Connect"):
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")
        self.databases.add(sent.get("dbname"))
        return grpc.unary_unary_rpc_method_handler(self._refuse)

    @staticmethod
    def _refuse(_request: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check api key")
        return b""


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=[True, False])
def handler(request: pytest.FixtureRequest) -> Refusing:
    return Refusing(connects=request.param)


@pytest.fixture
def port(authority: trustme.CA, handler: Refusing) -> Iterator[int]:
    """The port of a TLS server for `localhost`."""
    made = authority.issue_cert("localhost")
    chain = b"".join(part.bytes() for part in made.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(made.private_key_pem.bytes(), chain)])
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port
    server.stop(None)


def connect(port: int, ca_file: Path) -> VectorStore:
    return VectorStore(
        f"https://localhost:{port}",
        "user:wrong",
        name="papers",
        dimension=2,
        model="test",
        timeout_seconds=3,
        database="library",
        ca_file=str(ca_file),
    )


def test_wrong_milvus_token_is_refused_and_logged(
    port: int,
    authority: trustme.CA,
    handler: Refusing,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also tests that the CA of the settings is used: the certificate is signed by no other."""
    monkeypatch.setattr(milvus_connection, "OUTAGES", OutageLog("Milvus"))
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    store = connect(port, tmp_path / "ca.pem")
    with caplog.at_level(logging.WARNING, "runtime.outage_log"):
        for _ in range(2):
            with pytest.raises(VectorStoreRefused):
                store.ping()
    [said] = [r.getMessage() for r in caplog.records if r.name == "runtime.outage_log"]
    assert "auth check failure" in said and "wrong" not in said
    assert handler.databases == ({"library"} if handler.connects else {None})


def test_milvus_certificate_of_unknown_ca_is_rejected(
    port: int, handler: Refusing, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    with pytest.raises(VectorStoreUnavailable):
        connect(port, tmp_path / "other.pem").ping()
    assert handler.databases == set()


def test_missing_milvus_ca_file_is_refused(port: int, tmp_path: Path) -> None:
    with pytest.raises(VectorStoreRefused):
        connect(port, tmp_path / "missing.pem").ping()
