"""A first run: starts the service, uploads the sample papers, and searches them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from runtime.ports import port_or_free
from serve_app.cli.common import print_line
from serve_app.cli.progress import follow
from serve_app.cli.search import score_text
from serve_app.client import Client
from serve_app.process.readiness import NotReady, wait_until_ready

SAMPLES = Path(__file__).parents[2] / "samples"
COLLECTION = "samples"
QUESTIONS = (
    "How does a stale worker lose its right to write?",
    "Why can't BM25 and cosine scores simply be added?",
)
STOP_TIMEOUT_SECONDS = 30


def main() -> int:
    """Returns exit status 0 if every question has a hit; DEMO_EXIT=1 stops the service then."""
    port = port_or_free(8000)
    url = f"http://127.0.0.1:{port}"
    print_line(f"Starting Paperworks on {url}. The first start also converts the embedding model.")
    program = (sys.executable, "-m", "serve_app.cli.main")
    service = subprocess.Popen([*program, "up", "--port", str(port)])
    try:
        with Client(url) as client:
            wait_until_ready(url, is_alive=lambda: service.poll() is None)
            found = _run_searches(client)
        if os.environ.get("DEMO_EXIT") == "1":
            return 0 if found else 1
        print_line(f"\nThe service keeps running: open {url} in a browser (API: {url}/docs)")
        print_line(
            "  .venv/bin/paperworks upload YOUR.pdf && .venv/bin/paperworks search 'your question'"
        )
        print_line("Ctrl-C stops it.")
        return service.wait()
    except NotReady as error:
        print_line(str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if service.poll() is None:
            service.terminate()
            service.wait(STOP_TIMEOUT_SECONDS)


def _run_searches(client: Client) -> bool:
    """Uploads the samples and prints the hits of each question; True if each has one."""
    accepted = client.upload_many(sorted(SAMPLES.glob("*.pdf")), collection=COLLECTION)
    print_line(f"Uploaded {len(accepted.accepted)} papers as {accepted.job_id}.")
    follow(client, [accepted.job_id])
    answered = True
    for question in QUESTIONS:
        print_line(f"\n{question}")
        hits = client.search(question, collection=COLLECTION, limit=2).hits
        answered = answered and bool(hits)
        for hit in hits:
            print_line(f"  {hit.title}, page {hit.page_first}  ({score_text(hit)})")
            print_line(f"    {' '.join(hit.text.split())[:300]}")
    return answered


if __name__ == "__main__":
    sys.exit(main())
