"""The ways through a PAM stack: every combination of results that ends in success, with the factors that had to be given for it.

The stack is run as libpam's dispatcher runs it, with every module giving each result it can. ``nullok`` of a one-time-code module lets a
user without one through; a ``sufficient`` module ends the stack; ``[success=1 default=ignore]`` jumps.
References: Linux-PAM pam_dispatch.c, pam.conf(5).
"""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.access import Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.ssh import PamLine, PamStack

_KNOWLEDGE = frozenset(
    {"pam_unix", "pam_sss", "pam_ldap", "pam_krb5", "pam_winbind", "pam_pwdfile", "pam_userdb", "pam_mysql", "pam_pgsql", "pam_lsass"}
)
_POSSESSION = frozenset(
    {"pam_google_authenticator", "pam_oath", "pam_u2f", "pam_yubico", "pam_duo", "pam_pkcs11", "pam_ssh_agent_auth", "pam_privacyidea", "pam_rohos",
     "pam_opie"}
)
_DELEGATED = frozenset({"pam_radius", "pam_radius_auth", "pam_tacplus", "pam_exec", "pam_script", "pam_python", "pam_aad", "pam_himmelblau"})
_SILENT = frozenset(
    {"pam_env", "pam_faildelay", "pam_nologin", "pam_securetty", "pam_group", "pam_cap", "pam_gnome_keyring", "pam_mount", "pam_echo", "pam_issue",
     "pam_debug", "pam_motd", "pam_ecryptfs", "pam_usertype", "pam_localuser", "pam_shells", "pam_tally2", "pam_faillock", "pam_abl", "pam_access",
     "pam_listfile", "pam_time", "pam_limits", "pam_wheel", "pam_succeed_if", "pam_rootok", "pam_warn", "pam_lastlog", "pam_keyinit", "pam_loginuid",
     "pam_selinux", "pam_systemd", "pam_opieaccess", "pam_login_access"}
)  # fmt: skip
_SHIPPED = frozenset(
    {"pam_permit", "pam_deny", "pam_umask", "pam_mail", "pam_mkhomedir", "pam_pwhistory", "pam_pwquality", "pam_passwdqc", "pam_cracklib",
     "pam_namespace", "pam_xauth", "pam_console", "pam_ck_connector", "pam_fprintd", "pam_oddjob_mkhomedir", "pam_sepermit", "pam_setquota",
     "pam_rhosts", "pam_ftp", "pam_filter", "pam_stress", "pam_timestamp", "pam_tty_audit", "pam_postgresok", "pam_systemd_home", "pam_apparmor",
     "pam_unix_acct", "pam_unix_auth", "pam_unix_passwd", "pam_unix_session", "pam_rundir", "pam_elogind", "pam_kwallet5"}
)  # fmt: skip
_PROGRAMS = frozenset({"pam_exec", "pam_script", "pam_python"})
_EITHER = frozenset({"pam_succeed_if", "pam_localuser", "pam_usertype", "pam_rootok", "pam_wheel", "pam_access", "pam_listfile"})
_CAP = 4096  # states; a stack has a handful
Result = tuple[str, Factor | None, Where | None, str]  # outcome, what was given for it, the line that says so, doubt


def known_module(name: str) -> bool:
    """Return whether distributions, or well-known projects, ship a module of this name."""
    return name in _KNOWLEDGE | _POSSESSION | _DELEGATED | _SILENT | _SHIPPED


def runs_program(name: str) -> bool:
    """Return whether a module runs a program that its line names."""
    return name in _PROGRAMS


@dataclass(frozen=True, slots=True)
class _State:
    good: bool | None  # the impression: None undefined, True positive, False negative
    factors: tuple[Factor, ...]
    places: tuple[Where, ...]
    doubt: str


