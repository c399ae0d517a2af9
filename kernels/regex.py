"""RE2's regular expressions by Python's `re`: what is spelled alike is taken, what is not is translated.

Text is matched as characters where it is UTF-8; bytes that are not are carried through unchanged.
"""

from __future__ import annotations

import functools
import re

__all__ = ["compile_pattern", "full_match", "replace"]

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_TOKEN = re.compile(
    r"\\Q(?P<literal>.*?)(?:\\E|$)|\\(?P<escape>.)|\[:(?P<negated>\^?)(?P<cls>\w+):\]|(?P<other>.)", re.DOTALL
)


def text_of(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


@functools.lru_cache(maxsize=512)
def compile_pattern(pattern: bytes) -> re.Pattern[str]:
    """The pattern as Python's.

    Raises:
        ValueError: it is malformed, or uses what Python's `re` has no word for.
    """
    try:
        return re.compile(_translate(text_of(pattern)), re.ASCII)
    except re.error as error:
        raise ValueError(f"Invalid pattern: {text_of(pattern)}, error: {error}") from None


def _translate(pattern: str) -> str:
    out: list[str] = []
    in_class = False
    several_lines = re.match(r"\(\?[a-zA-Z]*m", pattern) is not None
    for match in _TOKEN.finditer(pattern):
        if match["literal"] is not None:
            out.append(re.escape(match["literal"]))
        elif match["escape"] is not None:
            out.append(_escape(match["escape"], pattern))
        elif match["cls"] is not None:
            out.append(_named_class(match, in_class, pattern))
        else:
            char = match["other"]
            if char == "[" and not in_class:
                in_class = True
            elif char == "]" and out and not (out[-1] == "[" or out[-2:] == ["[", "^"]):
                in_class = False
            elif char == "[" and in_class:
                char = r"\["
            elif char == "$" and not in_class and not several_lines:
                # Python's `$` would match before a line break at the end too.
                char = r"\Z"
            out.append(char)
    return "".join(out)


def _escape(char: str, pattern: str) -> str:
    if char == "z":
        return r"\Z"
    if char in "pPCX":
        raise ValueError(f"Invalid pattern: {pattern}, error: \\{char} is not supported")
    return f"\\{char}"


def _named_class(match: re.Match[str], in_class: bool, pattern: str) -> str:
    found = _CLASSES.get(match["cls"])
    if not in_class or found is None or match["negated"]:
        if in_class:
            raise ValueError(f"Invalid pattern: {pattern}, error: invalid character class {match[0]}")
        return match[0]
    return found


def replace(pattern: re.Pattern[str], rewrite: bytes, value: bytes, everywhere: bool) -> bytes:
    """`value` with the first match, or all, replaced; `\\1` in `rewrite` stands for a group, `\\0` for the match."""
    text, parts = text_of(value), _rewrite_parts(rewrite)
    out: list[str] = []
    at, copied, last_end = 0, 0, -1
    while at <= len(text):
        match = pattern.search(text, at)
        if match is None:
            break
        start, end = match.span()
        if start == end == last_end:
            # No empty match right behind a match.
            at += 1
            continue
        out.append(text[copied:start])
        out.extend(p if isinstance(p, str) else match[p] or "" for p in parts)
        copied = last_end = end
        at = end if end > start else end + 1
        if at > end:
            out.append(text[end : end + 1])
            copied = min(end + 1, len(text))
        if not everywhere:
            break
    out.append(text[copied:])
    return "".join(out).encode("utf-8", "surrogateescape")


@functools.lru_cache(maxsize=512)
def _rewrite_parts(rewrite: bytes) -> tuple[str | int, ...]:
    parts: list[str | int] = []
    for match in re.finditer(r"\\(\d|\\)|([^\\]+)|(\\.?)", text_of(rewrite), re.DOTALL):
        if match[3] is not None:
            raise ValueError(f"Invalid rewrite pattern: {text_of(rewrite)}")
        parts.append(match[2] if match[2] is not None else "\\" if match[1] == "\\" else int(match[1]))
    return tuple(parts)


def full_match(pattern: re.Pattern[str], value: bytes) -> bool:
    return pattern.fullmatch(text_of(value)) is not None
