from __future__ import annotations

from gatewatch.audit.ssh_path import derive
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.ssh import SshdSettings


def facts_of(**files: str) -> Facts:
    documents = [Document(f"h/etc/{name.replace('__', '/')}", f"etc/{name.replace('__', '/')}", "h", text.encode()) for name, text in files.items()]
    made = Facts()
    for bundle in bundles(documents):
        made.add(read(bundle).facts)
    return made


def labels(facts: Facts) -> list[str]:
    return [way.label for path in derive(facts) if isinstance(path, AccessPath) for way in path.ways]


def test_keyboard_interactive_and_pam_ask_for_passwords_though_passwords_are_off() -> None:
    facts = facts_of(ssh__sshd_config="PasswordAuthentication no\nUsePAM yes\n", **{"pam.d__sshd": "auth required pam_unix.so\n"})
    assert labels(facts) == ["publickey", "keyboard-interactive (PAM: pam_unix)"]


def test_the_first_value_wins_also_over_a_later_include() -> None:
    facts = facts_of(
        **{
            "ssh__sshd_config": "Port 2222\nPermitRootLogin no\nInclude /etc/ssh/sshd_config.d/*.conf\n",
            "ssh__sshd_config.d__a.conf": "PermitRootLogin yes\n",
        }
    )
    [settings] = facts.of(SshdSettings)
    assert (settings.text("permitrootlogin"), settings.text("port")) == ("no", "2222")


def test_a_match_in_an_included_file_ends_with_it() -> None:
    facts = facts_of(
        **{
            "ssh__sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n",
            "ssh__sshd_config.d__a.conf": "Match User x\nPermitRootLogin yes\n",
        }
    )
    [settings] = facts.of(SshdSettings)
    assert settings.text("permitrootlogin") == "no"
    assert [(block.condition, [one.value for one in block.values]) for block in settings.matches] == [("User x", ["yes"])]


def test_match_all_holds_for_everybody() -> None:
    facts = facts_of(ssh__sshd_config="AuthenticationMethods publickey,password\nMatch all\nAuthenticationMethods publickey\n")
    assert labels(facts) == ["publickey"]


def test_files_that_include_each_other_end() -> None:
    facts = facts_of(ssh__sshd_config="Include /etc/ssh/sshd_config\nPermitRootLogin no\n")
    [settings] = facts.of(SshdSettings)
    assert settings.text("permitrootlogin") == "no"
