"""The embedded Milvus rejects clients without its token."""

from __future__ import annotations

import stat
from pathlib import Path

import grpc
import pytest
from pymilvus.grpc_gen import milvus_pb2

from domain.errors import VectorStoreRefused
from stores.milvus.vector_store import VectorStore
from tests.stores.milvus import MilvusLite

SERVICE = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"]


@pytest.mark.parametrize("token", [None, "wrong", "é"])
def test_milvus_client_without_token_is_refused(milvus: MilvusLite, token: str | None) -> None:
    stranger = VectorStore(milvus.uri, token, name="x", dimension=4, model="m", timeout_seconds=5)
    with pytest.raises(VectorStoreRefused):
        stranger.prepare()
    stranger.close()


def test_milvus_rejects_every_method_without_token(milvus: MilvusLite) -> None:
    with grpc.insecure_channel(milvus.uri.removeprefix("http://")) as channel:
        codes = {method.name: code(channel, method.name) for method in SERVICE.methods}
    assert len(codes) > 50
    assert set(codes.values()) == {grpc.StatusCode.UNAUTHENTICATED}


def code(channel: grpc.Channel, method: str) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        list(channel.unary_stream(f"/{SERVICE.full_name}/{method}")(b"", timeout=10))
    return refused.value.code()  # pyright: ignore[reportAttributeAccessIssue]


def test_milvus_token_is_in_private_file_not_in_command_line(milvus: MilvusLite) -> None:
    file = Path(milvus.folder, "token")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert milvus.process is not None
    command = Path(f"/proc/{milvus.process.pid}/cmdline").read_text()
    assert str(file) in command and milvus.token not in command
