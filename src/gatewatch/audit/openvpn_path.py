"""The doors of OpenVPN: what the certificate proves and what each plug-in asks for, through PAM where its stack is in the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.pam_way import ways
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Fact, Facts
from gatewatch.schema.facts.openvpn import LoginStep, OpenVpnDoor
from gatewatch.schema.facts.ssh import PamStack

_CERTIFICATE = Factor(FactorKind.DEVICE, "certificate")


def derive(facts: Facts) -> Iterator[Fact]:
    """Yield an access path for every server."""
    for door in facts.of(OpenVpnDoor):
        stacks = {stack.service: stack for stack in facts.of(PamStack, door.host)}
        made: list[Way] = [Way((), "", (), door.uncertain)]
        for step in door.steps:
            made = [_joined(way, more) for way in made for more in _step(step, stacks)][:64]
        if door.steps and door.login_optional:
            made.append(Way((), "no login (auth-user-pass-optional)", door.where[:1], door.uncertain))
        first: list[tuple[Factor, ...]] = [(_CERTIFICATE,)] if door.certificate == "required" else [()]
        if door.shared_key:
            first = [(Factor(FactorKind.POSSESSION, "shared static key"),)]
        whole = [
            Way((*base, *way.factors), _label(base, way), way.where or door.where[:1], way.uncertain) for base in first for way in made
        ]  # fmt: skip
        yield AccessPath(
            host=door.host, as_of=door.as_of, where=door.where, service="vpn", product="openvpn", name=door.name, ways=tuple(whole),
            listeners=(door.listener,),
        )  # fmt: skip


def _label(base: tuple[Factor, ...], way: Way) -> str:
    return ", then ".join([*(factor.method for factor in base), *([way.label] if way.label else [])]) or "nothing"


def _joined(first: Way, then: Way) -> Way:
    label = f"{first.label} + {then.label}" if first.label else then.label
    return Way((*first.factors, *then.factors), label, (*first.where, *then.where), first.uncertain or then.uncertain)


def _step(step: LoginStep, stacks: dict[str, PamStack]) -> list[Way]:
    if step.factor is not None:
        return [Way((step.factor,), step.label, (step.where,))]
    stack = stacks.get(step.pam)
    found = ways(stack) if stack is not None else None
    if found is None:
        delegated = Factor(FactorKind.DELEGATED, f"PAM service {step.pam}", f"pam:{step.pam}")
        return [Way((delegated,), step.label, (step.where,))]
    return [Way(way.factors, f"PAM {step.pam} ({way.label})", (step.where, *way.where), way.uncertain) for way in found]
