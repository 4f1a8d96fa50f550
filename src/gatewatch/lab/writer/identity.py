"""Identity providers: Okta's System Log and Entra's sign-ins (Graph), as JSON lines.

``{"published":"2026-03-02T08:15:00.123Z","eventType":"user.session.start","outcome":{"result":"SUCCESS"},"actor":{…},"client":{…}}``
``{"createdDateTime":"2026-03-02T08:15:00Z","userPrincipalName":"ann@corp.example","ipAddress":"84.1.2.3","status":{"errorCode":0},…}``

Sources: developer.okta.com (System Log, event types); learn.microsoft.com (signIn resource type, AADSTS codes).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from gatewatch.lab.dice import dice
from gatewatch.lab.moment import SECOND, iso_z
from gatewatch.lab.organisation import DOMAIN
from gatewatch.lab.stage import Stage

_encode = json.JSONEncoder(separators=(",", ":")).encode


class Okta:
    """The System Log of an Okta organisation."""

    format: ClassVar[str] = "okta"

    def __init__(self, stage: Stage) -> None:
        self.rng = dice(stage.organisation.seed, "okta")
        self.log = stage.stream("okta/system.ndjson", rotate=7)
        self.atlas = stage.organisation.atlas

    def event(
        self,
        time: int,
        kind: str,
        result: str,
        reason: str | None,
        user: str,
        src: str,
        agent: str,
        session: str,
        mark: int,
        fact: str | None,
        **more: Any,
    ) -> None:
        """Add an event."""
        outcome = {"result": result} | ({"reason": reason} if reason else {})
        body = {
            "uuid": f"{self.rng.getrandbits(64):016x}", "published": f"{iso_z(time)[:23]}Z", "eventType": kind, "version": "0", "severity": "INFO",
            "displayMessage": kind, "outcome": outcome, "actor": {"id": f"00u{sum(user.encode()):06d}", "type": "User", "alternateId": f"{user}@{DOMAIN}", "displayName": user},
            "client": {"ipAddress": src, "userAgent": {"rawUserAgent": agent}, "geographicalContext": {"country": self.atlas.country(src)}},
            "authenticationContext": {"externalSessionId": session}, "transaction": {"id": f"{self.rng.getrandbits(48):012x}"}, "securityContext": {"isProxy": False},
        } | more  # fmt: skip
        self.log.say(time, _encode(body), mark, (fact, user, src) if fact else None)

    def fail(self, time: int, user: str, src: str, agent: str, mark: int = 0) -> None:
        """Say a wrong password."""
        self.event(time, "user.session.start", "FAILURE", "INVALID_CREDENTIALS", user, src, agent, "unknown", mark, "auth_failure")

    def push(self, time: int, user: str, src: str, agent: str, mark: int = 0, *, denied: bool) -> None:
        """Say a second factor that was asked for, and denied or not answered."""
        self.event(time, "system.push.send_factor_verify_push", "SUCCESS", None, user, src, agent, "unknown", mark, None)
        if denied:
            self.event(time + 9 * SECOND, "user.mfa.okta_verify.deny_push", "FAILURE", None, user, src, agent, "unknown", mark, "mfa_denied")

    def enter(self, time: int, user: str, src: str, agent: str, mark: int = 0, *, mfa: bool = True) -> None:
        """Say an accepted logon."""
        session = f"102{self.rng.getrandbits(60):015x}"
        if mfa:
            self.event(
                time - 2 * SECOND,
                "user.authentication.auth_via_mfa",
                "SUCCESS",
                None,
                user,
                src,
                agent,
                session,
                mark,
                "mfa_ok",
                debugContext={"debugData": {"factor": "OKTA_VERIFY_PUSH"}},
            )
        self.event(time, "user.session.start", "SUCCESS", None, user, src, agent, session, mark, "auth_success")


class Entra:
    """The sign-ins of an Entra tenant."""

    format: ClassVar[str] = "entra"

    def __init__(self, stage: Stage) -> None:
        self.rng = dice(stage.organisation.seed, "entra")
        self.log = stage.stream("entra/signins.ndjson", rotate=7)
        self.atlas = stage.organisation.atlas

    def event(self, time: int, user: str, src: str, agent: str, code: int, text: str, mark: int, kind: str | None, *, mfa: bool) -> None:
        """Add a sign-in."""
        details = [{"authenticationMethod": "Password", "succeeded": code != 50126}]
        if mfa:
            details.append({"authenticationMethod": "Mobile app notification", "succeeded": code == 0})
        body = {
            "id": f"{self.rng.getrandbits(64):016x}", "createdDateTime": f"{iso_z(time)[:19]}Z", "userPrincipalName": f"{user}@{DOMAIN}", "userDisplayName": user,
            "appDisplayName": "Office 365 Exchange Online", "resourceDisplayName": "Office 365 Exchange Online", "ipAddress": src, "clientAppUsed": "Browser",
            "correlationId": f"{self.rng.getrandbits(64):016x}", "conditionalAccessStatus": "success" if code == 0 else "notApplied", "isInteractive": True,
            "sessionId": f"{self.rng.getrandbits(64):016x}", "status": {"errorCode": code, "failureReason": text}, "deviceDetail": {"browser": agent[:40]},
            "location": {"countryOrRegion": self.atlas.country(src)},
            "authenticationRequirement": "multiFactorAuthentication" if mfa else "singleFactorAuthentication", "authenticationDetails": details,
        }  # fmt: skip
        self.log.say(time, _encode(body), mark, (kind, user, src) if kind else None)

    def fail(self, time: int, user: str, src: str, agent: str, mark: int = 0) -> None:
        """Say a wrong password."""
        self.event(
            time, user, src, agent, 50126, "Invalid username or password or Invalid on-premise username or password.", mark, "auth_failure", mfa=False
        )

    def push(self, time: int, user: str, src: str, agent: str, mark: int = 0, *, denied: bool) -> None:
        """Say a second factor that was denied or not answered."""
        text = "MFA denied; user declined the authentication" if denied else "MFA denied; no response"
        self.event(time, user, src, agent, 500121, text, mark, "mfa_denied", mfa=True)

    def enter(self, time: int, user: str, src: str, agent: str, mark: int = 0, *, mfa: bool = True) -> None:
        """Say an accepted logon."""
        self.event(time, user, src, agent, 0, "Other.", mark, "auth_success", mfa=mfa)
