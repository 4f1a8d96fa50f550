"""One Sigma comparison, ``field`` against ``value``, as a leaf over event columns.

How a value meets a column:

=============  ==========================================================================================
text           strings (case-insensitive unless ``cased``), regexes, CIDR; a number is compared as its text
vocabulary     the same, asked once of the words of the enumeration, then looked up
number         numbers and comparisons by value; strings and regexes against the number's decimal text
Boolean        true and false; strings against the words ``true`` and ``false``
time           only its parts (``minute`` to ``year``), in UTC
list           a string leaf holds when one element meets it
``extra``      text; ``lt`` and the like read it as a number where it is one
=============  ==========================================================================================

``null`` asks whether the field is absent, ``exists`` whether it is present: with them alone a null can be a yes.
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import polars as pl
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    TimestampPart,
)

from gatewatch.detect.field_map import Field, FieldMap, Form
from gatewatch.detect.predicate import Leaf
from gatewatch.detect.sigma_regex import Refused, check, rust_pattern, wildcard_pattern
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import DTYPES

_OPERATORS: dict[CompareOperators, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
    CompareOperators.NEQ: operator.ne,
}
_PARTS: dict[TimestampPart, Callable[[pl.Expr], pl.Expr]] = {
    TimestampPart.MINUTE: lambda time: time.dt.minute(),
    TimestampPart.HOUR: lambda time: time.dt.hour(),
    TimestampPart.DAY: lambda time: time.dt.day(),
    TimestampPart.WEEK: lambda time: time.dt.week(),
    TimestampPart.MONTH: lambda time: time.dt.month(),
    TimestampPart.YEAR: lambda time: time.dt.year(),
}
_INT64 = range(-(2**63), 2**63)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


_LEVELS = {
    "S-1-16-0": "Untrusted",
    "S-1-16-4096": "Low",
    "S-1-16-8192": "Medium",
    "S-1-16-8448": "Medium Plus",
    "S-1-16-12288": "High",
    "S-1-16-16384": "System",
}
_ACCOUNTS = {
    "S-1-5-18": "NT AUTHORITY\\SYSTEM",
    "S-1-5-19": "NT AUTHORITY\\LOCAL SERVICE",
    "S-1-5-20": "NT AUTHORITY\\NETWORK SERVICE",
}


def value_of(field: Field) -> pl.Expr:
    """Return the value of *field* as an expression: the column itself, or the text of keys of ``extra``."""
    return _made(field.form, [key.expr() for key in field.keys]) if field.keys else pl.col(field.column)


def _shared(field: Field) -> pl.Expr:
    """Return the value of *field* over the columns that :func:`gatewatch.detect.extra_key.read` makes."""
    return _made(field.form, [pl.col(key.label) for key in field.keys]) if field.keys else pl.col(field.column)


def _made(form: Form, values: Sequence[pl.Expr]) -> pl.Expr:
    if form is Form.ACCOUNT:
        native, sid, domain, name = values
        known = sid.replace_strict(_ACCOUNTS, default=None, return_dtype=pl.String)
        named = pl.when(domain != "-").then(domain + pl.lit("\\") + name).otherwise(name)
        return pl.coalesce(native, known, named, name)
    found = values[0] if len(values) == 1 else pl.coalesce(values)
    if form is Form.TRIMMED:
        return found.str.strip_chars()
    return found.replace(_LEVELS) if form is Form.INTEGRITY else found


def leaf(ask: Callable[..., pl.Expr], *fields: Field) -> Leaf:
    """Return the leaf that *ask* makes of the values of *fields*."""
    columns = tuple(sorted({column for field in fields for column in field.columns}))
    keys = tuple(dict.fromkeys(key for field in fields for key in field.keys))
    return Leaf(ask(*map(value_of, fields)), columns, ask(*map(_shared, fields)) if keys else None, keys)


def dtype_of(field: Field) -> pl.DataType:
    """Return the type of the value of *field*."""
    return pl.String() if field.keys else DTYPES[field.column]


def text_of(field: Field) -> pl.Expr:
    """Return the value of *field* as text; raises ``Refused`` for times and lists, which have no one text."""
    return _as_text(field)(value_of(field))


def _as_text(field: Field) -> Callable[[pl.Expr], pl.Expr]:
    dtype = dtype_of(field)
    if dtype.is_temporal() or dtype.is_nested():
        raise Refused(f"field {field.name!r} is a {_named(dtype)}: it cannot be compared as text")
    return (lambda value: value) if dtype == pl.String else (lambda value: value.cast(pl.String))


def text_leaf(field: Field, pattern: str, *, cased: bool) -> Leaf:
    """Return the leaf "the text of *field* matches *pattern*", where a dot also stands for a line end."""
    return regex_leaf(field, f"(?s{'' if cased else 'i'}){pattern}")


@lru_cache(maxsize=1 << 14)
def regex_leaf(field: Field, pattern: str) -> Leaf:
    """Return the leaf "*pattern* (flags included) is found in the text of *field*"; the same one for all who ask the same."""
    check(pattern)
    dtype = dtype_of(field)
    if isinstance(dtype, pl.List):
        return leaf(lambda value: value.list.eval(pl.element().str.contains(pattern)).list.any(), field)
    if isinstance(dtype, pl.Enum):
        words = dtype.categories
        found = words.filter(words.str.contains(pattern)).cast(dtype)
        return leaf(lambda value: value.is_in(found.implode()), field)
    text = _as_text(field)
    return leaf(lambda value: text(value).str.contains(pattern), field)


def compare(field: Field, value: SigmaType, fields: FieldMap) -> Leaf:
    """Return the leaf "*field* meets *value*"; raises ``Refused`` where the comparison has no meaning."""
    match value:
        case SigmaNull():
            return leaf(lambda found: found.is_null(), field)
        case SigmaExists():
            return leaf((lambda found: found.is_not_null()) if value.exists else (lambda found: found.is_null()), field)
        case SigmaString():
            return text_leaf(field, wildcard_pattern(value), cased=isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            return regex_leaf(field, regex_pattern(value))
        case SigmaBool():
            return _truth(field, value.boolean)
        case SigmaTimestampPart():
            part = _part(field, value)
            return leaf(lambda found: part(found) == value.number, field)
        case SigmaNumber():
            return _equals_number(field, value)
        case SigmaCompareExpression():
            return _compares_number(field, value)
        case SigmaCIDRExpression():
            return networks_leaf(field, (value.network,))
        case SigmaFieldReference():
            return _refers(field, value, fields)
        case _:
            raise Refused(f"field {field.name!r}: values of type {type(value).__name__} are not supported")


@lru_cache(maxsize=1 << 12)
def networks_leaf(field: Field, networks: tuple[Network, ...]) -> Leaf:
    """Return the leaf "the text of *field* is an address inside one of *networks*"."""
    within = partial(_within, networks=networks)
    text = _as_text(field)
    return leaf(lambda value: text(value).map_batches(within, return_dtype=pl.Boolean, is_elementwise=True), field)


def regex_pattern(value: SigmaRegularExpression) -> str:
    """Return a Sigma regex as a pattern of the engine, with its flags; raises ``Refused`` by name."""
    if value.contains_placeholder():
        raise Refused(f"regular expression {value.regexp}: a placeholder has no value")
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    return (f"(?{flags})" if flags else "") + rust_pattern(str(value.regexp))


def _named(dtype: pl.DataType) -> str:
    return "list" if dtype.is_nested() else "time" if isinstance(dtype, pl.Datetime) else "duration"


def _truth(field: Field, value: bool) -> Leaf:
    if dtype_of(field) == pl.Boolean:
        return leaf(lambda found: found == value, field)
    return text_leaf(field, rf"\A{str(value).lower()}\z", cased=False)


def _number(number: float) -> pl.Expr:
    return pl.lit(number, pl.Int64) if isinstance(number, int) and number in _INT64 else pl.lit(float(number), pl.Float64)


def _equals_number(field: Field, value: SigmaNumber) -> Leaf:
    if dtype_of(field).is_numeric():
        return leaf(lambda found: found == _number(value.number), field)
    return text_leaf(field, rf"\A{str(value.number).replace('.', '[.]').replace('+', '[+]')}\z", cased=False)


def _compares_number(field: Field, value: SigmaCompareExpression) -> Leaf:
    compares = _OPERATORS[value.op]
    number = value.number
    if isinstance(number, SigmaTimestampPart):
        part = _part(field, number)
        return leaf(lambda found: compares(part(found), pl.lit(number.number)), field)
    dtype = dtype_of(field)
    if dtype.is_numeric():
        return leaf(lambda found: compares(found, _number(number.number)), field)
    if dtype != pl.String:
        raise Refused(f"field {field.name!r} is no number: it cannot be compared with {value.op.name.lower()}")

    def ask(found: pl.Expr) -> pl.Expr:
        as_number = found.str.strip_chars().cast(pl.Float64, strict=False)
        return compares(pl.when(as_number.is_finite()).then(as_number), pl.lit(float(number.number)))

    return leaf(ask, field)


def _part(field: Field, value: SigmaTimestampPart) -> Callable[[pl.Expr], pl.Expr]:
    if not isinstance(dtype_of(field), pl.Datetime):
        raise Refused(f"field {field.name!r} is no time: it has no {value.timestamp_part.name.lower()}")
    return _PARTS[value.timestamp_part]


def _refers(field: Field, value: SigmaFieldReference, fields: FieldMap) -> Leaf:
    other = fields.find(value.field)
    text, other_text = _as_text(field), _as_text(other)

    def ask(found: pl.Expr, referred: pl.Expr) -> pl.Expr:
        left, right = text(found).str.to_lowercase(), other_text(referred).str.to_lowercase()
        if value.starts_with and value.ends_with:
            return left.str.contains(right, literal=True)
        if value.starts_with:
            return left.str.starts_with(right)
        return left.str.ends_with(right) if value.ends_with else left == right

    return leaf(ask, field, other)


def _within(texts: pl.Series, networks: tuple[Network, ...]) -> pl.Series:
    """Return which *texts* are addresses inside one of *networks*: each distinct text is read once."""
    unique = texts.drop_nulls().unique()
    inside = [text for text in unique.to_list() if _inside(text, networks)]
    return texts.is_in(pl.Series(inside, dtype=pl.String).implode()) & texts.is_not_null()


@lru_cache(maxsize=1 << 16)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    canonical = canonical_address(text)
    return None if canonical is None else ipaddress.ip_address(canonical)


def _inside(text: str, networks: tuple[Network, ...]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks if network.version == address.version)
