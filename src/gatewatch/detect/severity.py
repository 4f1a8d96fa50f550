"""Severity: from the facts of a match, or of all matches of an incident, to a level, a confidence and the reasons for both.

The model, in full (Sigma's levels):

*high* needs proof: a guess that ended in a success which can be guessed (or another address that then uses what was guessed), a second factor
refused again and again and then accepted, or a second door (account, key, group, service, tunnel ...) made in an outside session and *followed* by
onward movement or use: the way to the host on which it was made is no sequel. *critical* is high plus onward movement (for a second door: use *and*
onward movement after it). *medium*: a right password stopped after attempts; a grave act or second door in an outside session that is not known; a
spread of addresses over one account without proof that one of them got in; a second factor refused over hours and accepted at a new address; or a
sum of factors of at least :data:`BAR` with onward movement or a foothold (a second factor or an application of the user's own), of which at least
one is neither place nor hour; of place and hour alone, :data:`FAR`.

What lowers it: a *known* source by one level where something followed, else by two, never below low (shown, and onward movement stays counted).
A *habitual* source that only ever failed for its own user: by two levels, confidence low, by three where it was a slip (few tries, right
soon after). A second factor that the user passed at this very address, or the user's own device in a country they often come from: a medium
without proof becomes low. Grave acts of a known or habitual source are an administrator's work: no incident, unless a second door is followed by
onward movement, which is low.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from gatewatch.detect.baseline import RIGHTS_DAYS, Habit
from gatewatch.schema.events import Mfa
from gatewatch.schema.incidents import Factor, Severity

BAR = 3  # the sum of factors that, with onward movement, makes medium
CAP = 6  # more factors than this say nothing more
FAR = 5  # the sum that place and hour alone must reach: a country never seen, and out of reach of where the user was
CONFIDENCE = ("low", "medium", "high")
PRIVILEGED = frozenset({"root", "admin", "administrator", "toor"})
_PLACE_AND_HOUR = frozenset({"first-seen country", "first-seen network", "impossible travel", "off hours"})


class Access(msgspec.Struct, frozen=True, gc=False):
    """What is known of one accepted access besides its history."""

    user: str | None = None
    country: str | None = None
    anonymizer: bool | None = None
    off_hours: bool | None = None
    mfa: str | None = None
    privileged: bool = False  # root or administrator rights were used in the session
    client: str | None = None  # the name the client gave itself
    travel: bool | None = None  # nobody gets here from where the user was before or is after
    travel_note: str = ""
    strange: tuple[str, ...] | None = None  # hosts that the session moved on to and the user never logged on to before
    stations: tuple[str, ...] | None = None  # machines from which it logged on further in, and the user never did before
    others: tuple[str, ...] | None = None  # accounts as whom the session went on, and none of the user's ever did
    evicted: str = ""  # when and where the account was shut out before


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What matches prove. Texts are reasons in plain words; an empty one means "not so"."""

    guess: str = ""  # a guess that ended in a success which can be guessed
    reused: str = ""  # the password had been guessed before, by another address
    spread: str = ""  # many addresses tried one account, and a new address got in: a likely guess without proof
    stopped: str = ""  # a right password stopped by MFA or policy after attempts
    fatigue: str = ""  # refusals of a second factor that ended in its being accepted
    worn: str = ""  # a few refusals over hours, then accepted at an address new to the user: likely, without proof
    acts: tuple[str, ...] = ()  # grave acts in outside sessions
    doors: tuple[str, ...] = ()  # second doors made in outside sessions
    uses: tuple[str, ...] = ()  # uses of such doors, by another address or as another account than the maker's
    onward: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()  # onward movement after the first second door; that before it only led there
    footholds: tuple[str, ...] = ()  # what the owner of the account may as well have done: it takes factors to count
    other: str = ""  # a chain of the site's own: its level stands as it is
    level: Severity = Severity.MEDIUM  # that level
    known: str = ""  # the allow entry
    familiar: str = ""  # the source is known, or habitual for the user
    habitual: str = ""  # a guess that looks like the user's own: habitual source, own name only
    slip: bool = False  # ... of few tries, with the right password soon after: typing errors
    shared: str = ""  # failures at an address of many people that are none of this account's
    vouched: str = ""  # a second factor of the user was accepted at this very address
    device: str = ""  # the user's own device, in a country the user often comes from
    factors: tuple[Factor, ...] = ()
    confidence: str = "medium"
    unsure: bool = False  # an order rests on overlapping clocks


