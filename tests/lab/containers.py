"""Servers in containers, by testcontainers: MariaDB 11.8 and Oracle's MySQL 9.7.

Each image comes in two kinds, the official one and one made of Debian's packages (tests/lab/images). What both have
in common is the server's program, so that is the entry point: the container is the server, and the server's end is
the container's. The network is the host's, listening on 127.0.0.1 only, so that every provider is seen at the same
address, and source and replica see one another; the datadir is a folder of the host, so that it survives a restart.
"""

from __future__ import annotations

import os
import shutil
import subprocess

# Ryuk, testcontainers' cleaner, is one more image to pull; tests/lab/watcher.py does its work here.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self
from uuid import uuid4

from testcontainers.core.container import DockerContainer

from tests.lab import options
from tests.lab.local import as_whom
from tests.lab.server import Server
from tests.lab.waiting import LabError
from tests.lab.watcher import WATCHER

PULL_LIMIT = 300  # seconds
INSIDE = Path("/lab")  # where the server's folder is mounted


def as_container(image: str, folder: Path, entrypoint: str, command: Sequence[str]) -> DockerContainer:
    """By its own name, so that it can be watched from before it exists; its files belong to who runs the tests."""
    container = DockerContainer(image, volumes=[(str(folder), str(INSIDE), "rw")]).with_command(list(command))
    return container.with_name(f"mysqlcheck-lab-{uuid4().hex[:12]}").with_kwargs(
        entrypoint=[entrypoint], network_mode="host", user=f"{os.getuid()}:{os.getgid()}"
    )


class ContainerServer(Server):
    """A server whose process is the first one of a container."""

    image: ClassVar[str]
    pulled: ClassVar[bool] = False  # else tests/lab/images makes it
    program: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]
    disks: ClassVar[Mapping[str, str]] = {}  # small file systems of its own: the options of each by its place
    maker: ClassVar[tuple[str, ...]]  # the command that makes an empty datadir

    def __init__(self, name: str, folder: Path, options: Sequence[str] = ()) -> None:
        self._container: DockerContainer | None = None
        super().__init__(name, folder, options)

    @classmethod
    def of_image(cls, provider: str, image: str) -> type[Self]:
        """Return the same kind of server in an image of another version, which is pulled where it is not there."""
        return type(cls.__name__, (cls,), {"provider": provider, "image": image, "pulled": True})

    @classmethod
    def missing(cls) -> str | None:
        if shutil.which("docker") is None:
            return "no docker program: run tests/lab/install containers"
        asked = subprocess.run(["docker", "image", "inspect", cls.image], capture_output=True, text=True)
        if asked.returncode == 0:
            return None
        if "no such image" in asked.stderr.lower() and cls.pulled:
            pulled = subprocess.run(
                ["timeout", str(PULL_LIMIT), "docker", "pull", "-q", cls.image], capture_output=True
            )
            why = pulled.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {pulled.returncode}"]
            return None if pulled.returncode == 0 else f"no {cls.image} to be had: {why[0]}"
        if "no such image" in asked.stderr.lower():
            return f"no image {cls.image}: run tests/lab/install containers"
        return "no Docker engine answers: run tests/lab/install containers, then tests/lab/with-docker COMMAND"

    @classmethod
    def make_empty_datadir(cls, datadir: Path) -> None:
        datadir.mkdir(parents=True)
        program, *command = cls.maker
        command += [f"--datadir={INSIDE}/{datadir.name}", *as_whom()]
        with as_container(cls.image, datadir.parent, program, command) as container:
            code = container.get_wrapped_container().wait()["StatusCode"]
            if code != 0:
                raise LabError(f"{program} exited {code}:\n{container.get_wrapped_container().logs().decode()}")

    def launch(self) -> None:
        if self._container is not None:
            self._wrapped().start()
            return
        command = ["--no-defaults", f"--datadir={INSIDE}/{self.datadir.name}", f"--port={self.port}"]
        command += ["--socket=/tmp/socket", *as_whom(), *self.settings, *self.options]
        self._container = as_container(self.image, self.folder, self.program, command).with_envs(**self.environment)
        for place, how in self.disks.items():
            self._container.with_tmpfs_mount(place, how)
        WATCHER.watch("container", str(self._container._name))
        self._container.start()

    def as_seen_inside(self, path: Path) -> str:
        return str(INSIDE / path.relative_to(self.folder))

    def pid(self) -> int | None:
        if self._container is None:
            return None
        wrapped = self._wrapped()
        wrapped.reload()
        state: dict[str, Any] = wrapped.attrs["State"]
        return int(state["Pid"]) if state["Running"] else None

    def log(self) -> str:
        return "" if self._container is None else self._wrapped().logs(tail=20).decode(errors="replace")

    def _remove(self) -> None:
        if self._container is not None:
            name = str(self._container._name)
            self._container.stop()
            self._container = None
            WATCHER.forget("container", name)

    def _wrapped(self) -> Any:  # docker's own container; the package has no types
        assert self._container is not None
        return self._container.get_wrapped_container()


class ContainerMariaDB(ContainerServer):
    provider = "mariadb-11.8"
    flavor = "mariadb"
    image = "mysqlcheck-test/mariadb:11.8"
    program = "mariadbd"
    settings = options.MARIADB
    maker = (
        "mariadb-install-db",
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
        "--innodb-log-file-size=8M",
    )


class ContainerMySQL(ContainerServer):
    provider = "mysql-9.7"
    flavor = "mysql"
    image = "mysqlcheck-test/mysql:9.7"
    program = "mysqld"
    settings = options.MYSQL
    maker = (
        "mysqld",
        "--no-defaults",
        "--initialize-insecure",
        f"--init-file={INSIDE}/root.sql",
        "--secure-file-priv=NULL",
        "--innodb-redo-log-capacity=8M",
        "--innodb-doublewrite=OFF",
        "--innodb-use-native-aio=OFF",
    )

    @classmethod
    def make_empty_datadir(cls, datadir: Path) -> None:
        """Root has to come in from 127.0.0.1, and each copy must make up a server_uuid of its own."""
        datadir.parent.mkdir(parents=True, exist_ok=True)
        (datadir.parent / "root.sql").write_text(
            "CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '';\n"
            "GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        super().make_empty_datadir(datadir)
        (datadir / "auto.cnf").unlink(missing_ok=True)
