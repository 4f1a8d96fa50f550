r"""Event data out of the rendered text of Windows events, as Event Viewer, syslog agents and text exports write it.

::

    An account failed to log on.  Subject:  Security ID:  S-1-0-0  Account Name:  -  …  Account Name:  bob  Account Domain:  CORP  …

The text is lines, or those lines joined into one by an agent. Values can hold anything, also what looks like a label ("bob Account Domain: X"),
and whoever fails to log on chooses the name. So the labels that every version of Windows writes are matched in their order twice: as early
as possible and as late as possible. The true places lie between the two; where both agree the place is certain, and what stands beside a
place that is not certain, or has a label's look within, is not read. :mod:`~gatewatch.intake.windows_wording` has the labels;
:mod:`~gatewatch.intake.windows_place` reads other languages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from gatewatch.intake.windows_place import Label, unjoined, values_of
from gatewatch.intake.windows_wording import PROSE, SENTENCES, WORDINGS

_LONGEST = 256 * 1024  # characters of a text that is read
_VALUE = 64 * 1024
_SID = re.compile(r"S-1-[0-9]+(?:-[0-9]+)*")
_WORD = re.compile(
    r"(?:Sid|LogonI[dD]|Guid|GUID|Port|Status|LogonType|KeyLength|ProcessId|NewProcessId|SessionID|TicketOptions|EncryptionType|PreAuthType)$"
)
_ADDRESSES = frozenset(["IpAddress", "ClientAddress", "Address", "Param3", "IPString", "SourceIp", "DestinationIp"])
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
_LABEL_LIKE = re.compile(r"[ \t]{2,}[A-Z][A-Za-z()-]*(?: [A-Za-z()-]+){0,5}:(?=\s|$)")
_PROSE = re.compile(r"\s(?:" + "|".join(map(re.escape, PROSE)) + ")")
_ESCAPED = re.compile(r"#0(11|12|15)")
_CHARACTERS = {"11": "\t", "12": "\n", "15": ""}
_WELL_KNOWN = {
    "null sid": "S-1-0-0",
    "nobody": "S-1-0-0",
    "everyone": "S-1-1-0",
    "system": "S-1-5-18",
    "anonymous logon": "S-1-5-7",
    "local service": "S-1-5-19",
    "network service": "S-1-5-20",
    "administrators": "S-1-5-32-544",
    "users": "S-1-5-32-545",
    "guests": "S-1-5-32-546",
    "remote desktop users": "S-1-5-32-555",
    "remote management users": "S-1-5-32-580",
}
_YES_NO = {"yes": "%%1842", "no": "%%1843"}
_CODES = {
    "RestrictedAdminMode": _YES_NO,
    "RemoteCredentialGuard": _YES_NO,
    "VirtualAccount": _YES_NO,
    "ElevatedToken": _YES_NO,
    "ImpersonationLevel": {"identification": "%%1832", "impersonation": "%%1833", "delegation": "%%1840"},
    "TokenElevationType": {
        "tokenelevationtypedefault (1)": "%%1936",
        "tokenelevationtypefull (2)": "%%1937",
        "tokenelevationtypelimited (3)": "%%1938",
    },
    "FailureReason": {
        "an error occured during logon.": "%%2304",
        "account currently disabled.": "%%2310",
        "account logon time restriction violation.": "%%2311",
        "user not allowed to logon at this computer.": "%%2312",
        "unknown user name or bad password.": "%%2313",
        "domain sid inconsistent.": "%%2314",
        "the specified user account has expired.": "%%2305",
        "account locked out.": "%%2307",
        "the user has not been granted the requested logon type at this machine.": "%%2308",
        "the specified account's password has expired.": "%%2309",
    },
}
"""What Windows stores where it shows a text, lower case."""


_Token = tuple[int, int, str]
"""Where a label begins and its value begins, and the label."""


@dataclass(frozen=True)
class _Wording:
    ids: tuple[int, ...]
    sentence: str
    labels: tuple[Label, ...]

    @cached_property
    def required(self) -> tuple[int, ...]:
        return tuple(place for place, label in enumerate(self.labels) if not label.optional)

    @cached_property
    def tokens(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """The labels in running text, and at the beginning of a line."""
        words = sorted({word for label in self.labels for word in label.words}, key=lambda word: (-len(word), word))
        found = "(" + "|".join(re.escape(word) for word in words) + "):"
        return re.compile(r"(?:(?<=\s)|^)" + found), re.compile(r"^[ \t]*" + found, re.MULTILINE)


def _read_label(line: str) -> Label:
    text = line.lstrip("?").strip()
    long = text.endswith("*")
    text = text.removesuffix("*").strip()
    words, equals, datum = text.partition("=")
    marks = {"optional": line.startswith("?"), "dropped": line.startswith("??")}
    return Label(tuple(words.removesuffix(":").split("|")), (datum or None) if equals else None, long=long, heading=not equals, **marks)


_ALL = tuple(_Wording(ids, sentence, tuple(_read_label(line) for line in text.splitlines() if line.strip())) for ids, sentence, text in WORDINGS)
_BY_ID = {number: tuple(wording for wording in _ALL if number in wording.ids) for number in sorted({n for wording in _ALL for n in wording.ids})}
_SENTENCES = {number: re.compile(regex) for number, regex in SENTENCES}


def data_of_message(event_id: int, message: str) -> dict[str, str]:
    """Return the event data that *message*, the rendered text of an event, holds; nothing where it is not understood."""
    text = _plain(message)
    single = _SENTENCES.get(event_id)
    if single is not None and (found := single.fullmatch(text.strip())) is not None:
        return found.groupdict()
    english = False
    for wording in _BY_ID.get(event_id, ()):
        body = _after(wording.sentence, text)
        english = english or body is not None
        if body is not None and (data := _read(wording, body)) is not None:
            return data
    return {} if english else _translated(event_id, text if "\n" in text else unjoined(text))


def _translated(event_id: int, text: str) -> dict[str, str]:
    """Return the event data of a text whose first sentence is none of ours."""
    for wording in _BY_ID.get(event_id, ()):
        values = values_of(text, wording.labels)
        if values:
            return {datum: value for datum, shown in values.items() if (value := _shown(datum, shown)) is not None}
    return {}


def _shown(datum: str, value: str) -> str | None:
    """Return what the event holds for a value as another language shows it; None where its words are of that language."""
    codes = _CODES.get(datum)
    if codes is not None:
        return codes.get(value.lower())
    if datum.endswith("Sid"):
        return value if _SID.fullmatch(value) else _WELL_KNOWN.get(value.rpartition("\\")[2].lower())
    return value.lower() if _HEX.fullmatch(value) else value


def id_of_message(message: str) -> int | None:
    """Return the id of the event *message* renders, by its first sentence; None where it is not one of those we read."""
    text = _plain(message[:4096])
    for wording in _ALL:
        body = _after(wording.sentence, text)
        if body is not None and (wording.ids != (4697,) or "Subject:" in body):
            return wording.ids[0]
    for number, regex in _SENTENCES.items():
        if number != 4 and regex.fullmatch(text.strip()):  # anything may say "sshd: ..."
            return number
    return None


def _plain(message: str) -> str:
    text = message[:_LONGEST].lstrip().replace("\r\n", "\n").replace("\r", "\n").replace("’", "'")
    if "#01" in text and "\n" not in text:  # how rsyslog writes tabs and line ends
        text = _ESCAPED.sub(lambda found: _CHARACTERS[found[1]], text)
    return text


def _after(sentence: str, text: str) -> str | None:
    """Return what follows the first sentence; None where *text* begins with another."""
    at = len(sentence)
    if text[:at].lower() == sentence.lower():
        return text[at:]
    short = sentence.replace("'", "")  # as Windows 7 wrote "an accounts password"
    return text[len(short) :] if short != sentence and text[: len(short)].lower() == short.lower() else None


def _read(wording: _Wording, body: str) -> dict[str, str] | None:
    lines = "\n" in body.strip()
    found = [(token.start(1), token.end(), token[1]) for token in wording.tokens[lines].finditer(body)]
    labels, required = wording.labels, wording.required
    early = _early(wording, found)
    if early is None:
        return None
    last = labels[-1]
    if last.long:  # the rest of the text is its value, whatever that looks like
        for place in range(early[-1] + (required[-1] != len(labels) - 1), len(found)):
            if found[place][2] in last.words:
                found = found[: place + 1]
                break
    late = _late(wording, found)
    if late is None:
        return None
    return _collect(wording, body, found, early, late, lines=lines)


def _collect(wording: _Wording, body: str, found: list[_Token], early: list[int], late: list[int], *, lines: bool) -> dict[str, str]:
    """Return the data beside the labels whose place is certain."""
    labels, required = wording.labels, wording.required
    words = [word for *_, word in found]
    steps: list[tuple[int, int]] = []  # token and label
    before = _between(labels[: required[0]], words[: early[0]]) if early[0] == late[0] else None
    steps += enumerate(before or ())
    for turn, (here, there) in enumerate(zip(early, late, strict=True)):
        if here != there:
            continue
        ended = turn + 1 == len(required)
        stop = len(found) if ended else early[turn + 1]
        follows = len(labels) if ended else required[turn + 1]
        places = _between(labels[required[turn] + 1 : follows], words[here + 1 : stop])
        if places is None or not (ended or stop == late[turn + 1]):
            # where the value ends is not certain; of a single word nobody chooses it is all the same
            if not _is_word(labels[required[turn]].datum):
                continue
            places = []
        steps += enumerate([required[turn], *(required[turn] + 1 + place for place in places)], start=here)
    data: dict[str, str] = {}
    for token, place in steps:
        end = found[token + 1][0] if token + 1 < len(found) else len(body)
        datum, value = labels[place].datum, _value(body[found[token][1] : end], labels[place], lines=lines, last=token + 1 == len(found))
        if datum is not None and value is not None:
            data[datum] = value
    return data


def _early(wording: _Wording, found: list[_Token]) -> list[int] | None:
    """Return the token of each required label, each as early as possible; None where they are not all there in their order."""
    places: list[int] = []
    at = 0
    for index in wording.required:
        words = wording.labels[index].words
        while at < len(found) and found[at][2] not in words:
            at += 1
        if at == len(found):
            return None
        places.append(at)
        at += 1
    return places


def _late(wording: _Wording, found: list[_Token]) -> list[int] | None:
    """Return the same, each as late as possible."""
    places: list[int] = []
    at = len(found) - 1
    for index in reversed(wording.required):
        words = wording.labels[index].words
        while at >= 0 and found[at][2] not in words:
            at -= 1
        if at < 0:
            return None
        places.append(at)
        at -= 1
    return places[::-1]


def _between(labels: tuple[Label, ...], words: list[str]) -> list[int] | None:
    """Return which of the optional *labels* the tokens *words* are, in order; None where they are not just these."""
    places: list[int] = []
    at = 0
    for word in words:
        while at < len(labels) and word not in labels[at].words:
            at += 1
        if at == len(labels):
            return None
        places.append(at)
        at += 1
    return places


def _is_word(datum: str | None) -> bool:
    return datum is not None and (_WORD.search(datum) is not None or datum in _ADDRESSES)


def _value(text: str, label: Label, *, lines: bool, last: bool) -> str | None:
    if label.datum is None or len(text) > _VALUE:
        return None
    if last and label.datum.startswith("TaskContent"):
        end = text.rfind("</Task>")
        text = text[: end + len("</Task>")] if end >= 0 else text
    elif last:
        proses = [found.start() for found in _PROSE.finditer(text)]
        if proses:  # a command line may hold such words itself, a number not
            text = text[: proses[-1] if label.long else proses[0]]
    if not label.long:
        text = text.strip("\n").partition("\n")[0] if lines else text
        if not lines and _LABEL_LIKE.search(text):
            return None
    text = text.strip()
    if label.datum == "PrivilegeList":
        return " ".join(text.split())
    if label.datum.endswith("Sid"):
        name = text.rpartition("\\")[2].lower()
        return text if _SID.fullmatch(text) else _WELL_KNOWN.get(name)
    if _is_word(label.datum) and " " in text:
        return None if not last else text.split()[0]
    if _HEX.fullmatch(text):
        return text.lower()  # as the event holds it
    codes = _CODES.get(label.datum)
    return codes.get(text.lower(), text) if codes is not None else text