class Score(NamedTuple):
    """The judgement of facts."""

    severity: Severity
    confidence: str
    why: tuple[Factor, ...]


def score(facts: Facts) -> Score | None:
    """Return severity, confidence and reasons; None when the facts are no incident."""
    level, why = _raised(facts)
    level, why = _by_factors(facts, level, why)
    if level is None:
        return None
    lowered = _lowered(facts, level, why)
    if lowered is None:
        return None
    confidence = CONFIDENCE.index(facts.confidence)
    if facts.habitual:
        confidence = 0
    if facts.unsure:
        confidence = max(0, confidence - 1)
        why.append(Factor("order", 0, "clocks overlap: the order of the stages is possible, not certain"))
    if facts.shared:
        why.append(Factor("shared source", 0, facts.shared))
    return Score(lowered, CONFIDENCE[confidence], (*why, *facts.factors))


def _raised(facts: Facts) -> tuple[Severity | None, list[Factor]]:
    """Return the level that proof and grave acts give, with the reasons; proof alone reaches the bar."""
    why: list[Factor] = []
    level: Severity | None = None
    if facts.other:
        why.append(Factor("chain", BAR, facts.other))
        level = facts.level
    if facts.stopped:
        why.append(Factor("right password, stopped", BAR, facts.stopped))
        level = _higher(level, Severity.MEDIUM)
    if facts.spread:
        why.append(Factor("guessed from many addresses", BAR, facts.spread))
        level = _higher(level, Severity.MEDIUM)
    if facts.worn:
        why.append(Factor("second factor refused before", BAR, facts.worn))
        level = _higher(level, Severity.MEDIUM)
    why += [Factor("grave act", BAR, act) for act in facts.acts if act not in facts.doors]
    why += [Factor("second door", BAR, door) for door in facts.doors]
    if facts.acts or facts.doors:
        level = _higher(level, Severity.MEDIUM)
    if facts.doors and (facts.uses or facts.followed):
        level = _higher(level, Severity.CRITICAL if facts.uses and facts.followed else Severity.HIGH)
        why += [Factor("second door used", BAR, use) for use in facts.uses]
    if facts.guess:
        why.insert(0, Factor("guessed password", BAR, facts.guess))
        level = _higher(level, Severity.CRITICAL if facts.onward else Severity.HIGH)
    if facts.reused:
        why.insert(0, Factor("guessed password used", BAR, facts.reused))
        level = _higher(level, Severity.CRITICAL if facts.onward else Severity.HIGH)
    if facts.fatigue:
        why.insert(0, Factor("second factor worn down", BAR, facts.fatigue))
        level = _higher(level, Severity.CRITICAL if facts.onward else Severity.HIGH)
    if facts.other and facts.level is Severity.HIGH and facts.onward:
        level = _higher(level, Severity.CRITICAL)
    why += [Factor("onward movement", 1, step) for step in facts.onward]
    why += [Factor("foothold", 1, step) for step in facts.footholds]
    return level, why


def _by_factors(facts: Facts, level: Severity | None, why: list[Factor]) -> tuple[Severity | None, list[Factor]]:
    total = min(CAP, sum(factor.score for factor in facts.factors))
    substantial = any(factor.score and factor.factor not in _PLACE_AND_HOUR for factor in facts.factors)
    if (facts.onward or facts.footholds) and total >= (BAR if substantial else FAR):
        level = _higher(level, Severity.MEDIUM)
    return level, why


