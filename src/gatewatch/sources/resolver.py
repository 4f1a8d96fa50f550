"""Raw captures into columns: addresses, accounts, services and methods in their canonical form, each distinct value resolved once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address, is_placeholder
from gatewatch.schema.events import AuthMethod, Service
from gatewatch.schema.users import split_user

# values that are their own canonical form; only the others go through the resolvers, unique value by unique value
_QUAD = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_ADDRESS = rf"^(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)\.{_QUAD}\.{_QUAD}\.{_QUAD}$"
_PLAIN_USER = r"^(?:[a-z_]|[0-9]+[a-z_.-])[a-z0-9_.-]*$"
_NO_USER = ("null", "unset")


def map_values(values: pl.Series, resolve: Callable[[str], str | None]) -> pl.Series:
    """Return *values* resolved, each distinct value once."""
    unique = values.drop_nulls().unique()
    if not len(unique):
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(values))
    resolved = pl.Series([resolve(value) for value in unique.to_list()], dtype=pl.String)
    return values.replace_strict(unique, resolved, default=None, return_dtype=pl.String)


def as_name(value: str) -> str | None:
    """Return *value* as a host name, case-folded; None when it is an address or a placeholder."""
    return None if canonical_address(value) is not None or is_placeholder(value) else value.casefold()


def _odd(values: pl.Series, plain: str, never: tuple[str, ...] = ()) -> pl.Series:
    """Return which of *values* need resolving."""
    odd = ~values.str.contains(plain).fill_null(True)
    return odd | values.is_in(never) if never else odd


def resolve_host(values: pl.Series, address: str, name: str) -> list[pl.Expr]:
    """Return *values* as the column *address* and, where some are names, the column *name*."""
    odd = _odd(values, _PLAIN_ADDRESS)
    if not odd.any():
        return [pl.lit(values).alias(address)]
    strange = values.filter(odd)
    places = odd.arg_true()
    columns = [pl.lit(values.clone().scatter(places, map_values(strange, canonical_address))).alias(address)]
    names = map_values(strange, as_name)
    if names.null_count() < len(names):
        columns.append(pl.lit(pl.Series([None], dtype=pl.String).new_from_index(0, len(values)).scatter(places, names)).alias(name))
    return columns


def resolve_user(values: pl.Series, name: str) -> list[pl.Expr]:
    """Return *values* as the column *name*, without domain; of ``user``, also ``user_domain`` where some have one."""
    odd = _odd(values, _PLAIN_USER, _NO_USER)
    if not odd.any():
        return [pl.lit(values).alias(name)]
    strange = values.filter(odd)
    places = odd.arg_true()
    columns = [pl.lit(values.clone().scatter(places, map_values(strange, lambda value: split_user(value)[0]))).alias(name)]
    if name == "user":
        domains = map_values(strange, lambda value: split_user(value)[1])
        if domains.null_count() < len(domains):
            columns.append(pl.lit(pl.Series([None], dtype=pl.String).new_from_index(0, len(values)).scatter(places, domains)).alias("user_domain"))
    return columns


def resolve_service(values: pl.Series, services: Mapping[str, Service], default: Service | None) -> pl.Expr:
    """Return *values* as the column ``service`` through the table *services*; *default* where there is none."""
    unique = values.drop_nulls().unique()
    named = [services.get(value) for value in unique.to_list()]
    resolved = pl.Series([None if service is None else str(service) for service in named], dtype=pl.String)
    mapped = values.replace_strict(unique, resolved, default=None, return_dtype=pl.String) if len(unique) else values
    if default is not None:
        mapped = mapped.set(values.is_null(), str(default))
    return pl.lit(mapped.cast(ev.SERVICE)).alias("service")


def resolve_method(values: pl.Series, methods: Mapping[str, AuthMethod]) -> pl.Expr:
    """Return *values* as the column ``auth_method`` through the table *methods*, by what stands before a slash; else ``unknown``."""
    unique = values.drop_nulls().unique()
    resolved = [str(methods.get(value.partition("/")[0], AuthMethod.UNKNOWN)) for value in unique.to_list()]
    if not len(unique):
        return pl.lit("unknown", ev.AUTH_METHOD).alias("auth_method")
    mapped = values.replace_strict(unique, pl.Series(resolved, dtype=pl.String), default="unknown", return_dtype=pl.String)
    return pl.lit(mapped.cast(ev.AUTH_METHOD)).alias("auth_method")
