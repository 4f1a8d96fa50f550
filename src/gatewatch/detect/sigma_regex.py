r"""Sigma's wildcards and regular expressions as patterns of the linear-time engine (Rust ``regex``), or a named refusal.

Sigma regexes are written for PCRE-like engines. What those accept and the Rust engine reads differently is rewritten to mean the
same: a bare ``[`` or ``-`` or ``&&`` in a character class, an escaped ``<`` or ``>``, a brace that is no quantifier. What a linear-time
engine cannot do (look-around, backreferences, atomic groups) is refused by name.

Reference: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re
from contextvars import ContextVar

import polars as pl
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern
from sigma.types import Placeholder, SigmaString, SpecialChars

from gatewatch.errors import ContentError

_UNSUPPORTED = re.compile(r"\\(?:[1-9]|[kg])|\(\?(?:<?[=!]|P[=>]|[>R&0-9(])|[*+?}]\+")  # what a construct named below begins with
_QUANTIFIER = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_CLASS_LETTER = frozenset("dDsSwWpP")


PROVEN: ContextVar[bool] = ContextVar("PROVEN", default=False)
"""Whether what is compiled is known to compile, so that trying it out is left out: the shipped rules, all of which the tests try."""


class _QuietEngine(RE2RegexEngine):
    """pySigma's engine without its habit of writing every bad pattern to standard error, and with messages that are text."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        options = self._re2.Options()
        options.log_errors = False
        letters = "".join(letter for flag, letter in ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s")) if flags & flag)
        try:
            compiled: RegexPattern = self._re2.compile(f"(?{letters}){pattern}" if letters else pattern, options)
        except self._re2.error as error:
            text = error.args[0] if error.args else b""
            raise self.error(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)) from None
        return compiled


POLICY = SigmaPolicy(regex_engine=_QuietEngine())
"""How pySigma is to compile what it compiles itself."""


class Refused(ContentError):  # noqa: N818 - a verdict on the rule, no fault of ours
    """A rule cannot be compiled; the message says what stands in the way."""


def wildcard_pattern(value: SigmaString) -> str:
    """Return the pattern (without flags) that matches exactly what *value* matches, as a whole string.

    A wildcard at an end drops the anchor there, so that a plain substring stays a literal search.
    """
    parts = list(value.s)
    head, tail = r"\A", r"\z"
    if parts and parts[0] is SpecialChars.WILDCARD_MULTI:
        head, parts = "", parts[1:]
    if parts and parts[-1] is SpecialChars.WILDCARD_MULTI:
        tail, parts = "", parts[:-1]
    elif not parts and not head:
        tail = ""  # a lone * matches every text, the empty one too
    return head + "".join(_part(part) for part in parts) + tail


def keyword_pattern(value: SigmaString) -> str:
    """Return the pattern that finds *value* anywhere in a text, as a keyword without a field does."""
    return "".join(_part(part) for part in value.s)


def _part(part: str | SpecialChars | Placeholder) -> str:
    if isinstance(part, Placeholder):
        raise Refused(f"placeholder %{part.name}% has no value")
    if part is SpecialChars.WILDCARD_MULTI:
        return ".*"
    if part is SpecialChars.WILDCARD_SINGLE:
        return "."
    return literal(str(part))


def literal(text: str) -> str:
    """Return *text* escaped for the Rust engine, which knows fewer escapes than Python writes."""
    return re.sub(r"[\\.+*?()|\[\]{}^$#&\-~]", r"\\\g<0>", text)


def check(pattern: str) -> str:
    """Return *pattern* if the engine compiles it, else raise :class:`Refused` with the engine's reason."""
    if PROVEN.get():
        return pattern
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next((line for line in lines if line.startswith("error:")), lines[0]).removeprefix("error:").strip()
        raise Refused(f"regular expression {shown(pattern)}: {reason}") from error
    return pattern


def shown(pattern: str) -> str:
    """Return *pattern* quoted and short enough for a message."""
    return repr(pattern if len(pattern) <= 80 else pattern[:77] + "...")


