"""An S3 server in this process (moto), and a fresh bucket for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, with a separate client for inspection and fault injection."""

    name: str
    client: Any

    @property
    def uri(self) -> str:
        return f"s3://{self.name}/papers"

    def keys(self) -> set[str]:
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {one["Key"] for one in found}

    def remove(self) -> None:
        """Deletes the bucket with its content."""
        for key in self.keys():
            self.client.delete_object(Bucket=self.name, Key=key)
        self.client.delete_bucket(Bucket=self.name)

    def deny(self, *actions: str) -> None:
        """Denies these actions in the bucket for all clients."""
        denied = ", ".join(f'"s3:{action}"' for action in actions)
        self.client.put_bucket_policy(
            Bucket=self.name,
            Policy=f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Deny", '
            f'"Principal": "*", "Action": [{denied}], "Resource": "*"}}]}}',
        )


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of the server, on a free loopback port."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A new bucket; environment variables point every S3 client to its server."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return Bucket(name, client)
