"""Registry exports: values decoded, absence known only below an exported key, policy over local, nothing secret kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewatch.evidence.document import Document
from gatewatch.evidence.mask import quote
from gatewatch.evidence.windows_registry_text import Table, add
from gatewatch.evidence.windows_setting import Place, resolve

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\X"
POLICY, LOCAL = "hklm\\software\\policies\\x", "hklm\\software\\x"


def export(*parts: tuple[str, str], encoding: str = "utf-16") -> Document:
    text = "Windows Registry Editor Version 5.00\r\n\r\n" + "".join(f"[{key}]\r\n{body}\r\n\r\n" for key, body in parts)
    return Document("h/x.reg", "x.reg", "h", text.encode(encoding))


def table(*documents: Document) -> Table:
    made = Table()
    for document in documents:
        add(made, document)
    return made


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60))
def test_a_string_survives_the_export(text: str) -> None:
    value = table(export((KEY, f'"a"="{escaped(text)}"'))).get(LOCAL, "A")
    assert value is not None and value.text == text


@given(st.integers(0, 2**32 - 1))
def test_a_number_survives_both_forms(number: int) -> None:
    query = Document("h/q.txt", "q.txt", "h", f"\r\n{KEY}\r\n    a    REG_DWORD    {number:#x}\r\n".encode())
    for document in (export((KEY, f'"a"=dword:{number:08x}')), query):
        value = table(document).get(LOCAL, "a")
        assert value is not None and value.number == number


@given(st.lists(st.text("abc \\;", min_size=1, max_size=8), max_size=4), st.integers(1, 30))
def test_a_list_of_strings_over_several_lines(words: list[str], width: int) -> None:
    data = "".join(word + "\0" for word in words).encode("utf-16-le") + b"\0\0"
    digits = [f"{byte:02x}" for byte in data]
    rows = [",".join(digits[at : at + width]) for at in range(0, len(digits), width)]
    value = table(export((KEY, '"a"=hex(7):' + ",\\\r\n  ".join(rows)))).get(LOCAL, "a")
    assert value is not None and value.text == ";".join(words)


PLACE = Place("v", POLICY, LOCAL, "7")


def test_the_policy_wins_and_absence_is_known_below_an_export_only() -> None:
    local = export((KEY, '"v"=dword:1'))
    weak = resolve(table(local), PLACE)
    assert weak is not None and weak.value == "1" and "a policy may say otherwise" in weak.uncertain
    whole = resolve(table(local, export(("HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies", ""))), PLACE)
    assert whole is not None and (whole.value, whole.uncertain) == ("1", "")
    both = resolve(table(local, export(("HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\X", '"V"=dword:2'))), PLACE)
    assert both is not None and (both.value, both.how) == ("2", "policy key over local key")


def test_a_default_needs_both_keys_exported() -> None:
    assert resolve(table(export(("HKEY_LOCAL_MACHINE\\SYSTEM", ""))), PLACE) is None
    half = resolve(table(export((KEY, '"w"=dword:1'))), PLACE)
    assert half is not None and half.value == "7" and half.uncertain
    sure = resolve(table(export(("HKEY_LOCAL_MACHINE\\SOFTWARE", ""))), PLACE)
    assert sure is not None and (sure.value, sure.uncertain) == ("7", "")


def test_a_sibling_of_the_exported_key_is_not_known() -> None:
    made = table(export((KEY, '"w"=dword:1')))
    assert made.known(LOCAL) is None and made.known(LOCAL + "\\below") is None
    assert made.known("hklm\\software\\xy") is not None


def test_files_that_contradict_each_other_make_it_unsure() -> None:
    one, other = export((KEY, '"v"=dword:1')), export((KEY, '"v"=dword:2'))
    other.name = "h/y.reg"
    made = resolve(table(one, other), Place("v", "", LOCAL))
    assert made is not None and "contradicts itself" in made.uncertain


def test_what_cannot_be_read_is_neither_absent_nor_a_value() -> None:
    made = resolve(table(export((KEY, '"v"=dword:1g'))), Place("v", "", LOCAL, "0"))
    assert made is not None and made.uncertain == "its value cannot be read"


def test_passwords_of_the_registry_are_masked() -> None:
    for line in ('"DefaultPassword"="S3CRET"', "    DefaultPassword    REG_SZ    S3CRET one", '"Password"=hex:53,33,43', '"SKey"="S3CRET"'):
        shown = quote(line)
        assert "S3CRET" not in shown and "53,33" not in shown
    assert quote('"fPromptForPassword"=dword:00000001') == '"fPromptForPassword"=dword:00000001'
    assert quote("    fPromptForPassword    REG_DWORD    0x1") == "fPromptForPassword    REG_DWORD    0x1"
    made = table(export((KEY, '"DefaultPassword"="S3CRET"\r\n"Blob"=hex:01,02')))
    assert [value.text for value in made.keys[LOCAL].values()] == ["***", "***"]


def test_a_string_with_line_ends_forges_no_value() -> None:
    forged = f'"a"="x\r\n[{KEY}]\r\n\\"v\\"=dword:9\r\ny"'
    made = table(export((KEY, forged + '\r\n"v"=dword:1')))
    value = made.get(LOCAL, "v")
    assert value is not None and value.number == 1
    text = made.get(LOCAL, "a")
    assert text is not None and text.text.startswith("x\n[HKEY_")


def test_a_key_that_cannot_be_read_owns_what_follows() -> None:
    made = table(export((KEY, '"v"=dword:1'), ("HKEY_" + "x" * 2000, '"v"=dword:2')))
    value = made.get(LOCAL, "v")
    assert value is not None and value.number == 1