def unsupported(pattern: str) -> str | None:
    """Return the name of the first construct of *pattern* that no linear-time engine has, or None."""
    if _UNSUPPORTED.search(pattern) is None:
        return None
    index, in_class = 0, False
    while index < len(pattern):
        rest = pattern[index:]
        if rest[0] == "\\":
            if not in_class and re.match(r"\\(?:[1-9]|k[<{']|g[{0-9])", rest):
                return "a backreference"
            index += 2
            continue
        if in_class:
            in_class = rest[0] != "]"
        elif rest[0] == "[":
            in_class = True
            index += re.match(r"\[\^?\]?", rest).end() - 1  # type: ignore[union-attr]  # it starts with [
        elif re.match(r"\(\?<?[=!]", rest):
            return "look-around"
        elif rest.startswith("(?P="):
            return "a backreference"
        elif rest.startswith("(?>") or re.match(r"[*+?}]\+", rest):
            return "an atomic group or possessive quantifier"
        elif re.match(r"\(\?(?:R|&|P>|[0-9(])", rest):
            return "recursion or a conditional"
        index += 1
    return None


def rust_pattern(pattern: str) -> str:
    """Return *pattern* (PCRE-like) with the same meaning for the Rust engine; raises :class:`Refused` by name."""
    name = unsupported(pattern)
    if name is not None:
        raise Refused(f"regular expression {shown(pattern)} needs {name}, which a linear-time engine does not have")
    made: list[str] = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\" and index + 1 < len(pattern):
            token, index = _escape(pattern, index)
        elif char == "[":
            token, index = _class(pattern, index)
        elif char == "{" and not _QUANTIFIER.match(pattern, index):
            if re.match(r"\{,[0-9]+\}", pattern[index:]):
                raise Refused(f"regular expression {shown(pattern)}: {{,n}} means different things to different engines; write {{0,n}}")
            token, index = r"\{", index + 1
        elif char == "{":
            found = _QUANTIFIER.match(pattern, index)
            token = found.group() if found else char
            index += len(token)
        else:
            token, index = (r"\}" if char == "}" else char), index + 1
        made.append(token)
    return "".join(made)


def _escape(pattern: str, index: int) -> tuple[str, int]:
    """Translate the escape at *index*: punctuation that needs none, and braces of ``\\x{…}`` and ``\\p{…}`` kept whole."""
    char = pattern[index + 1]
    if char in "xpP" and pattern[index + 2 : index + 3] == "{":
        end = pattern.find("}", index)
        if end > 0:
            return pattern[index : end + 1], end + 1
    if char in "<>" or not char.isascii():
        return char, index + 2
    return pattern[index : index + 2], index + 2


def _class(pattern: str, index: int) -> tuple[str, int]:
    """Translate the character class at *index*: what the Rust engine would take for nesting or set operations is escaped."""
    opening = re.match(r"\[\^?\]?", pattern[index:])
    text = opening.group() if opening else "["
    made = [text.replace("]", r"\]")]
    index += len(text)
    letter = range_dash = False  # the item before was a class such as \w, or a dash that may make a range
    while index < len(pattern) and pattern[index] != "]":
        char = pattern[index]
        posix = _POSIX.match(pattern, index)
        if posix:
            made.append(posix.group())
            index += len(posix.group())
            letter, range_dash = True, False
        elif char == "\\" and index + 1 < len(pattern):
            token, index = _escape(pattern, index)
            made.append(token)
            letter, range_dash = token[1:2] in _CLASS_LETTER, False
        else:
            before_letter = pattern[index + 1 : index + 2] == "\\" and pattern[index + 2 : index + 3] in _CLASS_LETTER
            literal_dash = char == "-" and (letter or range_dash or before_letter or len(made) == 1)
            made.append("\\" + char if literal_dash or char in "[&~" else char)
            index += 1
            letter, range_dash = False, char == "-" and not literal_dash
    if index >= len(pattern):
        raise Refused(f"regular expression {shown(pattern)}: unclosed character class")
    return "".join(made) + "]", index + 1
