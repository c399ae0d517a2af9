"""Flags of the command line: `tf.flags`, as programs of TensorFlow 1 define and read them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

__all__ = [
    "DEFINE",
    "FLAGS",
    "DEFINE_alias",
    "DEFINE_bool",
    "DEFINE_boolean",
    "DEFINE_enum",
    "DEFINE_float",
    "DEFINE_integer",
    "DEFINE_list",
    "DEFINE_multi_enum",
    "DEFINE_multi_float",
    "DEFINE_multi_integer",
    "DEFINE_multi_string",
    "DEFINE_spaceseplist",
    "DEFINE_string",
    "DuplicateFlagError",
    "Error",
    "Flag",
    "FlagHolder",
    "FlagValues",
    "IllegalFlagValueError",
    "UnrecognizedFlagError",
    "ValidationError",
    "mark_flag_as_required",
    "mark_flags_as_required",
    "register_validator",
    "validator",
]

Parser = Callable[[Any], Any]


class Error(Exception):
    """What is wrong with a flag."""


class DuplicateFlagError(Error):
    """Two modules define a flag of one name."""


class IllegalFlagValueError(Error):
    """A value that a flag cannot have."""


class UnrecognizedFlagError(Error):
    """A flag on the command line that nobody has defined."""


class ValidationError(Error):
    """A value that a validator refuses."""


class Flag:
    """One flag.

    Attributes:
        name: as it is written after the dashes.
        value: the value now.
        default: the value where the command line gives none.
        help: what it is for.
        present: how often the command line gives it.
        boolean: whether it may stand without a value, and as `--noname`.
        multiple: whether each occurrence adds a value to a list.
    """

    def __init__(
        self,
        name: str,
        default: Any,
        help: str,
        parser: Parser,
        *,
        short_name: str | None = None,
        boolean: bool = False,
        multiple: bool = False,
        module: str = "",
    ) -> None:
        self.name = name
        self.short_name = short_name
        self.help = help or ""
        self.parser = parser
        self.boolean = boolean
        self.multiple = multiple
        self.module = module
        self.present = 0
        self.default = None if default is None else self._read_default(default)
        self.value: Any = self.default

    def _read_default(self, default: Any) -> Any:
        if not self.multiple:
            return self.read(default)
        values = default if isinstance(default, (list, tuple)) else [default]
        return [self.read(v) for v in values]

    def read(self, text: Any) -> Any:
        """The value that a text stands for.

        Raises:
            IllegalFlagValueError: it stands for none.
        """
        try:
            return self.parser(text)
        except (TypeError, ValueError) as error:
            raise IllegalFlagValueError(f"flag --{self.name}={text}: {error}") from None

    def parse(self, text: Any) -> None:
        """Takes a value of the command line."""
        value = self.read(text)
        if self.multiple:
            self.value = [*(self.value or []), value] if self.present else [value]
        else:
            self.value = value
        self.present += 1

    def unparse(self) -> None:
        """Goes back to the default."""
        self.value, self.present = self.default, 0


class FlagHolder:
    """What a `DEFINE_` function gives: the flag's name, default and, once parsed, its value.

    Args:
        values: the tensors.
    """

    def __init__(self, values: FlagValues, name: str) -> None:
        self._values = values
        self.name = name

    @property
    def value(self) -> Any:
        return getattr(self._values, self.name)

    @property
    def default(self) -> Any:
        return self._values[self.name].default

    @property
    def present(self) -> bool:
        return bool(self._values[self.name].present)


class FlagValues:
    """The flags of a program; each is an attribute.

    The command line is read when a flag is first asked for, or by `tf.app.run()`. What it holds besides known flags
    is left alone, for the program's own use.
    """

    def __init__(self) -> None:
        self.__dict__["_flags"] = {}
        self.__dict__["_parsed"] = False
        self.__dict__["_validators"] = []

    # --- definitions ---

    def define(self, flag: Flag) -> FlagHolder:
        """Adds a flag.

        Raises:
            DuplicateFlagError: another module has defined one of that name.
        """
        flags = self.__dict__["_flags"]
        other = flags.get(flag.name)
        if other is not None and other.module != flag.module:
            raise DuplicateFlagError(
                f"The flag {flag.name!r} is defined twice: in {other.module} and in {flag.module}."
            )
        for name in filter(None, (flag.name, flag.short_name)):
            flags[name] = flag
        # A flag that is defined late must still see a command line that was read before.
        self.__dict__["_parsed"] = False
        return FlagHolder(self, flag.name)

    def add_validator(self, names: Sequence[str], check: Callable[..., Any], message: str) -> None:
        """Adds a check of the values of flags, which is made whenever they are set."""
        self.__dict__["_validators"].append((tuple(names), check, message))
        if self.is_parsed():
            self.validate_all_flags()

    def validate_all_flags(self) -> None:
        """Makes all checks.

        Raises:
            ValidationError: one of them refuses.
        """
        for names, check, message in self.__dict__["_validators"]:
            values = [self[n].value for n in names]
            if not check(*values):
                raise ValidationError(f"flag --{', --'.join(names)}: {message}")

    # --- reading ---

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Reads a command line.

        Args:
            argv: the program's name and its arguments.
            known_only: leaves flags that nobody has defined among the arguments that are returned.

        Returns:
            The program's name and the arguments that are no flags.

        Raises:
            UnrecognizedFlagError: nobody has defined a flag.
            IllegalFlagValueError: a flag cannot have its value.
            ValidationError: a check refuses.
        """
        if not argv:
            raise TypeError("argv must hold at least the program's name.")
        self.unparse_flags()
        rest = list(self._read(list(argv[1:]), known_only))
        self.mark_as_parsed()
        self.validate_all_flags()
        return [argv[0], *rest]

    def _read(self, words: list[str], known_only: bool) -> Iterator[str]:
        while words:
            word = words.pop(0)
            if word == "--":
                yield from words
                return
            if not word.startswith("-") or word == "-" or _is_number(word):
                yield word
                continue
            name, equals, text = word.lstrip("-").partition("=")
            if name == "flagfile":
                words[:0] = _flag_file(text if equals else words.pop(0))
                continue
            flag = self.__dict__["_flags"].get(name)
            if flag is not None:
                flag.parse(self._value_of(flag, equals, text, words))
                continue
            off = self.__dict__["_flags"].get(name.removeprefix("no"))
            if off is not None and off.boolean and name.startswith("no") and not equals:
                off.parse(False)
            elif name in ("help", "helpfull", "helpshort", "h") and not known_only:
                print(self.get_help())
                raise SystemExit(1)
            elif known_only:
                yield word
            else:
                raise UnrecognizedFlagError(f"Unknown command line flag {name!r}{self._like(name)}")

    @staticmethod
    def _value_of(flag: Flag, equals: str, text: str, words: list[str]) -> Any:
        if equals:
            return text
        if flag.boolean:
            return True
        if not words:
            raise IllegalFlagValueError(f"The flag --{flag.name} needs a value.")
        return words.pop(0)

    def _like(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, list(self.__dict__["_flags"]), 3)
        return f". Did you mean: {', '.join(near)}?" if near else ""

    def is_parsed(self) -> bool:
        """Whether a command line was read."""
        return bool(self.__dict__["_parsed"])

    def mark_as_parsed(self) -> None:
        """Lets flags be read as they are, without a command line."""
        self.__dict__["_parsed"] = True

    def unparse_flags(self) -> None:
        """Forgets the command line that was read, but not values that were set since."""
        for flag in self.__dict__["_flags"].values():
            if flag.present:
                flag.unparse()
        self.__dict__["_parsed"] = False

    def _ready(self) -> None:
        if not self.is_parsed():
            self(sys.argv or [""], known_only=True)

    # --- values ---

    def __getattr__(self, name: str) -> Any:
        flag = self.__dict__["_flags"].get(name)
        if flag is None:
            raise AttributeError(f"There is no flag {name!r}{self._like(name)}")
        self._ready()
        return flag.value

    def __setattr__(self, name: str, value: Any) -> None:
        flag = self.__dict__["_flags"].get(name)
        if flag is None:
            raise AttributeError(f"There is no flag {name!r}{self._like(name)}")
        self._ready()
        flag.value = value
        self.validate_all_flags()

    def __delattr__(self, name: str) -> None:
        flag = self[name]
        for key in [k for k, f in self.__dict__["_flags"].items() if f is flag]:
            del self.__dict__["_flags"][key]

    def __getitem__(self, name: str) -> Flag:
        if name not in self.__dict__["_flags"]:
            raise KeyError(name)
        return self.__dict__["_flags"][name]  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__["_flags"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__["_flags"])

    def __len__(self) -> int:
        return len(self.__dict__["_flags"])

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.__dict__["_flags"]]

    def flag_values_dict(self) -> dict[str, Any]:
        """From names to values, of all flags."""
        self._ready()
        return {f.name: f.value for f in self.__dict__["_flags"].values()}

    def get_flag_value(self, name: str, default: Any) -> Any:
        """A flag's value; `default` where there is no such flag or it has none."""
        value = getattr(self, name, None)
        return default if value is None else value

    def set_default(self, name: str, value: Any) -> None:
        """Changes a flag's default; its value too where the command line gives none."""
        flag = self[name]
        flag.default = None if value is None else flag._read_default(value)
        if not flag.present:
            flag.value = flag.default

    def remove_flag_values(self, names: Iterable[str]) -> None:
        """Removes flags."""
        for name in list(names):
            delattr(self, name)

    def get_help(self, prefix: str = "", include_special_flags: bool = True) -> str:
        """What `--help` prints."""
        del include_special_flags
        rows = sorted({id(f): f for f in self.__dict__["_flags"].values()}.values(), key=lambda f: f.name)
        lines = ["flags:"]
        for flag in rows:
            shown = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
            lines += [f"{prefix}  {shown}: {flag.help}", f"{prefix}    (default: {flag.default!r})"]
        return "\n".join(lines)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _flag_file(path: str) -> list[str]:
    """The flags in a file, one per line; empty lines and those that start with # or // say nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except OSError as error:
        raise IllegalFlagValueError(f"flag --flagfile={path}: {error.strerror}") from None
    return [line for line in lines if line and not line.startswith(("#", "//"))]


FLAGS = FlagValues()
"""The flags of the program."""

_TRUE, _FALSE = ("true", "t", "1", "yes", "y"), ("false", "f", "0", "no", "n")


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise ValueError("a boolean must be one of true, false, yes, no, 1, 0")
    return bool(value)


def _integer(value: Any) -> int:
    return (
        int(value, 0 if value.lstrip("+-").startswith("0x") else 10) if isinstance(value, str) else int(value)
    )


def _bounded(parse: Parser, lower: float | None, upper: float | None) -> Parser:
    def read(value: Any) -> Any:
        number = parse(value)
        if (lower is not None and number < lower) or (upper is not None and number > upper):
            raise ValueError(f"must be from {lower if lower is not None else '-inf'} to {upper}")
        return number

    return read if lower is not None or upper is not None else parse


def _one_of(enum_values: Sequence[str], case_sensitive: bool = True) -> Parser:
    def read(value: Any) -> str:
        for known in enum_values:
            if value == known or (not case_sensitive and str(value).lower() == known.lower()):
                return known
        raise ValueError(f"must be one of {', '.join(enum_values)}")

    return read


def _split(separator: str | None) -> Parser:
    def read(value: Any) -> list[str]:
        if isinstance(value, (list, tuple)):
            return list(value)
        return [part.strip() for part in str(value).split(separator)] if value else []

    return read


def DEFINE(
    parser: Parser,
    name: str,
    default: Any,
    help: str | None,
    flag_values: FlagValues | None = None,
    *,
    depth: int = 1,
    short_name: str | None = None,
    boolean: bool = False,
    multiple: bool = False,
    required: bool = False,
) -> FlagHolder:
    """Defines a flag of any kind.

    Args:
        parser: from a text (or a default) to a value; raises ValueError for what cannot be one.
        name: as it is written after the dashes.
        default: the value where the command line gives none.
        help: what it is for.
        flag_values: the flags that it joins; `FLAGS` by default.
        depth: how many calls lie between the caller and the line that counts as the definition.
        short_name: another name, of one letter.
        boolean: whether it may stand without a value, and as `--noname`.
        multiple: whether each occurrence adds a value to a list.
        required: whether it must be given.

    Raises:
        DuplicateFlagError: another module has defined a flag of that name.
        IllegalFlagValueError: the default is no value for it.
    """
    flags = FLAGS if flag_values is None else flag_values
    module = sys._getframe(depth).f_code.co_filename
    holder = flags.define(
        Flag(
            name,
            default,
            help or "",
            parser,
            short_name=short_name,
            boolean=boolean,
            multiple=multiple,
            module=module,
        )
    )
    if required:
        mark_flag_as_required(name, flags)
    return holder


def DEFINE_string(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag with a text.

    Args:
        name, default, help, flag_values: as for `DEFINE`.
        **args: `short_name`, `required`.
    """
    return DEFINE(str, name, default, help, flag_values, depth=2, **args)


