"""Rules say what an event *is*: Sigma detections compiled to Polars expressions over the event table.

``load_rules`` compiles each rule once; ``RuleSet.evaluate`` asks all of them. What is fixed here:

- **Null.** A comparison with a field the event does not have is false. *not* of it is therefore true, as in every common Sigma
  backend: ``selection and not filter`` keeps an event that lacks the filter's field. Null never travels up, so a rule's column is
  never null. Only ``field: null`` and ``exists`` ask for absence.
- **Text** is compared without regard to case (Unicode simple folding) unless ``cased``; ``*`` and ``?`` are wildcards that also stand
  for line ends, ``\\`` escapes them. ``re`` finds its pattern anywhere and regards case unless ``i`` is set.
- **Log source** gates: a rule is only asked of events its ``logsource`` covers (:mod:`gatewatch.detect.logsource`). A rule whose log
  source we cannot read yet is compiled, matches nothing and says so (``dormant``).
- **Refusals.** A rule that cannot be compiled exactly is in ``RuleSet.refused`` with path, title and reason; it is never skipped in
  silence and never approximated.

Sigma: https://github.com/SigmaHQ/sigma-specification
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sigma.exceptions import SigmaError, SigmaRegularExpressionError
from sigma.rule import SigmaRule

from gatewatch.detect import sheet
from gatewatch.detect.extra_key import CHANNEL, EVENT_ID, HEAD, read
from gatewatch.detect.field_map import FieldMap
from gatewatch.detect.logsource import describe, gate
from gatewatch.detect.predicate import FALSE, TRUE, Constant, Predicate, columns_of, every, expression, foresee, given, leaves_of
from gatewatch.detect.sigma_condition import Placeholders, compile_detection
from gatewatch.detect.sigma_document import Document, Refusal, read_documents
from gatewatch.detect.sigma_regex import POLICY, PROVEN, Refused, shown, unsupported
from gatewatch.detect.windows_logsource import Decoded, asked_ids, head_answers, undecoded
from gatewatch.schema.events import DTYPES, empty, ensure
from gatewatch.schema.incidents import Severity
from gatewatch.schema.packing import plain

PREFIX = "rule:"
Rows = NDArray[np.uint32]
_Later = dict[tuple[str, Predicate], list[Rows]]  # questions that are asked once for all rows they concern
_KEYS = ("kind", "source")
_ROW = "zz_row"
_FEW = 20_000  # events, up to which a regex costs more to compile than to ask: then questions wait


@dataclass(frozen=True, eq=False)
class Rule:
    """One Sigma rule, compiled.

    ``name`` is the file's stem (``stem#2`` for the second of several documents, unless it has a Sigma ``name``); ``alias`` is the
    Sigma ``name``. ``columns`` are the event columns it reads.
    """

    name: str
    id: str | None
    alias: str | None
    title: str
    level: Severity
    logsource: str
    tags: tuple[str, ...]
    path: Path
    predicate: Predicate
    fields: FieldMap
    dormant: str | None = None

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The event columns the rule reads, sorted."""
        return tuple(sorted(columns_of(self.predicate)))

    @property
    def expr(self) -> pl.Expr:
        """The whole rule, log source included, as a Boolean expression that is never null; needs ``columns``."""
        return expression(self.predicate)

    def matches(self, frame: pl.DataFrame) -> pl.Series:
        """Return which rows of *frame* the rule matches (Boolean, never null); columns that *frame* lacks count as null."""
        return RuleSet((self,)).evaluate(frame)[f"{PREFIX}{self.name}"]

    def given(self, kind: str | None, source: str | None) -> Predicate:
        """Return what is left to ask of rows of this *kind* and *source*."""
        if (kind, source) not in self._given:
            self._given[kind, source] = given(self.predicate, {"kind": kind, "source": source})
        return self._given[kind, source]

    @cached_property
    def _given(self) -> dict[tuple[str | None, str | None], Predicate]:
        return {}


