"""The providers by their ids. Each is imported only when asked for: the demo needs neither Docker nor its client."""

from __future__ import annotations

from importlib import import_module

from tests.lab.server import Server
from tests.lab.waiting import LabError

PROVIDERS = {
    "mariadb-10.11": ("tests.lab.local", "LocalMariaDB"),
    "mariadb-11.8": ("tests.lab.containers", "ContainerMariaDB"),
    "mysql-9.7": ("tests.lab.containers", "ContainerMySQL"),
}


class Unavailable(LabError):
    """This provider cannot run here; the text says what to install."""


def load(provider: str) -> type[Server]:
    module, name = PROVIDERS[provider]
    try:
        kind: type[Server] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise Unavailable(f"no Python package {error.name}: pip install {error.name}") from error
    missing = kind.missing()
    if missing:
        raise Unavailable(missing)
    return kind
