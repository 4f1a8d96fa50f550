"""Opening: folders, archives within archives, standard input, and everything that cannot be read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import socket
import struct
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch.intake.limit import Limits
from gatewatch.intake.opening import Member, open_paths
from gatewatch.schema.records import Problem

LOG = b"".join(b"Jan  5 12:00:%02d gate sshd[%d]: Connection closed by 192.0.2.7 port %d\n" % (n % 60, n, n) for n in range(3000))
_2026 = 1_767_614_400


def tar(members: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = _2026
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 5, 12, 0, 0)), data, compress_type=method)
    return buffer.getvalue()


def streamed_zip(members: dict[str, bytes]) -> bytes:
    """A zip written to a pipe: sizes stand after the data."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return bytes(pipe.data)


def scan(paths: Sequence[Path | str], limits: Limits | None = None, size: int = 1 << 20) -> tuple[dict[str, bytes], list[Problem]]:
    """The members by name with their bytes, and the problems; names are relative to the folder of the first path."""
    members: dict[str, bytes] = {}
    problems: list[Problem] = []
    for found in open_paths([str(path) for path in paths], limits or Limits()):
        if isinstance(found, Member):
            data = b"".join(found.chunks(size))
            assert data.startswith(found.head)
            assert found.name not in members
            members[found.name] = data
        else:
            problems.append(found)
    base = f"{Path(paths[0]).parent}{os.sep}" if paths else ""
    return {name.removeprefix(base): data for name, data in members.items()}, [
        Problem(problem.file.removeprefix(base), problem.what, problem.fault, problem.fatal) for problem in problems
    ]


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_plain_file(tmp_path: Path) -> None:
    path = put(tmp_path, "auth.log", LOG)
    os.utime(path, (_2026, _2026))
    (member,) = open_paths([str(path)])
    assert isinstance(member, Member)
    assert (member.name, member.path, member.size) == (str(path), path, len(LOG))
    assert member.mtime == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert member.head == LOG[: 64 * 1024]


def test_chunks_are_of_the_size_asked_for_and_progress_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, "auth.log", LOG)
    for member in open_paths([str(path)]):
        assert isinstance(member, Member)
        chunks = member.chunks(100_000)
        assert len(next(chunks)) == 100_000
        assert member.consumed() == 100_000
        assert [len(chunk) for chunk in chunks] == [*[100_000] * ((len(LOG) - 100_000) // 100_000), len(LOG) % 100_000]
        assert member.consumed() == len(LOG)


def test_folders_come_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b/z.log", "b/a.log", "a.log", "c", "b.log"):
        put(tmp_path / "logs", name, LOG)
    members, problems = scan([tmp_path / "logs"])
    assert list(members) == ["logs/a.log", "logs/b/a.log", "logs/b/z.log", "logs/b.log", "logs/c"]
    assert problems == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("one.gz", gzip.compress(LOG)),
        ("two.gz", gzip.compress(LOG[:5]) + gzip.compress(LOG[5:])),
        ("wrong-name.zip", bz2.compress(LOG)),
        ("log", lzma.compress(LOG)),
        ("twice.gz.xz", lzma.compress(gzip.compress(LOG))),
    ],
)
def test_compressed_files_are_told_by_content(tmp_path: Path, name: str, data: bytes) -> None:
    path = put(tmp_path, name, data)
    (member,) = (found for found in open_paths([str(path)]) if isinstance(found, Member))
    assert (member.name, member.size) == (str(path), len(data))
    assert scan([path]) == ({name: LOG}, [])


def test_progress_of_a_compressed_file_is_in_packed_bytes(tmp_path: Path) -> None:
    path = put(tmp_path, "one.gz", gzip.compress(LOG))
    for member in open_paths([str(path)]):
        assert isinstance(member, Member)
        assert sum(map(len, member.chunks())) == len(LOG)
        assert member.consumed() == member.size == path.stat().st_size


MEMBERS = {"var/log/auth.log": LOG, "../../etc/passwd": LOG[:100], "/abs": LOG[:200], "ünïcode": LOG[:300]}


