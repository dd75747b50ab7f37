import hashlib
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bench import nginx, offers, rivals
from orchestration import documents, results

needs_nginx = pytest.mark.skipif(not nginx.is_installed(), reason="nginx is not installed")


def test_an_offer_names_contents_that_differ_and_leaves_nothing_when_it_is_withdrawn(tmp_path: Path) -> None:
    offer = offers.make(tmp_path, "http://host", "o", workflows=3, results=2, size=2_000_000)
    assert (len(offer.workflow_ids), len(offer.blob_ids), offer.size) == (3, 6, 12_000_000)
    contents = [(tmp_path / "blobs" / blob_id).read_bytes() for blob_id in offer.blob_ids]
    assert {len(content) for content in contents} == {2_000_000}
    assert len({hashlib.sha256(content).digest() for content in contents}) == 6
    document = json.loads((tmp_path / "v2/consumer/workflows" / offer.workflow_ids[0]).read_text())
    assert documents.read(document).status == "succeeded"
    assert [found.url for found in results.find(document)] == offer.urls("http://host")[:2]
    offers.withdraw(tmp_path, offer)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@needs_nginx
def test_the_bare_script_and_the_rivals_fetch_all_of_an_offer(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    with nginx.serving(files, tmp_path) as address:
        offer = offers.make(files, address, "o", workflows=2, results=3, size=50_000)
        document = httpx.get(f"{address}/v2/consumer/workflows/o-0", trust_env=False)
        assert document.headers["content-type"] == "application/json"
        assert document.json()["id"] == "o-0"
        wanted = {blob_id: (files / "blobs" / blob_id).read_bytes() for blob_id in offer.blob_ids}
        for name, fetch in rivals.installed().items():
            into = tmp_path / name
            into.mkdir()
            fetch(offer.urls(address), into)
            assert {blob_id: (into / blob_id).read_bytes() for blob_id in offer.blob_ids} == wanted
        into = tmp_path / "bare"
        into.mkdir()
        command = [sys.executable, "-m", "bench.bare", address, str(into)]
        subprocess.run(command, input="\n".join(offer.workflow_ids), text=True, check=True, timeout=60)
        assert {path.name for path in into.iterdir()} == {*offer.blob_ids, "o-0.json", "o-1.json"}
        assert {blob_id: (into / blob_id).read_bytes() for blob_id in offer.blob_ids} == wanted
