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
from collections.abc import Callable
from functools import partial

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

from gatewatch.detect.field_map import Field, FieldMap
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


def value_of(field: Field) -> pl.Expr:
    """Return the value of *field* as an expression: the column itself, or the text of a key of ``extra``."""
    if not field.paths:
        return pl.col(field.column)
    found = [pl.col("extra").str.json_path_match("$" + "".join(f"['{key}']" for key in path)) for path in field.paths]
    return found[0] if len(found) == 1 else pl.coalesce(found)


def dtype_of(field: Field) -> pl.DataType:
    """Return the type of the value of *field*."""
    return pl.String() if field.paths else DTYPES[field.column]


def text_of(field: Field) -> pl.Expr:
    """Return the value of *field* as text; raises ``Refused`` for times and lists, which have no one text."""
    dtype = dtype_of(field)
    if dtype.is_temporal() or dtype.is_nested():
        raise Refused(f"field {field.name!r} is a {_named(dtype)}: it cannot be compared as text")
    return value_of(field) if dtype == pl.String else value_of(field).cast(pl.String)


def text_leaf(field: Field, pattern: str, *, cased: bool) -> Leaf:
    """Return the leaf "the text of *field* matches *pattern*", where a dot also stands for a line end."""
    return regex_leaf(field, f"(?s{'' if cased else 'i'}){pattern}")


def regex_leaf(field: Field, pattern: str) -> Leaf:
    """Return the leaf "*pattern* (flags included) is found in the text of *field*"."""
    check(pattern)
    dtype = dtype_of(field)
    if isinstance(dtype, pl.List):
        return Leaf(value_of(field).list.eval(pl.element().str.contains(pattern)).list.any(), (field.column,))
    if isinstance(dtype, pl.Enum):
        words = dtype.categories
        found = words.filter(words.str.contains(pattern)).cast(dtype)
        return Leaf(value_of(field).is_in(found.implode()), (field.column,))
    return Leaf(text_of(field).str.contains(pattern), (field.column,))


def compare(field: Field, value: SigmaType, fields: FieldMap) -> Leaf:
    """Return the leaf "*field* meets *value*"; raises ``Refused`` where the comparison has no meaning."""
    column = (field.column,)
    match value:
        case SigmaNull():
            return Leaf(value_of(field).is_null(), column)
        case SigmaExists():
            return Leaf(value_of(field).is_not_null() if value.exists else value_of(field).is_null(), column)
        case SigmaString():
            return text_leaf(field, wildcard_pattern(value), cased=isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            return regex_leaf(field, regex_pattern(value))
        case SigmaBool():
            return _truth(field, value.boolean)
        case SigmaTimestampPart():
            return Leaf(_part(field, value) == value.number, column)
        case SigmaNumber():
            return _equals_number(field, value)
        case SigmaCompareExpression():
            return _compares_number(field, value)
        case SigmaCIDRExpression():
            within = partial(_within, networks=(value.network,))
            return Leaf(text_of(field).map_batches(within, return_dtype=pl.Boolean, is_elementwise=True), column)
        case SigmaFieldReference():
            return _refers(field, value, fields)
        case _:
            raise Refused(f"field {field.name!r}: values of type {type(value).__name__} are not supported")


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
        return Leaf(value_of(field) == value, (field.column,))
    return text_leaf(field, rf"\A{str(value).lower()}\z", cased=False)


def _number(number: float) -> pl.Expr:
    return pl.lit(number, pl.Int64) if isinstance(number, int) and number in _INT64 else pl.lit(float(number), pl.Float64)


def _equals_number(field: Field, value: SigmaNumber) -> Leaf:
    if dtype_of(field).is_numeric():
        return Leaf(value_of(field) == _number(value.number), (field.column,))
    return text_leaf(field, rf"\A{str(value.number).replace('.', '[.]').replace('+', '[+]')}\z", cased=False)


def _compares_number(field: Field, value: SigmaCompareExpression) -> Leaf:
    compares = _OPERATORS[value.op]
    if isinstance(value.number, SigmaTimestampPart):
        return Leaf(compares(_part(field, value.number), pl.lit(value.number.number)), (field.column,))
    dtype = dtype_of(field)
    if dtype.is_numeric():
        return Leaf(compares(value_of(field), _number(value.number.number)), (field.column,))
    if dtype != pl.String:
        raise Refused(f"field {field.name!r} is no number: it cannot be compared with {value.op.name.lower()}")
    as_number = value_of(field).str.strip_chars().cast(pl.Float64, strict=False)
    known = pl.when(as_number.is_finite()).then(as_number)
    return Leaf(compares(known, pl.lit(float(value.number.number))), (field.column,))


def _part(field: Field, value: SigmaTimestampPart) -> pl.Expr:
    if not isinstance(dtype_of(field), pl.Datetime):
        raise Refused(f"field {field.name!r} is no time: it has no {value.timestamp_part.name.lower()}")
    return _PARTS[value.timestamp_part](value_of(field))


def _refers(field: Field, value: SigmaFieldReference, fields: FieldMap) -> Leaf:
    other = fields.find(value.field)
    left, right = text_of(field).str.to_lowercase(), text_of(other).str.to_lowercase()
    if value.starts_with and value.ends_with:
        found = left.str.contains(right, literal=True)
    elif value.starts_with:
        found = left.str.starts_with(right)
    elif value.ends_with:
        found = left.str.ends_with(right)
    else:
        found = left == right
    return Leaf(found, tuple(sorted({field.column, other.column})))


def _within(texts: pl.Series, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> pl.Series:
    """Return which *texts* are addresses inside one of *networks*: each distinct text is read once."""
    unique = texts.drop_nulls().unique()
    inside = [text for text in unique.to_list() if _inside(text, networks)]
    return texts.is_in(pl.Series(inside, dtype=pl.String).implode()) & texts.is_not_null()


def _inside(text: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    canonical = canonical_address(text)
    if canonical is None:
        return False
    address = ipaddress.ip_address(canonical)
    return any(address in network for network in networks if network.version == address.version)