def results(line: PamLine) -> list[Result]:
    """Return every result a module can have, with the factor a success stands for."""
    name = line.module
    if line.missing:
        return [("success", None, line.where, f"{name} is not in the evidence"), ("auth_err", None, None, "")]
    if name == "pam_permit":
        return [("success", None, None, "")]
    if name == "pam_deny":
        return [("auth_err", None, None, "")]
    if name in _KNOWLEDGE:
        return [("success", Factor(FactorKind.KNOWLEDGE, name), line.where, ""), ("auth_err", None, None, "")]
    if name in _POSSESSION:
        given: list[Result] = [("success", Factor(FactorKind.POSSESSION, name), line.where, ""), ("auth_err", None, None, "")]
        if any(word in {"nullok", "nouserok", "failmode=safe"} for word in line.arguments) or name == "pam_duo":
            doubt = "" if name != "pam_duo" else "whether Duo fails open is said in pam_duo.conf, which is not read"
            if not doubt:
                given += [("success", None, line.where, ""), ("ignore", None, line.where, "")]
        return given
    if name in _DELEGATED:
        return [("success", Factor(FactorKind.DELEGATED, name, name), line.where, ""), ("auth_err", None, None, "")]
    if name in _EITHER:
        return [("success", None, None, ""), ("auth_err", None, None, "")]
    if name in _SILENT:
        return [("success", None, None, ""), ("ignore", None, None, "")]
    return [("success", Factor(FactorKind.DELEGATED, name, name), line.where, ""), ("auth_err", None, None, ""), ("ignore", None, None, "")]


def action(line: PamLine, outcome: str) -> str:
    """Return what the control of *line* does with *outcome*."""
    actions = dict(line.control)
    return actions.get(outcome) or actions.get("default") or "bad"


def ways(stack: PamStack, kind: str = "auth") -> tuple[Way, ...] | None:
    """Return the ways through the stack of *kind*, least demanding first; None when there are too many to tell."""
    lines = [line for line in stack.lines if line.kind == kind]
    states: dict[int, dict[_State, None]] = {0: {_State(None, (), (), ""): None}}
    done: dict[_State, None] = {}
    for at, line in enumerate(lines):
        for state in states.pop(at, {}):
            for outcome, factor, where, doubt in results(line):
                given = (*state.factors, factor) if factor is not None and factor not in state.factors else state.factors
                places = (*state.places, where) if where is not None else state.places
                moved = _State(state.good, given, places, state.doubt or doubt)
                for target, after, final in _step(lines, at, moved, action(line, outcome), outcome == "success"):
                    if final:
                        done[after] = None
                    else:
                        states.setdefault(target, {})[after] = None
        if sum(len(some) for some in states.values()) > _CAP:
            return None
    for some in states.values():
        done.update(some)
    return _least([state for state in done if state.good])


def _step(lines: list[PamLine], at: int, state: _State, what: str, success: bool) -> list[tuple[int, _State, bool]]:
    """Return where the dispatcher goes after line *at*: (next line, state, whether the stack ends)."""
    after = at + 1
    if what.isdigit():
        jump, depth = int(what), lines[at].depth
        while jump and after < len(lines):
            if lines[after].depth <= depth:
                jump -= 1
            after += 1
        while after < len(lines) and lines[after].depth > depth:
            after += 1
        return [(after, state, False)]
    good = state.good
    if what in {"ok", "done"}:
        good = (success if good is None else good) if what == "ok" or success else good
    elif what in {"bad", "die"}:
        good = False
    elif what == "reset":
        good = None
    made = _State(good, state.factors, state.places, state.doubt)
    if (what == "done" and good) or what == "die":
        depth = lines[at].depth
        if depth == 0:
            return [(after, made, True)]
        while after < len(lines) and lines[after].depth >= depth:  # done and die end a substack only
            after += 1
    return [(after, made, False)]


def _least(states: list[_State]) -> tuple[Way, ...]:
    """Return one way for each set of factors that does not ask for more than another."""
    seen: dict[frozenset[Factor], _State] = {}
    for state in states:
        key = frozenset(state.factors)
        if key not in seen or (seen[key].doubt and not state.doubt):
            seen[key] = state
    least = [key for key in seen if not any(other < key and not seen[other].doubt for other in seen)]
    made = []
    for key in sorted(least, key=lambda one: (len(one), sorted(factor.method for factor in one))):
        state = seen[key]
        label = " + ".join(factor.method for factor in state.factors) or "no factor"
        made.append(Way(state.factors, label, tuple(dict.fromkeys(state.places)), state.doubt))
    return tuple(made)