@pytest.mark.parametrize(
    "data",
    [
        tar(MEMBERS),
        tar(MEMBERS, "w:gz"),
        tar(MEMBERS, "w:xz"),
        tar(MEMBERS, "w:bz2"),
        zipped(MEMBERS),
        zipped(MEMBERS, zipfile.ZIP_STORED),
        zipped(MEMBERS, zipfile.ZIP_BZIP2),
        streamed_zip(MEMBERS),
        gzip.compress(zipped(MEMBERS)),
        gzip.compress(streamed_zip(MEMBERS)),
    ],
)
def test_archives_and_names_that_are_only_names(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, "a", data)
    members, problems = scan([path])
    assert members == {f"a!{name}": value for name, value in MEMBERS.items()}
    assert problems == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    "data", [tar(MEMBERS), tar(MEMBERS, "w:gz"), zipped(MEMBERS), streamed_zip(MEMBERS), gzip.compress(streamed_zip(MEMBERS))]
)
@pytest.mark.parametrize("taken", [0, 1])
def test_members_may_be_abandoned(tmp_path: Path, data: bytes, taken: int) -> None:
    seen = []
    for number, member in enumerate(open_paths([str(put(tmp_path, "a", data))])):
        assert isinstance(member, Member)
        seen.append(b"".join(islice(member.chunks(10), None if number == 3 else taken)))
    assert seen == [*[value[: 10 * taken] for value in list(MEMBERS.values())[:3]], LOG[:300]]


def test_nested_archives(tmp_path: Path) -> None:
    inner = tar({"auth.log.1.gz": gzip.compress(LOG), "auth.log": LOG[:500]}, "w:gz")
    path = put(tmp_path, "site.zip", zipped({"host.tar.gz": inner, "more.zip": zipped({"x": LOG[:50]})}))
    members, problems = scan([path])
    assert members == {
        "site.zip!host.tar.gz!auth.log.1.gz": LOG,
        "site.zip!host.tar.gz!auth.log": LOG[:500],
        "site.zip!more.zip!x": LOG[:50],
    }
    assert problems == []


def test_nesting_has_an_end(tmp_path: Path) -> None:
    data = zipped({"log": LOG})
    for _ in range(3):
        data = zipped({"z": data, "y": LOG[:10]})
    members, problems = scan([put(tmp_path, "a", data)])
    assert sorted(members) == ["a!y", "a!z!y", "a!z!z!y"]
    assert problems == [Problem("a!z!z!z", "archives nested more than 3 deep; not read", "data", fatal=True)]
    squeezed = gzip.compress(gzip.compress(gzip.compress(gzip.compress(LOG))))
    assert scan([put(tmp_path, "b", squeezed)])[1] == [Problem("b", "compressed more than 3 times over; not read", "data", fatal=True)]


