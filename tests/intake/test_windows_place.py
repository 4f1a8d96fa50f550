"""Rendered text in languages we have no words for: an invented one stands for them all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.intake.windows_message import data_of_message

HEAD = "Ilo kontu pala.\n\nSubu{c}\n\tSeka-num{c}\t\t{who}\n\tKontu{c}\t\t-\n\tDomu{c}\t\t-\n\tLoga-num{c}\t\t0x0\n\n"
FAILED = (
    HEAD
    + "Loga-tipu{c}\t\t\t3\n\nKontu, ke loga pala{c}\n\tSeka-num{c}\t\tNULL SID\n\tKontu{c}\t\t{user}\n\tDomu{c}\t\t{domain}\n\n"
    + "Pala{c}\n\tKausu{c}\t\tKontu o paswo pala.\n\tStatu{c}\t\t\t0xC000006D\n\tSub-statu{c}:\t\t0xC0000064\n\n"
    + "Prosu{c}\n\tProsu-num{c}\t0x0\n\tProsu-nam{c}\t-\n\n"
    + "Netu{c}\n\tMasin{c}\t{station}\n\tNet-adresu{c}\t{address}\n\tPort{c}\t\t50022\n"
)
DETAILS = (
    "\nDetalu{c}\n\tLoga-prosu{c}\t\tNtLmSsp \n\tPaku{c}\tNTLM\n\tTransu{c}\t-\n\tPaku-nam (NTLM){c}\t-\n\tLongu{c}\t\t0\n"
    "\nIlo skribo kan loga pala. Ilo longa.\n"
)


def failed(text: str = FAILED + DETAILS, **changes: str) -> str:
    values = {"c": ":", "who": "S-1-0-0", "user": "bob", "domain": "CORP", "station": "PC7", "address": "203.0.113.77"}
    return text.format_map(values | changes)


@pytest.mark.parametrize("colon", [":", " :", "\N{NO-BREAK SPACE}:", "\N{FULLWIDTH COLON}"])
@pytest.mark.parametrize("text", [FAILED, FAILED + DETAILS])
def test_a_failed_logon(colon: str, text: str) -> None:
    data = data_of_message(4625, failed(text, c=colon))
    assert {name: data[name] for name in ("TargetUserName", "TargetDomainName", "IpAddress", "IpPort", "WorkstationName", "LogonType")} == {
        "TargetUserName": "bob",
        "TargetDomainName": "CORP",
        "IpAddress": "203.0.113.77",
        "IpPort": "50022",
        "WorkstationName": "PC7",
        "LogonType": "3",
    }
    assert (data["Status"], data["SubStatus"], data["SubjectUserSid"], data["TargetUserSid"]) == ("0xc000006d", "0xc0000064", "S-1-0-0", "S-1-0-0")
    assert "FailureReason" not in data  # its words are of that language


def test_a_logoff_and_a_session() -> None:
    text = "Loga fina:\n\nSubu:\n\tSeka-num:\t\tS-1-5-21-1-2-3-1104\n\tKontu:\t\tann\n\tDomu:\t\tCORP\n\tLoga-num:\t\t0x1A2B\n\nIlo skribo."
    assert data_of_message(4647, text)["TargetUserName"] == "ann"
    text = "Sesu: loga bonu:\n\nUlu: CORP\\ann\nSesu-num: 3\nNet-adresu: 203.0.113.77"
    assert data_of_message(21, text) == {"User": "CORP\\ann", "SessionID": "3", "Address": "203.0.113.77"}


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "bob\n\tDomu:\t\tX"},  # a line too many
        {"user": "bob\nX"},
        {"address": "pc7.example"},  # no address where one stands
        {"domain": "CORP\n\nIlo skribo"},
    ],
)
def test_what_does_not_fit_is_not_read(changes: dict[str, str]) -> None:
    assert data_of_message(4625, failed(**changes)) == {}


def test_labels_in_another_order_are_not_read() -> None:
    text = failed().replace("\tNet-adresu:\t203.0.113.77\n\tPort:\t\t50022\n", "\tPort:\t\t50022\n\tNet-adresu:\t203.0.113.77\n")
    assert data_of_message(4625, text) == {}
    assert data_of_message(4625, failed().replace("\tKontu:\t\tbob", "\tNamu:\t\tbob")) == {}


@given(st.lists(st.sampled_from(["a", "\n", "\t", ":", " ", "Kontu:\t", "Net-adresu:\t192.0.2.9", "Port:\t1", "-"]), max_size=9).map("".join))
def test_no_name_makes_the_address_another(name: str) -> None:
    data = data_of_message(4625, failed(user=name, station=name))
    assert data.get("IpAddress", "203.0.113.77") == "203.0.113.77"
