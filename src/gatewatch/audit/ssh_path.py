"""The doors of sshd: for the global part and every Match block, each way to log in, through PAM where sshd asks PAM.

A connection may meet several Match blocks; each is weighed alone and together with every other one, which is what weakens in practice.
References: sshd_config(5) AuthenticationMethods, PubkeyAuthOptions, KbdInteractiveAuthentication, UsePAM.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.pam_way import ways
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Fact, Facts, Setting, Where
from gatewatch.schema.facts.ssh import PamStack, SshdSettings

_KEY = Factor(FactorKind.DEVICE, "publickey")  # as a certificate of a VPN: a file that lies on a machine
_FIDO = Factor(FactorKind.POSSESSION, "publickey (FIDO, user verified)", multi=True)
_PAIRS = 20  # Match blocks up to which every pair is weighed
View = tuple[str, dict[str, Setting], tuple[Where, ...]]


def views(settings: SshdSettings) -> Iterator[View]:
    """Yield (name, effective settings, places) of the global part, of each Match block and of each pair of them."""
    base = {setting.name: setting for setting in settings.values}
    always = [block for block in settings.matches if block.condition.casefold() == "all"]
    others = [block for block in settings.matches if block.condition.casefold() != "all"]
    groups = [(), *((block,) for block in others)]
    if len(others) <= _PAIRS:
        groups += [(one, two) for at, one in enumerate(others) for two in others[at + 1 :]]
    for group in groups:
        met = [block for block in settings.matches if block in always or block in group]
        merged = dict(base)
        decided: set[str] = set()
        for block in met:
            for setting in block.values:
                if setting.name not in decided:
                    merged[setting.name] = setting
                    decided.add(setting.name)
        name = "sshd" + "".join(f", Match {block.condition}" for block in group)
        yield name, merged, tuple(block.where for block in group)


def derive(facts: Facts) -> Iterator[Fact]:
    """Yield an access path for every view of every sshd."""
    stacks = {stack.host: stack for stack in facts.of(PamStack) if stack.service == "sshd"}
    told: set[tuple[str, tuple[Way, ...]]] = set()
    for settings in chosen(facts):
        for name, view, places in views(settings):
            made = _ways(view, stacks.get(settings.host))
            key = (settings.host, made)
            if places and key in told:  # a block that changes nothing of the ways in
                continue
            told.add(key)
            where = places or tuple(setting.where for word in _DECIDING if (setting := view.get(word)) is not None and setting.where is not None)
            yield AccessPath(
                host=settings.host, as_of=settings.as_of, where=where or settings.where[:1], service="ssh", product="sshd", name=name, ways=made,
                listeners=tuple(("*", int(port), "tcp") for port in view["port"].value.split() if port.isdigit()) if "port" in view else (),
            )  # fmt: skip


_DECIDING = ("authenticationmethods", "passwordauthentication", "kbdinteractiveauthentication", "pubkeyauthentication", "usepam")


def chosen(facts: Facts) -> list[SshdSettings]:
    """Return the settings to judge: where a host has both, ``sshd -T`` for the global part with the Match blocks of its files."""
    made: list[SshdSettings] = []
    for host in dict.fromkeys(fact.host for fact in facts.of(SshdSettings)):
        own = facts.of(SshdSettings, host)
        effective = [one for one in own if one.effective]
        files = [one for one in own if not one.effective]
        if not effective:
            made += files
            continue
        best = effective[0]
        made.append(
            SshdSettings(
                host=best.host, as_of=best.as_of, where=best.where, service=best.service, scope=best.scope, version=best.version,
                values=best.values, matches=files[0].matches if files else (), effective=True,
            )
        )
    return made


def _ways(view: dict[str, Setting], stack: PamStack | None) -> tuple[Way, ...]:
    methods = view["authenticationmethods"].value.split() if "authenticationmethods" in view else ["any"]
    doubt = next((view[word].uncertain for word in _DECIDING if word in view and view[word].uncertain), "")
    if methods[:1] == ["any"] or not methods:
        methods = ["publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic"]
    found: list[Way] = []
    for listed in methods:
        combined: list[Way] | None = [Way((), "", (), doubt)]
        for method in listed.split(","):
            steps = _method(method.partition(":")[0], view, stack)
            combined = [_joined(way, step) for way in combined or () for step in steps]
        found += combined or []
    return tuple(found)


def _joined(first: Way, then: Way) -> Way:
    label = f"{first.label}, then {then.label}" if first.label else then.label
    return Way((*first.factors, *then.factors), label, tuple(dict.fromkeys((*first.where, *then.where))), first.uncertain or then.uncertain)


def _on(view: dict[str, Setting], name: str) -> bool:
    return name in view and view[name].value.casefold() in {"yes", "unbound", "host-bound"}


def _place(view: dict[str, Setting], name: str) -> tuple[Where, ...]:
    setting = view.get(name)
    return (setting.where,) if setting is not None and setting.where is not None else ()


def _method(method: str, view: dict[str, Setting], stack: PamStack | None) -> list[Way]:
    if method == "none":
        return [Way((), "none", _place(view, "authenticationmethods"))]
    if method == "publickey" and _on(view, "pubkeyauthentication"):
        accepted = view["pubkeyacceptedalgorithms"].value.split(",") if "pubkeyacceptedalgorithms" in view else [""]
        options = view["pubkeyauthoptions"].value if "pubkeyauthoptions" in view else ""
        fido = "verify-required" in options and all(name.startswith(("sk-", "webauthn-sk-")) for name in accepted)
        factor = _FIDO if fido else _KEY
        return [Way((factor,), factor.method, _place(view, "pubkeyauthentication"))]
    if method == "password" and _on(view, "passwordauthentication"):
        return _through_pam("password", view, stack, "passwordauthentication")
    if method == "keyboard-interactive" and _on(view, "kbdinteractiveauthentication"):
        if not _on(view, "usepam"):
            return []  # without PAM there is nobody to ask (BSD authentication is not modelled)
        return _through_pam("keyboard-interactive", view, stack, "kbdinteractiveauthentication")
    if method == "hostbased" and _on(view, "hostbasedauthentication"):
        return [Way((Factor(FactorKind.DEVICE, "hostbased"),), "hostbased", _place(view, "hostbasedauthentication"))]
    if method == "gssapi-with-mic" and _on(view, "gssapiauthentication"):
        return [Way((Factor(FactorKind.DELEGATED, "kerberos", "kerberos"),), "gssapi-with-mic", _place(view, "gssapiauthentication"))]
    return []


def _through_pam(method: str, view: dict[str, Setting], stack: PamStack | None, keyword: str) -> list[Way]:
    places = _place(view, keyword)
    if not _on(view, "usepam"):
        return [Way((Factor(FactorKind.KNOWLEDGE, method),), method, places)]
    found = ways(stack) if stack is not None else None
    if found is None:
        why = "the PAM stack of sshd is not in the evidence" if stack is None else "the PAM stack of sshd has too many ways to tell"
        return [Way((Factor(FactorKind.KNOWLEDGE, method),), f"{method} (PAM)", places, why)]
    return [Way(way.factors, f"{method} (PAM: {way.label})", (*places, *way.where), way.uncertain) for way in found]
