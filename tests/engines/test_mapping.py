"""Maps: a user's own formats become events, wrong maps are refused with file and line, and nothing a record holds raises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch import app
from gatewatch.engines.mapping import load_sources
from gatewatch.errors import UsageError
from gatewatch.schema.records import Disposition
from gatewatch.site.map_file import COLUMNS, load_maps

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "map-your-own-format.md"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
HEAD = '[[map]]\nname = "x"\nformat = "regex"\nregex = \'^(?P<w>[a-z]+) (?P<u>[^ ]+) (?P<t>[^ ]+)$\'\n'
REGEX = HEAD + 'kind = {field = "w", values = {in = "auth_success"}}\n'
GOOD = (
    REGEX + 'time = "t"\nto = {user = "u"}\n[[map.sample]]\nraw = \'in ann 2026-01-05T12:00:00Z\'\nexpect = {kind = "auth_success", user = "ann"}\n'
)


EXPECT = 'expect = {kind = "auth_success", user = "ann"}'


@pytest.fixture
def examples(tmp_path: Path) -> str:
    path = tmp_path / "all.toml"
    path.write_text("\n".join(EXAMPLES))
    return str(path)


def events(maps: list[str], *paths: Path, **given: Any) -> list[dict[str, Any]]:
    return pl.concat(list(app.events([str(path) for path in paths], maps=maps, **given))).to_dicts()


def test_the_examples_of_the_page_are_sound(examples: str) -> None:
    assert [source.name for source in load_sources([examples])] == ["map:shop", "map:door", "map:portal", "map:doord"]


def test_records_of_mapped_formats_stand_among_others(examples: str, tmp_path: Path) -> None:
    log = tmp_path / "mixed.log"
    log.write_text(
        "2026-01-05T12:00:00 FAIL user=ann ip=203.0.113.7\n"
        "Jan  5 12:00:00 gate sshd[1]: Failed password for root from 203.0.113.9 port 22 ssh2\n"
        "when;door;card;result;peer\n"
        "1767614400;gate1;ann;ok;::ffff:203.0.113.7\n"
        '1767614400;"gate;1";ann;no;host.example\n'
        "1767614401;gate1;ann;ok\n"
        "1767614402;gate1;ann;perhaps;203.0.113.7\n"
        '1767614402;gate1;ann;ok;"203.0.113.7\n'
        "soon567890;x\n"
        "Jan  5 12:00:05 inner doord[7]: entry refused to ann from 203.0.113.7\n"
        "Jan  5 12:00:05 inner doord[7]: entry odd\n"
        "Jan  5 12:00:05 inner doord[7]: something else\n"
    )
    found = events([examples], log, zone="Europe/Vienna", year=2026)
    assert [(row["source"], row["kind"], row["host"], row["user"], row["src_ip"], row["time"].isoformat()[:19]) for row in found] == [
        ("map:portal", "auth_failure", None, "ann", "203.0.113.7", "2026-01-05T11:00:00"),
        ("sshd", "auth_failure", "gate", "root", "203.0.113.9", "2026-01-05T11:00:00"),
        ("map:doord", "auth_failure", "inner", "ann", "203.0.113.7", "2026-01-05T11:00:05"),
        ("map:door", "auth_success", "gate1", "ann", "203.0.113.7", "2026-01-05T12:00:00"),
        ("map:door", "auth_failure", "gate;1", "ann", None, "2026-01-05T12:00:00"),
    ]
    assert found[4]["src_host"] == "host.example"
    scan = app.scan([str(log)], maps=[examples], year=2026)
    told = {(tally.source, tally.disposition.value, tally.reason): tally.count for tally in scan.tallies}
    assert told == {
        ("map:portal", "used", ""): 1,
        ("sshd", "used", ""): 1,
        ("map:door", "used", ""): 2,
        ("map:door", "ignored", "heading"): 1,
        ("map:door", "ignored", "a kind that the map does not list"): 1,
        ("map:door", "rejected", "wrong number of cells"): 1,
        ("map:door", "rejected", "quotes that do not close"): 1,
        (None, "unrecognised", "no known framing"): 1,
        ("map:doord", "used", ""): 1,
        ("map:doord", "rejected", "the regex of the map does not match"): 1,
        (None, "unrecognised", "no source for this program"): 1,
    }
    assert sum(told.values()) == scan.records == 12


def test_objects_of_a_mapped_format(examples: str, tmp_path: Path) -> None:
    one = {"ts": "05/07/2026 13:00:00", "evt": "login ok", "who": "Ann", "net": {"ip": "203.0.113.7"}, "server": "shop1", "how": "pw"}
    odd = [one, one | {"ts": "13/13/2026 13:00:00"}, one | {"evt": "other"}, one | {"who": None, "net": "x", "how": 3}, {"evt": 1}, one | {"ts": 5}]
    for text in ("".join(json.dumps(row) + "\n" for row in odd), json.dumps(odd, indent=1)):
        path = tmp_path / "log.json"
        path.write_text(text)
        found = events([examples], path)
        assert [(row["user"], row["src_ip"], row["auth_method"], row["time"].isoformat()) for row in found] == [
            ("ann", "203.0.113.7", "password", "2026-07-05T11:00:00+00:00"),
            (None, None, "unknown", "2026-07-05T11:00:00+00:00"),
        ]
        scan = app.scan([str(path)], maps=[examples])
        fates = {disposition: sum(t.count for t in scan.tallies if t.disposition is disposition) for disposition in Disposition}
        assert list(fates.values()) == [2, 1, 1, 2]
        assert scan.records == 6


def test_a_map_comes_before_what_gatewatch_knows(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(GOOD.replace("^(?P<w>[a-z]+) (?P<u>[^ ]+) (?P<t>[^ ]+)$", r"^(?P<t>[0-9T:Z-]+) gate sshd\[1\]: (?P<w>in) (?P<u>[^ ]+)$").replace(
        "in ann 2026-01-05T12:00:00Z", "2026-01-05T12:00:00Z gate sshd[1]: in ann"))  # fmt: skip
    log = tmp_path / "auth.log"
    log.write_text(
        "2026-01-05T12:00:00Z gate sshd[1]: in bob\n2026-01-05T12:00:00Z gate sshd[1]: Failed password for x from 203.0.113.9 port 22 ssh2\n"
    )
    assert [(row["source"], row["user"]) for row in events([str(path)], log)] == [("map:x", "bob"), ("sshd", "x")]


def test_guesses_through_a_mapped_format_are_an_incident(examples: str, tmp_path: Path) -> None:
    log = tmp_path / "door.csv"
    lines = [f"{1767614400 + second};gate1;ann;{'no' if second < 8 else 'ok'};203.0.113.7" for second in range(9)]
    log.write_text("when;door;card;result;peer\n" + "\n".join(lines) + "\n")
    scan = app.scan([str(log)], maps=[examples])
    assert [(incident.origin.ip, incident.users) for incident in scan.incidents] == [("203.0.113.7", ("ann",))]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "holds no [[map]]"),
        ("[[map]\n", 1, "is no TOML"),
        ("x = 1\n" + GOOD, 1, "unknown key 'x'"),
        (GOOD.replace('name = "x"', 'name = "X Y"'), 2, "'X Y' is no name"),
        (GOOD.replace('"regex"', '"xml"'), 3, "'xml' is none of json, csv, regex"),
        (GOOD.replace("(?P<w>[a-z]+)", "(?P<w>[a-z]+)(?=x)"), 4, "no regex of linear time"),
        (GOOD.replace('field = "w"', 'field = "v"'), 5, "there is no field 'v'"),
        (GOOD.replace('"auth_success"}}', '"auth_sucess"}}'), 5, "did you mean auth_success?"),
        (GOOD.replace('time = "t"', 'time = {field = "t", format = "%d %H"}'), 6, "has no year"),
        (GOOD.replace('time = "t"', 'time = {field = "t", zone = "Mars"}'), 6, "is no IANA zone"),
        (GOOD.replace('time = "t"\n', ""), 1, "has no 'time'"),
        (GOOD.replace("user =", "usr =", 1), 7, "there is no column 'usr' for a map to fill; did you mean user?"),
        (GOOD.replace('{user = "u"}', '{src_ip = "u"}'), 7, "the two ends are 'rhost' and 'dhost'"),
        (GOOD.replace('{user = "u"}', '{service = {value = "telex"}}'), 7, "'telex' is none of"),
        (GOOD[: GOOD.index("[[map.sample]]")], 1, "has no [[map.sample]]"),
        (GOOD.replace('user = "ann"}', 'user = "bob"}'), 8, "sample: user is ann, not bob"),
        (GOOD.replace('user = "ann"}', 'usr = "ann"}'), 10, "there is no column 'usr'; did you mean user?"),
        (GOOD.replace("raw = 'in ann", "raw = 'out ann"), 8, "sample: is ignored: a kind that the map does not list"),
        (GOOD.replace("raw = 'in ann 2026-01-05", "raw = 'in ann 2026-13-05"), 8, "sample: is rejected: unreadable time"),
        (GOOD.replace("raw = 'in ann", "raw = 'IN ann"), 8, "sample: is not recognised by map:x"),
        (GOOD.replace(EXPECT, "ignore = true") + GOOD[GOOD.index("[[map.sample]]") :], 8, "is not ignored but becomes auth_success"),
        (GOOD + GOOD, 12, "there are two maps 'x'"),
        (GOOD.replace('"regex"\nregex', '"csv"\ncolumns = ["a", "a"]\nregex'), 4, "a name comes twice"),
    ],
)  # fmt: skip
def test_wrong_maps_are_refused_with_file_and_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        load_sources([str(path)])
    wanted = f"{path}:{line}: "
    assert any(one.startswith(wanted) and said in one for one in str(error.value).splitlines()), str(error.value)


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        app.scan([str(tmp_path)], maps=[str(tmp_path / "none.toml")])


def test_the_page_names_every_key() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for key in ("name", "title", "format", "keys", "recognise", "regex", "program", "columns", "delimiter", "kind", "time", "to", "extra", "sample"):
        assert f"`{key}`" in text
    assert {"user", "rhost", "host"} <= set(COLUMNS)


def test_loading_gives_what_the_file_says(examples: str) -> None:
    shop, door, portal, doord = load_maps(examples)
    assert (shop.recognise, shop.to["service"].constant, shop.extra) == (('"evt"\\s*:', '"who"\\s*:'), "web", ("why",))
    assert (door.delimiter, door.columns[0]) == (";", "when")
    assert portal.recognise == (portal.regex,)
    assert (doord.program, doord.time.field) == ("doord", "")


PIECES = st.sampled_from(
    [
        ";",
        '"',
        "1767614400;",
        "{",
        '"evt":',
        '"who":',
        "login ok",
        "LOGIN user=",
        " ip=",
        "\x00",
        "🦊",
        "99999999999999999999",
        "-",
        "*****",
        "entry ",
    ]
)


@settings(max_examples=60)
@given(st.lists(st.lists(PIECES | st.text(max_size=6), max_size=10), min_size=1, max_size=6))
def test_nothing_a_record_holds_raises(pieces: list[list[str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        maps = Path(folder) / "all.toml"
        maps.write_text("\n".join(EXAMPLES))
        log = Path(folder) / "x.log"
        log.write_bytes(b"x\n" + b"\n".join("".join(parts).replace("\n", " ").encode("utf-8", "replace") for parts in pieces) + b"\n")
        scan = app.scan([str(log)], maps=[str(maps)], year=2026)
        assert sum(tally.count for tally in scan.tallies) == scan.records
