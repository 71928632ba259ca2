"""A newcomer's first run: start the service, upload the sample papers, search them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from runtime.ports import port_or_free
from serve_app.cli.common import say
from serve_app.cli.progress import follow
from serve_app.client import Client
from serve_app.process.readiness import NotReady, wait_until_ready

SAMPLES = Path(__file__).parents[2] / "samples"
COLLECTION = "samples"
QUESTIONS = (
    "How does a stale worker lose its right to write?",
    "Why can't BM25 and cosine scores simply be added?",
)
STOP_WITHIN_SECONDS = 30


def main() -> int:
    """Exit status 0 when the sample papers were found; DEMO_EXIT=1 stops everything first."""
    port = port_or_free(8000)
    url = f"http://127.0.0.1:{port}"
    say(f"Starting Paperworks on {url}. The first start also converts the embedding model.")
    command = [
        sys.executable,
        "-c",
        "from serve_app.cli.main import app; app()",
        "up",
        "--port",
        str(port),
    ]
    service = subprocess.Popen(command)
    try:
        with Client(url) as client:
            wait_until_ready(url, alive=lambda: service.poll() is None)
            found = _show(client)
        if os.environ.get("DEMO_EXIT") == "1":
            return 0 if found else 1
        say(f"\nThe service goes on running: {url}, its documentation: {url}/docs")
        say("  .venv/bin/paperworks upload YOUR.pdf && .venv/bin/paperworks search 'your question'")
        say("Ctrl-C stops it.")
        return service.wait()
    except NotReady as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(service)


def _show(client: Client) -> bool:
    """True when every question was answered; prints what a user would look at."""
    accepted = client.upload_many(sorted(SAMPLES.glob("*.pdf")), collection=COLLECTION)
    say(f"Uploaded {len(accepted.accepted)} papers as {accepted.job_id}.")
    follow(client, [accepted.job_id])
    answered = True
    for question in QUESTIONS:
        say(f"\n{question}")
        hits = client.search(question, collection=COLLECTION, limit=2).hits
        answered = answered and bool(hits)
        for hit in hits:
            say(f"  {hit.title}, page {hit.page_first}  ({hit.score:.2f})")
            say(f"    {' '.join(hit.text.split())[:300]}")
    return answered


def _stop(service: subprocess.Popen[bytes]) -> None:
    if service.poll() is None:
        service.terminate()
        service.wait(STOP_WITHIN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
