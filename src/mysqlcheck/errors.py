"""The exception tree. A failing MySQL server is no exception: it is data, a Reason (model.py)."""

from typing import NamedTuple


class MysqlcheckError(Exception):
    """Everything that mysqlcheck raises on purpose."""


class Problem(NamedTuple):
    """One thing that is wrong with what the operator wrote: where, which name, which value, what is allowed."""

    place: str
    text: str
    file: str | None = None
    """The file that it stands in, if it stands in one."""

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class SettingsError(MysqlcheckError):
    """What the operator asked for cannot be done as written; carries every problem, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class UnexpectedAnswer(MysqlcheckError):
    """The server's answer is not what its version promises; becomes the reason `protocol_error`."""


class BadCapture(MysqlcheckError):
    """A document is no capture: at which key, and what is allowed there."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}" if key else text)
        self.key, self.text = key, text


class OutOfTime(MysqlcheckError):
    """The check's deadline passed; becomes the reason `timeout`."""


class TooMuchData(MysqlcheckError):
    """The server sent more than any honest answer holds; becomes the reason `protocol_error`."""


class PasswordWithheld(MysqlcheckError):
    """The server asked for the password in a way that would show it to others; becomes `credentials`."""


class TlsRefused(MysqlcheckError):
    """TLS is demanded and the server does not offer it; becomes `tls_error`, before anything is sent."""


class StoreError(MysqlcheckError):
    """The state directory cannot be used; the check goes on with the server's own words."""


class NothingRecorded(StoreError):
    """The state directory is there, and nothing has been recorded in it yet."""


class NoAnswer(StoreError):
    """The state directory did not answer in time: its disk hangs, or the machine is very busy."""