def _lowered(facts: Facts, level: Severity, why: list[Factor]) -> Severity | None:
    proof = facts.guess or facts.reused or facts.spread or facts.stopped or facts.fatigue or facts.worn or facts.other
    evicted = any(factor.factor == "evicted account" and factor.score for factor in facts.factors)
    if facts.familiar and not proof and not evicted:
        if not (facts.doors and facts.followed):
            return None
        why.append(Factor("familiar source", -2, facts.familiar))
        return Severity.LOW
    if facts.habitual:
        steps = 3 if facts.slip and not (facts.acts or facts.doors) else 2
        why.append(Factor("habitual source", -steps, facts.habitual))
        level = _lower(level, steps)
    if facts.known:
        steps = 1 if facts.onward or facts.acts or facts.doors or facts.other else 2
        why.append(Factor("known source", -steps, facts.known))
        level = _lower(level, steps)
    if facts.vouched and not proof and level is Severity.MEDIUM:
        why.append(Factor("second factor passed", -1, facts.vouched))
        level = _lower(level, 1)
    if facts.device and not proof and level is Severity.MEDIUM:
        why.append(Factor("own device", -1, facts.device))
        level = _lower(level, 1)
    return level


def _higher(level: Severity | None, other: Severity) -> Severity:
    return other if level is None or other.rank > level.rank else level


def _lower(level: Severity, steps: int) -> Severity:
    return list(Severity)[max(Severity.LOW.rank, level.rank - steps)]


@lru_cache(maxsize=1 << 14)  # an access is judged once for every chain it meets
def weigh(access: Access, habit: Habit) -> tuple[Factor, ...]:
    """Return every factor of an access with its score; what cannot be judged scores 0 and says so."""
    return tuple(
        Factor(name, points if value else 0, note if value else ("" if value is not None else unknown))
        for name, points, value, note, unknown in _judged(access, habit)
        if value or value is None
    )


def _judged(access: Access, habit: Habit) -> tuple[tuple[str, int, bool | None, str, str], ...]:
    history = "unknown: the history names no country" if habit.known else habit.note
    country = "unknown: no place for this address" if access.country is None else history
    client = "unknown: the log names no client" if access.client is None else history.replace("country", "client")
    further = access.stations is not None and not habit.new_client
    new_client = bool(access.stations) if further else habit.new_client
    clients = ((access.stations if further else None) or (access.client or "",))[:3]
    off, off_note = access.off_hours, "outside the configured hours"
    if off is None:
        off, off_note = habit.odd_hour, "an hour at which the user never came before"
    elif habit.odd_hour is False:
        off = False  # outside the hours of the house, but this user's own
    mfa = None if access.mfa in {None, Mfa.UNKNOWN} else access.mfa == Mfa.NO
    strange = None if access.strange is None else bool(access.strange)
    accounts = "unknown: fewer than three earlier days, or nothing moved on"
    hosts = "unknown: too few earlier logons to hosts, or nothing moved on"
    privileged = (access.privileged and habit.rights_days < RIGHTS_DAYS) or (access.user or "") in PRIVILEGED
    others = None if access.others is None else bool(access.others)
    return (
        ("first-seen country", 2, habit.new_country, f"{access.country}: never before for this user", country),
        ("anonymizer", 2, access.anonymizer, "on the anonymiser list", "unknown: no anonymiser list"),
        ("impossible travel", 2, access.travel, access.travel_note, "unknown: no other logon of the user whose country is known"),
        ("first-seen network", 1, habit.new_network, "never before for this user", habit.note),
        ("first-seen host", 1, strange, f"{', '.join((access.strange or ())[:3])}: this user never logged on there before", hosts),
        ("another account", 2, others, f"went on as {', '.join((access.others or ())[:3])}: no session of this user did before", accounts),
        ("first-seen client", 1, new_client, f"{', '.join(clients)}: never before for this user", client),
        ("off hours", 1, off, off_note, "unknown: no hours configured, no habit of hours"),
        ("no MFA", 1, mfa, "the log says that no second factor was used", "unknown: the log does not say"),
        ("privileged account", 1, privileged, "root or administrator rights were used, or are the account's own", ""),
        ("dormant account", 2, habit.dormant, "unused for months before", habit.note),
        ("evicted account", 3, bool(access.evicted), access.evicted, ""),
    )