def test_member_times(tmp_path: Path) -> None:
    extra = struct.pack("<HHBi", 0x5455, 5, 1, _2026 - 60)
    ntfs = struct.pack("<HHIHHQQQ", 10, 32, 0, 1, 24, (_2026 - 120 + 11_644_473_600) * 10**7, 0, 0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, more in (("naive", b""), ("unix", extra), ("ntfs", ntfs)):
            info = zipfile.ZipInfo(name, (2026, 1, 5, 13, 0, 0))
            info.extra = more
            archive.writestr(info, LOG)
    found: dict[str, tuple[datetime | None, bool]] = {}
    naive = buffer.getvalue()
    files = {"z": naive, "zz": gzip.compress(naive), "t": tar({"x": LOG}), "g": gzip.compress(LOG, mtime=_2026 - 1)}
    for name, data in files.items():
        for member in open_paths([str(put(tmp_path, name, data))]):
            assert isinstance(member, Member)
            found[member.name.removeprefix(f"{tmp_path}/")] = (member.mtime, member.mtime_local)
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert found["z!naive"] == found["zz!naive"] == (noon.replace(hour=13), True)
    assert found["z!unix"] == found["zz!unix"] == (datetime(2026, 1, 5, 11, 59, tzinfo=UTC), False)
    assert found["z!ntfs"] == found["zz!ntfs"] == (datetime(2026, 1, 5, 11, 58, tzinfo=UTC), False)
    assert found["t!x"] == (noon, False)
    assert found["g"] == (datetime(2026, 1, 5, 11, 59, 59, tzinfo=UTC), False)


def test_sparse_links_and_devices_of_a_tar(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("no file")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("x")
        info.size = len(LOG)
        archive.addfile(info, io.BytesIO(LOG))
        sparse = tarfile.TarInfo("s")
        sparse.pax_headers = {"GNU.sparse.map": "100,50,1000,50", "GNU.sparse.size": "1100"}
        sparse.size = 100
        archive.addfile(sparse, io.BytesIO(LOG[:100]))
        archive.addfile(info, io.BytesIO(LOG))
    members = [member for member in open_paths([str(put(tmp_path, "a", buffer.getvalue()))]) if isinstance(member, Member)]
    assert [member.name.rpartition("!")[2] for member in members] == ["x", "s", "x"]
    data = [b"".join(member.chunks()) for member in open_paths([str(tmp_path / "a")]) if isinstance(member, Member)]
    assert data == [LOG, bytes(100) + LOG[:50] + bytes(850) + LOG[50:100] + bytes(50), LOG]


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.gz", gzip.compress(LOG)), ("a.tar.gz", tar({"x": LOG}, "w:gz")), ("a.zip", zipped({"x": LOG})), ("a.xz", lzma.compress(LOG))],
)
def test_what_is_cut_short_gives_its_beginning_and_a_problem(tmp_path: Path, name: str, data: bytes) -> None:
    members, problems = scan([put(tmp_path, name, data[: len(data) // 2]), put(tmp_path, "z.log", LOG)])
    assert members.pop("z.log") == LOG
    ((member, value),) = members.items()
    assert LOG.startswith(value) and len(value) > len(LOG) // 10
    assert problems[-1].file == member
    assert problems[-1].fault == "data" and problems[-1].fatal
    assert "ends early" in problems[-1].what or "cut short" in problems[-1].what
    assert len(problems) == (2 if name == "a.zip" else 1)


def test_a_damaged_tar_header_costs_its_member(tmp_path: Path) -> None:
    data = bytearray(tar({"a": LOG, "b": LOG[:700], "c": LOG}))
    at = data.index(b"b\0\0\0\0\0")
    data[at : at + 100] = b"?" * 100
    members, problems = scan([put(tmp_path, "t", bytes(data))])
    assert members == {"t!a": LOG, "t!c": LOG}
    assert [(problem.file, problem.what) for problem in problems] == [("t", "tar header is damaged; read on from the next sound one")]


def test_a_damaged_zip_member_costs_itself(tmp_path: Path) -> None:
    data = bytearray(zipped({"a": LOG, "b": LOG, "c": LOG}, zipfile.ZIP_STORED))
    data[200:210] = b"?" * 10
    members, problems = scan([put(tmp_path, "z", bytes(data))])
    assert [len(value) for value in members.values()] == [len(LOG)] * 3
    assert problems == [Problem("z!a", "checksum differs: some bytes are damaged", "data", fatal=True)]


def test_a_zip_without_directory_is_read_from_its_headers(tmp_path: Path) -> None:
    for data in (zipped(MEMBERS), streamed_zip(MEMBERS)):
        members, problems = scan([put(tmp_path, "z", data[: data.index(b"PK\x01\x02")])])
        assert members == {f"z!{name}": value for name, value in MEMBERS.items()}
        assert ["directory is damaged or missing" in problem.what for problem in problems] == [True]


def test_encrypted_and_exotic_zip_members_are_problems(tmp_path: Path) -> None:
    data = zipped({"a": LOG, "b": LOG, "c": LOG})
    patched = bytearray(data)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        first = data.index(mark)
        patched[first + flags] |= 1
        second = data.index(mark, first + 4)
        patched[second + flags + 2 : second + flags + 4] = struct.pack("<H", 9)
    for name, packed in (("z", bytes(patched)), ("zz", gzip.compress(bytes(patched)))):
        members, problems = scan([put(tmp_path, name, packed)])
        assert members == {f"{name}!c": LOG}
        assert problems == [
            Problem(f"{name}!a", "is encrypted; unpack it with its password first", "user", fatal=True),
            Problem(f"{name}!b", "is compressed with zip method 9, which cannot be read; unpack it first", "user", fatal=True),
        ]


def test_a_bomb_stops_its_container_only(tmp_path: Path) -> None:
    limits = Limits(ratio_floor=1 << 20)
    bomb = bytes(30 << 20)
    members, problems = scan([put(tmp_path, "z", zipped({"bomb": bomb, "good": LOG})), put(tmp_path, "y", LOG)], limits)
    assert len(members.pop("z!bomb")) < 3 << 20
    assert members == {"z!good": LOG, "y": LOG}
    assert [problem.file for problem in problems] == ["z!bomb"] and "bomb" in problems[0].what
    nested = gzip.compress(gzip.compress(bomb))
    assert "bomb" in scan([put(tmp_path, "n", nested)], limits)[1][0].what


def test_overlapping_zip_members_are_a_bomb(tmp_path: Path) -> None:
    data = zipped({"a": LOG})
    directory = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entries = data[directory:end] * 50
    data = data[:directory] + entries + struct.pack("<4s4xHHIIH", b"PK\x05\x06", 50, 50, len(entries), directory, 0)
    members, problems = scan([put(tmp_path, "z", data)])
    assert members == {}
    assert [problem.what for problem in problems] == ["members of the zip overlap, like an archive bomb; it is not read"]


def test_members_and_bytes_are_limited_per_file(tmp_path: Path) -> None:
    data = zipped({str(number): LOG for number in range(9)})
    paths = [put(tmp_path, "z", data), put(tmp_path, "y", LOG)]
    members, problems = scan(paths, Limits(max_members=3))
    assert list(members) == ["z!0", "z!1", "z!2", "y"]
    assert problems == [Problem("z", "holds more than 3 members; the rest is not read", "data", fatal=True)]
    members, problems = scan(paths, Limits(max_unpacked=len(LOG) + 10))
    assert "y" in members and "z!2" not in members
    assert [problem.what for problem in problems] == [f"unpacks to more than {len(LOG) + 10:,} bytes; the rest is not read"]


def test_foreign_archives_are_named(tmp_path: Path) -> None:
    _, problems = scan([put(tmp_path, "a.log", b"7z\xbc\xaf\x27\x1c" + bytes(90))])
    assert problems == [Problem("a.log", "7-Zip archives cannot be read; unpack it first", "user", fatal=True)]


def test_empty_files_are_told_and_not_fatal(tmp_path: Path) -> None:
    paths = [put(tmp_path, "empty", b""), put(tmp_path, "empty.gz", gzip.compress(b"")), put(tmp_path, "z", zipped({"e": b""}))]
    members, problems = scan(paths)
    assert members == {}
    assert problems == [Problem(name, "empty file", "data") for name in ("empty", "empty.gz", "z!e")]


def test_what_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nope", f"{tmp_path}/no\0pe", tmp_path / "file" / "below"):
        put(tmp_path, "file", LOG)
        members, problems = scan([path, tmp_path / "file"])
        assert list(members.values()) == [LOG]
        assert len(problems) == 1 and problems[0].fatal


def test_special_files_and_links(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    put(logs, "real.log", LOG)
    os.mkfifo(logs / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(logs / "sock"))
    (logs / "broken").symlink_to("nowhere")
    (logs / "circle").symlink_to("circle")
    (logs / "loop").symlink_to(".")
    (logs / "same.log").symlink_to("real.log")
    (logs / "null").symlink_to("/dev/null")
    members, problems = scan([logs])
    assert members == {"logs/real.log": LOG}
    assert problems == [
        Problem("logs/broken", "symbolic link to nothing", "data", fatal=True),
        Problem("logs/circle", "symbolic links lead round in a circle", "data", fatal=True),
        Problem("logs/fifo", "a named pipe, not a file; skipped", "data"),
        Problem("logs/loop", "symbolic link leads back to a folder that holds it; not followed", "data"),
        Problem("logs/null", "a device, not a file; skipped", "data"),
        Problem("logs/sock", "a socket, not a file; skipped", "data"),
    ]


def test_a_pipe_that_is_asked_for_is_read(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, gzip.compress(LOG))
    os.close(writer)
    assert list(scan([f"/dev/fd/{reader}"])[0].values()) == [LOG]
    os.close(reader)


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    path = put(tmp_path, "logs/a.log", LOG)
    os.link(path, tmp_path / "logs" / "b.log")
    (tmp_path / "other").symlink_to("logs")
    members, problems = scan([tmp_path / "logs", path, tmp_path / "other", tmp_path / "logs"])
    assert (list(members), problems) == (["logs/a.log"], [])


def test_missing_rights_cost_what_they_cover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/1.log", "b/2.log", "b/3.log"):
        put(tmp_path / "logs", name, LOG)
    real_scan, real_open = os.scandir, os.open

    def scandir(path: str) -> object:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return real_scan(path)

    def opener(path: str, flags: int) -> int:
        if path.endswith("2.log"):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, flags)

    monkeypatch.setattr("gatewatch.intake.opening.os.scandir", scandir)
    monkeypatch.setattr("gatewatch.intake.opening.os.open", opener)
    found = list(open_paths([str(tmp_path / "logs")]))
    monkeypatch.undo()
    assert [item.name if isinstance(item, Member) else item.what for item in found] == [
        "no right to read it",
        "no right to read it",
        str(tmp_path / "logs/b/3.log"),
    ]


def test_a_read_error_ends_the_file_with_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a.log", LOG)
    real = os.pread

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        if offset >= 1000:
            raise OSError(5, "Input/output error")
        return real(descriptor, min(size, 1000), offset)

    monkeypatch.setattr("gatewatch.intake.feed.os.pread", pread)
    members, problems = scan([path])
    assert members == {"a.log": LOG[:1000]}
    assert problems == [Problem("a.log", "cannot be read on: Input/output error", "system", fatal=True)]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/l\xff\xfeg"
    with open(raw, "wb") as file:
        file.write(LOG)
    assert scan([tmp_path]) == ({f"{tmp_path.name}/l\ufffd\ufffdg": LOG}, [])


@pytest.mark.parametrize("data", [LOG, gzip.compress(LOG), tar({"x": LOG}), zipped({"x": LOG})])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    found = list(open_paths(["-"]))
    (member,) = found
    assert isinstance(member, Member)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    contents = [(m.name, m.path, b"".join(m.chunks())) for m in open_paths(["-", "-"]) if isinstance(m, Member)]
    assert contents == [("-!x" if data in (tar({"x": LOG}), zipped({"x": LOG})) else "-", Path("-"), LOG)]


def test_files_are_closed_whatever_happens(tmp_path: Path) -> None:
    path = put(tmp_path, "a.zip", zipped(MEMBERS))
    before = len(os.listdir("/proc/self/fd"))
    walk = open_paths([str(path), str(path)])
    member = next(walk)
    assert isinstance(member, Member)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    walk.close()  # type: ignore[attr-defined]
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(RuntimeError, match="before the next"):
        b"".join(member.chunks())


def test_ctrl_c_goes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a.tar", tar({"x": LOG, "y": LOG}))
    before = len(os.listdir("/proc/self/fd"))

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        raise KeyboardInterrupt

    walk = open_paths([str(path)])
    assert isinstance(next(walk), Member)
    monkeypatch.setattr("gatewatch.intake.feed.os.pread", pread)
    with pytest.raises(KeyboardInterrupt):
        next(walk)
    assert len(os.listdir("/proc/self/fd")) == before


def test_deep_folders(tmp_path: Path) -> None:
    path = str(tmp_path)
    here = os.getcwd()
    os.chdir(path)
    for _ in range(1200):
        os.mkdir("d")
        os.chdir("d")
    with open("log", "wb") as file:
        file.write(LOG)
    os.chdir(here)
    ((name, data),) = scan([tmp_path])[0].items()
    assert (name.count("/d"), data) == (1200, LOG)
    for _ in range(1200):
        path += "/d"
    os.remove(f"{path}/log")
    for _ in range(1200):
        os.rmdir(path)
        path = path[:-2]


_SMALL = {"a": b"first\n" * 9, "b": gzip.compress(b"second\n" * 9), "c": b"third\n"}
_ARCHIVES = [
    *(tar(_SMALL), tar(_SMALL, "w:gz"), tar({"n": zipped(_SMALL)})),
    *(zipped(_SMALL), streamed_zip(_SMALL), gzip.compress(zipped(_SMALL))),
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(_ARCHIVES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=6),
    st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_no_damage_raises(tmp_path_factory: pytest.TempPathFactory, data: bytes, patches: list[tuple[float, bytes]], keep: float) -> None:
    patched = bytearray(data)
    for where, patch in patches:
        at = int(where * (len(patched) - 1))
        patched[at : at + len(patch)] = patch
    path = put(tmp_path_factory.getbasetemp(), "damaged", bytes(patched[: int(keep * len(patched))]))
    read = 0
    for found in open_paths([str(path)]):
        read += sum(map(len, found.chunks(50))) if isinstance(found, Member) else 0
    assert read <= 64 * 1024**2