def DEFINE_boolean(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag that is on (`--name`, `--name=true`) or off (`--noname`, `--name=false`).

    Args:
        name, default, help, flag_values: as for `DEFINE`.
        **args: `short_name`, `required`.
    """
    depth = args.pop("depth", 2)
    return DEFINE(_boolean, name, default, help, flag_values, depth=depth, boolean=True, **args)


DEFINE_bool = DEFINE_boolean


def DEFINE_float(
    name: str,
    default: Any,
    help: str | None,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    flag_values: FlagValues | None = None,
    **args: Any,
) -> FlagHolder:
    """Defines a flag with a number.

    Args:
        name, default, help, flag_values: as for `DEFINE`.
        lower_bound, upper_bound: the least and the greatest value that it may have.
        **args: `short_name`, `required`.
    """
    parser = _bounded(float, lower_bound, upper_bound)
    return DEFINE(parser, name, default, help, flag_values, depth=2, **args)


def DEFINE_integer(
    name: str,
    default: Any,
    help: str | None,
    lower_bound: int | None = None,
    upper_bound: int | None = None,
    flag_values: FlagValues | None = None,
    **args: Any,
) -> FlagHolder:
    """Defines a flag with a whole number.

    Args:
        name, default, help, flag_values: as for `DEFINE`.
        lower_bound, upper_bound: the least and the greatest value that it may have.
        **args: `short_name`, `required`.
    """
    parser = _bounded(_integer, lower_bound, upper_bound)
    return DEFINE(parser, name, default, help, flag_values, depth=2, **args)


def DEFINE_enum(
    name: str,
    default: Any,
    enum_values: Sequence[str],
    help: str | None,
    flag_values: FlagValues | None = None,
    case_sensitive: bool = True,
    **args: Any,
) -> FlagHolder:
    """Defines a flag with one of some texts.

    Args:
        name, default, help, flag_values: as for `DEFINE`.
        enum_values: the texts.
        case_sensitive: whether capital and small letters differ.
        **args: `short_name`, `required`.
    """
    parser = _one_of(enum_values, case_sensitive)
    return DEFINE(parser, name, default, help, flag_values, depth=2, **args)


def DEFINE_list(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag with texts between commas; arguments as for `DEFINE`."""
    return DEFINE(_split(","), name, default, help, flag_values, depth=2, **args)


def DEFINE_spaceseplist(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag with texts between spaces; arguments as for `DEFINE`."""
    return DEFINE(_split(None), name, default, help, flag_values, depth=2, **args)


def DEFINE_multi_string(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag that may be given several times: a list of texts; arguments as for `DEFINE`."""
    return DEFINE(str, name, default, help, flag_values, depth=2, multiple=True, **args)


def DEFINE_multi_integer(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag that may be given several times: a list of whole numbers; arguments as for `DEFINE`."""
    return DEFINE(_integer, name, default, help, flag_values, depth=2, multiple=True, **args)


def DEFINE_multi_float(
    name: str, default: Any, help: str | None, flag_values: FlagValues | None = None, **args: Any
) -> FlagHolder:
    """Defines a flag that may be given several times: a list of numbers; arguments as for `DEFINE`."""
    return DEFINE(float, name, default, help, flag_values, depth=2, multiple=True, **args)


def DEFINE_multi_enum(
    name: str,
    default: Any,
    enum_values: Sequence[str],
    help: str | None,
    flag_values: FlagValues | None = None,
    case_sensitive: bool = True,
    **args: Any,
) -> FlagHolder:
    """Defines a flag that may be given several times: a list of some texts; arguments as for `DEFINE_enum`."""
    parser = _one_of(enum_values, case_sensitive)
    return DEFINE(parser, name, default, help, flag_values, depth=2, multiple=True, **args)


def DEFINE_alias(name: str, original_name: str, flag_values: FlagValues | None = None) -> FlagHolder:
    """Gives a flag another name.

    Args:
        name: the other name.
        original_name: the flag's own.
        flag_values: the flags that it is among; `FLAGS` by default.

    Raises:
        UnrecognizedFlagError: there is no such flag.
    """
    flags = FLAGS if flag_values is None else flag_values
    if original_name not in flags:
        raise UnrecognizedFlagError(f"There is no flag {original_name!r} to give another name.")
    flags.__dict__["_flags"][name] = flags[original_name]
    return FlagHolder(flags, name)


def register_validator(
    flag_name: str,
    checker: Callable[[Any], bool],
    message: str = "Flag validation failed",
    flag_values: FlagValues | None = None,
) -> None:
    """Has a flag's value checked when it is set.

    Args:
        flag_name: the flag.
        checker: from a value to whether it will do.
        message: what is said where it will not.
        flag_values: the flags that it is among; `FLAGS` by default.
    """
    (FLAGS if flag_values is None else flag_values).add_validator([flag_name], checker, message)


def validator(
    flag_name: str, message: str = "Flag validation failed", flag_values: FlagValues | None = None
) -> Callable[[Callable[[Any], bool]], Callable[[Any], bool]]:
    """`register_validator` as a decorator of the checker; arguments as there."""

    def decorate(checker: Callable[[Any], bool]) -> Callable[[Any], bool]:
        register_validator(flag_name, checker, message, flag_values)
        return checker

    return decorate


def mark_flag_as_required(flag_name: str, flag_values: FlagValues | None = None) -> None:
    """Refuses command lines that leave a flag without a value.

    Args:
        flag_name: the flag.
        flag_values: the flags that it is among; `FLAGS` by default.
    """
    register_validator(
        flag_name, lambda value: value is not None, "it must have a value other than None", flag_values
    )


def mark_flags_as_required(flag_names: Iterable[str], flag_values: FlagValues | None = None) -> None:
    """Refuses command lines that leave one of the flags without a value; arguments as above."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)
