"""The providers by their ids. Each is imported only when asked for: the demo needs neither Docker nor its client.

TEST_IMAGES names images of further versions, separated by commas, which are pulled; each is one more provider::

    make test TEST_IMAGES=mysql:8.4,percona/percona-server:8.0 ARGS="tests/real -k 'mysql-8.4 or percona'"

It takes MySQL from 8.0.30 and MariaDB from 10.5 on: older ones want other options and other words for replication than
those of tests/lab.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from tests.lab.server import Server
from tests.lab.waiting import LabError

PROVIDERS = {
    "mariadb-10.11": ("tests.lab.local", "LocalMariaDB"),
    "mariadb-11.8": ("tests.lab.containers", "ContainerMariaDB"),
    "mysql-9.7": ("tests.lab.containers", "ContainerMySQL"),
}
IMAGES = {
    name.replace("/", "-").replace(":", "-"): name
    for name in map(str.strip, os.environ.get("TEST_IMAGES", "").split(","))
    if name
}
"""The further images by their providers' ids."""
for provider, image in IMAGES.items():
    PROVIDERS[provider] = ("tests.lab.containers", "ContainerMariaDB" if "mariadb" in image else "ContainerMySQL")


class Unavailable(LabError):
    """This provider cannot run here; the text says what to install."""


def load(provider: str) -> type[Server]:
    module, name = PROVIDERS[provider]
    try:
        kind: Any = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise Unavailable(f"no Python package {error.name}: pip install {error.name}") from error
    if provider in IMAGES:
        kind = kind.of_image(provider, IMAGES[provider])
    missing = kind.missing()
    if missing:
        raise Unavailable(missing)
    found: type[Server] = kind
    return found
