"""All settings of a check put together."""

from typing import TYPE_CHECKING, NamedTuple

from mysqlcheck.errors import SettingsError
from mysqlcheck.judgement import JudgementSettings
from mysqlcheck.kinds import OneOf, Seconds, Text
from mysqlcheck.model import DEFAULT_PORT
from mysqlcheck.settings import Setting

if TYPE_CHECKING:  # only who has pools pays for it
    from mysqlcheck.pool import PoolSettings

DEFAULT_CONFIG = "/etc/mysqlcheck/mysqlcheck.toml"
DEFAULT_OPTION_FILE = "/etc/mysqlcheck/my.cnf"
ONCE = frozenset({"cli", "env"})
"""Sources of settings that say where other settings are."""


AGENT = frozenset({"defaults", "target"})
"""Sources of settings that the agent alone uses; a check reads its file too, and must know them."""


class ConfigFile(NamedTuple):
    """A TOML file and what stood in it."""

    path: str
    content: bytes


class Settings(JudgementSettings):
    """Everything that one check is told."""

    defaults_file = Setting[str | None](
        Text("FILE", "the path of a file"),
        default=None,
        help="A MySQL option file, read as MySQL's clients do; groups [client], then [mysqlcheck].",
        sources=ONCE | {"defaults"},
        default_text=f"{DEFAULT_OPTION_FILE} where it exists",
    )
    config = Setting[str | None](
        Text("FILE", "the path of a file"),
        default=None,
        help='Our own settings as TOML: [defaults] and [target."host:port"] tables.',
        sources=ONCE,
        default_text=f"{DEFAULT_CONFIG} where it exists",
    )
    state_dir = Setting[str](
        Text("DIRECTORY", "the path of a directory"),
        default="/var/lib/mysqlcheck",
        help="Where memory between checks and operators' holds are kept. It must be writable for the user that "
        "keepalived runs the check as.",
        sources=ONCE,
    )
    textfile = Setting[str | None](
        Text("FILE|DIRECTORY", "the path of a file or an existing directory"),
        default=None,
        help="Write metrics for node_exporter's textfile collector: into this .prom file, or into this directory, "
        "there in a file of its own for each target and role.",
    )
    output = Setting[str](
        OneOf("text", "json"), default="text", help="One line for people, or one JSON object.", sources=ONCE
    )

    interval = Setting[float](
        Seconds(0.1, 3600),
        default=1.0,
        help="How often the agent looks at the server.",
        sources=AGENT,
    )
    login_every = Setting[float](
        Seconds(1, 3600),
        default=20.0,
        help="How often the agent logs in anew: a connection that it keeps hides a full server, and login trouble.",
        sources=AGENT,
    )
    pool = Setting[str | None](
        Text("NAME", "the name of a [pool.NAME] table"),
        default=None,
        help="The pool that the server belongs to: where too few of it would serve, the agent lets others in. "
        "Of its servers of role source one serves: where two take writes, the other is refused. Servers that may all "
        "take writes, as Galera's may, are of role any.",
        sources=AGENT,
    )
    verdict_dir = Setting[str](
        Text("DIRECTORY", "the path of a directory"),
        default="/run/mysqlcheck/verdicts",
        help="Where the agent publishes its verdicts, and a plain `mysqlcheck --host H` looks for them.",
        sources=frozenset({"env"}),
    )

    default_port: int = DEFAULT_PORT
    """The port of a server that is named without one."""
    config_read: ConfigFile | None = None
    """The TOML file that was read, for the state directory to keep a copy of."""
    config_broken: bool = False
    """Whether its last good version was read instead."""
    pool_settings: "PoolSettings | None" = None
    """Those of the pool that it belongs to."""
    login_error: SettingsError | None = None
    """What is wrong with the files that hold our credentials; with it there is no use in connecting."""