@dataclass(frozen=True, eq=False)
class RuleSet:
    """Compiled rules, in the order loaded, and the refusals."""

    rules: tuple[Rule, ...]
    refused: tuple[Refusal, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        """The rules by ``name``."""
        return MappingProxyType({rule.name: rule for rule in self.rules})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all rules, in order."""
        return tuple(rule.name for rule in self.rules)

    def find(self, reference: str) -> Rule | None:
        """Return the rule that *reference* means: its name, its Sigma name or its id."""
        if reference in self.by_name:
            return self.by_name[reference]
        return next((rule for rule in self.rules if reference in (rule.alias, rule.id)), None)

    def tagged(self, tag: str) -> tuple[str, ...]:
        """Return the names of the rules that bear *tag* (``gatewatch.door``, ``attack.t1136.001``), in order."""
        return tuple(rule.name for rule in self.rules if tag in rule.tags)

    def columns(self, names: Collection[str] | None = None) -> tuple[str, ...]:
        """Return the event columns that the rules *names* (all without) read, sorted; ``kind`` and ``source`` always."""
        return tuple(sorted(set(_KEYS).union(*(rule.columns for rule in self._chosen(names)))))

    def evaluate(self, events: pl.DataFrame, names: Collection[str] | None = None) -> pl.DataFrame:
        """Return *events* with a Boolean column ``rule:<name>``, never null, for each of the rules *names* (all without).

        Rows are taken by (kind, source), and where rules ask for it by the channel and id of a Windows event, so each rule only sees rows
        that its log source and its own questions about these allow.
        """
        chosen = self._chosen(names)
        frame = _declared(events, self.columns(names))
        hits: dict[str, list[Rows]] = {rule.name: [] for rule in chosen}
        later: _Later | None = {} if frame.height <= _FEW else None
        foresee(rule.predicate for rule in chosen)
        for kind, source, rows in _partitions(frame):
            left = {rule.name: rule.given(kind, source) for rule in chosen}
            for rest, part in _by_head(left, frame, rows):
                for name, found in _ask(rest, frame, part, later):
                    hits[name].append(found)
        for (name, predicate), parts in (later or {}).items():
            numbers = np.concatenate(parts)
            answers = plain(frame.select(sorted(columns_of(predicate)))[numbers]).select(expression(predicate)).to_series()
            hits[name].append(numbers[answers.arg_true().to_numpy()])
        return events.with_columns(_column(rule.name, hits[rule.name], events.height) for rule in chosen)

    def _chosen(self, names: Collection[str] | None) -> list[Rule]:
        if names is None:
            return list(self.rules)
        unknown = sorted(set(names) - set(self.by_name))
        if unknown:
            raise KeyError(f"no such rule: {', '.join(unknown)}")
        return [rule for rule in self.rules if rule.name in names]


def _declared(events: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the *columns* of *events*, those it lacks as nulls, each of its declared type or, where that is a text, as a category."""
    frame = ensure(events, *columns).select(columns)
    odd = [pl.col(name).cast(DTYPES[name], strict=False) for name in columns if frame.schema[name] not in {DTYPES[name], pl.Categorical()}]
    return frame.with_columns(odd) if odd else frame


def _partitions(frame: pl.DataFrame) -> list[tuple[str | None, str | None, pl.Series]]:
    """Return the rows of *frame* by (kind, source)."""
    keyed = frame.select(*_KEYS, pl.int_range(pl.len(), dtype=pl.UInt32).alias(_ROW))
    groups = keyed.group_by(_KEYS).agg(_ROW)
    return [(kind, source, rows) for kind, source, rows in zip(groups["kind"], groups["source"], groups[_ROW], strict=True)]


def _by_head(left: Mapping[str, Predicate], frame: pl.DataFrame, rows: pl.Series) -> Iterator[tuple[Mapping[str, Predicate], pl.Series]]:
    """Yield *rows* by Windows channel and event id, with what is left of the predicates there; as they are where none asks for these."""
    heads = [leaf for predicate in left.values() for leaf in leaves_of(predicate) if leaf.keys and HEAD.issuperset(leaf.keys)]
    if not heads:
        yield left, rows
        return
    extra = frame.select("extra")[rows] if len(rows) < frame.height else frame.select("extra")
    headed = read(extra, HEAD).select(CHANNEL.label, EVENT_ID.label, pl.lit(rows).alias(_ROW))
    groups = headed.group_by(CHANNEL.label, EVENT_ID.label).agg(_ROW)
    answers = head_answers(heads, groups[CHANNEL.label], groups[EVENT_ID.label])
    for known, part in zip(answers, groups[_ROW], strict=True):
        yield {name: given(predicate, {}, known) for name, predicate in left.items() if predicate != FALSE}, part


def _ask(left: Mapping[str, Predicate], frame: pl.DataFrame, rows: pl.Series, later: _Later | None) -> Iterator[tuple[str, Rows]]:
    """Yield the row numbers, among *rows* of *frame*, that meet each of the predicates *left*; what can wait is added to *later*."""
    numbers = rows.to_numpy()
    asked = {name: predicate for name, predicate in left.items() if not isinstance(predicate, Constant)}
    yield from ((name, numbers) for name, predicate in left.items() if predicate == TRUE)
    keyed = {name: predicate for name, predicate in asked.items() if any(leaf.keys for leaf in leaves_of(predicate))}
    if keyed:
        yield from sheet.ask(keyed, frame, rows)
        asked = {name: predicate for name, predicate in asked.items() if name not in keyed}
    if later is not None:
        for one in asked.items():
            later.setdefault(one, []).append(numbers)
        return
    if not asked:
        return
    part = frame.select(sorted(frozenset().union(*map(columns_of, asked.values()))))
    part = plain(part[rows] if len(rows) < frame.height else part)
    answers = part.select(expression(predicate).alias(name) for name, predicate in asked.items())
    yield from ((name, numbers[answers[name].arg_true().to_numpy()]) for name in asked)


def _column(name: str, hits: Sequence[Rows], height: int) -> pl.Series:
    answers = np.zeros(height, dtype=np.bool_)
    for rows in hits:
        answers[rows] = True
    return pl.Series(f"{PREFIX}{name}", answers)


def load_rules(
    paths: Sequence[Path], placeholders: Placeholders = MappingProxyType({}), decoded: Decoded | None = None, *, proven: bool = False
) -> RuleSet:
    """Return the rules of *paths* (files and folders), compiled; *placeholders* are the site's values for ``%name%``.

    *decoded*: the Windows events (channel, ids) that can occur; a rule that asks for none of them is dormant. *proven*: the rules are known to
    compile and need not be tried out. Correlation documents are left to :func:`gatewatch.detect.correlation.load_correlations`.
    """
    token = PROVEN.set(proven)
    try:
        return _load_rules(paths, placeholders, decoded)
    finally:
        PROVEN.reset(token)


def _load_rules(paths: Sequence[Path], placeholders: Placeholders, decoded: Decoded | None) -> RuleSet:
    documents, refused = read_documents(paths)
    rules: list[Rule] = []
    taken: dict[str, Path] = {}
    for document in documents:
        if document.is_correlation:
            continue
        try:
            rule = compile_rule(document, placeholders, decoded)
            labels = [label for label in (rule.name, rule.id) if label is not None]
            for label in labels:
                if label in taken:
                    raise Refused(f"{label} is already taken by {taken[label]}")  # noqa: TRY301 - refused like every other fault of the document
            taken.update(dict.fromkeys(labels, document.path))
        except Refused as error:
            refused.append(document.refuse(error))
        else:
            rules.append(rule)
    return RuleSet(tuple(rules), tuple(refused))


def compile_rule(document: Document, placeholders: Placeholders = MappingProxyType({}), decoded: Decoded | None = None) -> Rule:
    """Return the rule of *document*; raises ``Refused`` with the reason when it cannot be compiled exactly."""
    _check_shape(document)
    try:
        sigma = SigmaRule.from_dict(document.content, policy=POLICY)
        covered = gate(sigma.logsource)
        condition = compile_detection(sigma.detection, covered.fields, placeholders)
    except SigmaRegularExpressionError as error:
        raise Refused(_regex_reason(document.content["detection"]) or str(error)) from error
    except (SigmaError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise Refused(f"not valid Sigma: {error}") from error  # pySigma meets misshapen documents with any of these
    predicate = every([covered.predicate, condition])
    if not PROVEN.get():
        _try_out(predicate)
    dormant = covered.dormant
    if dormant is None and covered.windows is not None and decoded is not None:
        dormant = undecoded(covered.windows, predicate, decoded, asked_ids(sigma.detection))
    return Rule(
        name=sigma.name if "#" in document.name and sigma.name else document.name,
        id=None if sigma.id is None else str(sigma.id),
        alias=sigma.name,
        title=sigma.title,
        level=Severity.INFORMATIONAL if sigma.level is None else Severity(sigma.level.name.lower()),
        logsource=describe(sigma.logsource),
        tags=tuple(str(tag) for tag in sigma.tags),
        path=document.path,
        predicate=predicate,
        fields=covered.fields,
        dormant=dormant,
    )


def _try_out(predicate: Predicate) -> None:
    """Raise ``Refused`` when the engine does not accept *predicate* over the declared columns."""
    try:
        empty(*sorted(columns_of(predicate) | set(_KEYS))).select(expression(predicate))
    except pl.exceptions.PolarsError as error:
        raise Refused(f"cannot be asked of the event table: {' '.join(str(error).split())[:200]}") from error


def _check_shape(document: Document) -> None:
    content = document.content
    if "action" in content:
        raise Refused(f"the old collection action {content['action']!r} is not supported; write the rules out")
    if "filter" in content:
        raise Refused("Sigma filters are not supported; use allow entries")
    if not isinstance(content.get("detection"), dict):
        raise Refused("there is no detection section")
    if "timeframe" in content["detection"]:
        raise Refused("timeframe belongs to the old aggregation syntax; write a correlation")


def _regex_reason(value: object) -> str | None:
    """Return which construct of a regex inside a detection no linear-time engine has."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        for pattern in inner if isinstance(inner, list) else [inner]:
            name = unsupported(str(pattern)) if "|re" in str(key) else None
            if name is not None:
                where = str(key).partition("|")[0]
                return f"field {where}: {shown(str(pattern))} needs {name}, which a linear-time engine does not have"
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((reason for reason in map(_regex_reason, parts) if reason is not None), None)
