"""Libraries that raise, return, hang, or leave something behind: only the Decision's code comes out."""

from pathlib import Path

import pytest

from tests.hostile.server import HostileServer

from .injection import GOOD, WEIGHT, Injection, address, in_time

PATCH = """
import importlib
def patched(*args, **kwargs):
    fired()
    {harm}
owner = importlib.import_module({module!r})
*path, last = {name!r}.split(".")
for part in path:
    owner = getattr(owner, part)
setattr(owner, last, patched)
"""

PLACES = {
    "before parsing": ("click", "Command.make_context"),
    "parsing": ("click", "Command.parse_args"),
    "within the help": ("click", "Command.get_help"),
    "reading the config": ("tomllib", "loads"),
    "the connection's construction": ("pymysql.connections", "Connection.__init__"),
    "resolving": ("socket", "getaddrinfo"),
    "connecting": ("socket", "socket.connect"),
    "logging in": ("pymysql.connections", "Connection.connect"),
    "a query": ("pymysql.cursors", "Cursor.execute"),
    "the rows": ("pymysql.cursors", "Cursor.fetchall"),
    "closing": ("pymysql.connections", "Connection.close"),
    "the track file": ("os", "replace"),
    "the metrics": ("prometheus_client.exposition", "generate_latest"),
    "the output": ("json", "dumps"),
}
NOT_THE_CHECKS = {"within the help", "closing"}
"""Places where harm does not reach the answer: the check shows no help, and an error at the farewell is no news."""

EXCEPTIONS = (
    "raise SystemExit(0)",
    "raise SystemExit(102)",
    "raise KeyboardInterrupt",
    "raise SystemExit(None)",
    "raise SystemExit(True)",
    "raise SystemExit('102')",
    "import click; raise click.exceptions.Exit(0)",
    "raise GeneratorExit",
    "raise MemoryError",
    "raise RecursionError",
    "raise ZeroDivisionError",
    "raise BaseExceptionGroup('several', [SystemExit(0), KeyboardInterrupt()])",
    "raise type('Odd', (BaseException,), {'__str__': lambda self: sys.exit(0)})()",
)
RETURNS = ("0", "102", "True", "False", "None", "'0'", "0.0", "()", "object()")


def patched(place: str, harm: str) -> str:
    module, name = PLACES[place]
    return PATCH.format(module=module, name=name, harm=harm)


def everything(server: HostileServer, tmp_path: Path) -> tuple[str, ...]:
    """Options that lead a check past every place."""
    config = tmp_path / "c.toml"
    config.write_text("[defaults]\n")
    files = ("--config", str(config), "--textfile", str(tmp_path / "x.prom"), "--track-file", str(tmp_path / "r1"))
    return ("--host", "localhost", "--port", str(server.port), "--output", "json", *files)


@pytest.mark.parametrize("place", [place for place in PLACES if place not in NOT_THE_CHECKS])
def test_whatever_a_library_raises_the_check_ends_in_1(place: str, healthy: HostileServer, tmp_path: Path) -> None:
    """The server is healthy, so that a code of 0 or 102 would be believed."""
    for number, harm in enumerate(EXCEPTIONS if place == "a query" else EXCEPTIONS[:3]):
        folder = tmp_path / str(number)
        folder.mkdir()
        ran = Injection.of(folder, patched(place, harm)).run(*everything(healthy, folder))
        assert (ran.code, ran.fired > 0) == (1, True), harm


@pytest.mark.parametrize("harm", ["raise SystemExit(0)", "raise SystemExit(102)", "raise KeyboardInterrupt"])
def test_what_is_raised_in_weight_style_ends_in_1_too(harm: str, healthy: HostileServer, tmp_path: Path) -> None:
    ran = Injection.of(tmp_path, patched("a query", harm)).run(*address(healthy), *WEIGHT)
    assert (ran.code, ran.fired) == (1, 1)


def test_an_error_at_the_farewell_changes_nothing(healthy: HostileServer, tmp_path: Path) -> None:
    ran = Injection.of(tmp_path, patched("closing", "raise OSError")).run(*address(healthy), *WEIGHT)
    assert (ran.code, ran.fired > 0) == (GOOD, True)


@pytest.mark.parametrize("value", RETURNS)
def test_what_click_returns_is_no_decision(value: str, healthy: HostileServer, tmp_path: Path) -> None:
    ran = Injection.of(tmp_path, patched("before parsing", f"return {value}")).run(*address(healthy))
    assert (ran.code, ran.fired) == (1, 1)


@pytest.mark.parametrize("value", RETURNS)
def test_what_is_no_exit_code_of_a_decision_does_not_pass_the_funnel(
    value: str, healthy: HostileServer, tmp_path: Path
) -> None:
    """As if a bug of ours returned it."""
    code = PATCH.format(module="mysqlcheck.cli", name="run_check", harm=f"return {value}")
    ran = Injection.of(tmp_path, code).run(*address(healthy), *WEIGHT)
    assert (ran.code, ran.fired) == (1, 1)


def test_a_number_that_only_looks_like_an_exit_code_does_not_pass(healthy: HostileServer, tmp_path: Path) -> None:
    """An int, a bool, a subclass, and 256, which the kernel cuts to 0; as if the mapping itself were broken."""
    for number, value in enumerate(("102", "True", "type('X', (owner.ExitCode,), {})(102)", "owner.ExitCode(256)")):
        folder = tmp_path / str(number)
        folder.mkdir()
        code = PATCH.format(module="mysqlcheck.outcome", name="exit_code", harm=f"return {value}")
        ran = Injection.of(folder, code).run(*address(healthy), *WEIGHT)
        assert (ran.code, ran.fired) == (1, 1), value


@pytest.mark.parametrize("place", ["before parsing", "a query", "the output"])
def test_true_recursion_ends_in_1(place: str, healthy: HostileServer, tmp_path: Path) -> None:
    ran = Injection.of(tmp_path, patched(place, "return patched()")).run(*everything(healthy, tmp_path))
    assert (ran.code, ran.fired > 100) == (1, True)


@pytest.mark.parametrize("harm", ["raise SystemExit(0)", "sys.exit(102)", "raise KeyboardInterrupt", "patched()"])
def test_harm_while_the_crash_is_being_reported(harm: str, healthy: HostileServer, tmp_path: Path) -> None:
    code = PATCH.format(module="traceback", name="format_exc", harm=harm) + patched(
        "a query", "raise KeyboardInterrupt"
    )
    ran = Injection.of(tmp_path, code).run(*address(healthy))
    assert (ran.code, ran.fired > 1) == (1, True)


LEFT_BEHIND = {
    "an atexit hook that exits with 0": "import atexit; atexit.register(lambda: os._exit(0))",
    "an atexit hook that raises": "import atexit; atexit.register(sys.exit, 0)",
    "an exception in __del__": """
class Dying:
    def __del__(self):
        fired()
        sys.exit(0)
import pymysql.connections as c
old = c.Connection.connect
def connect(self, *args, **kwargs):
    Dying()
    return old(self, *args, **kwargs)
c.Connection.connect = connect
""",
    "objects that die at the interpreter's end": """
class Dying:
    def __del__(self, _exit=os._exit):
        _exit(0)
sys.dying = Dying()
""",
    "a thread that never ends": """
import threading
threading.Thread(target=threading.Event().wait).start()
""",
    "a thread that exits": "import _thread; _thread.start_new_thread(sys.exit, (0,))",
    "an excepthook": "sys.excepthook = lambda *_: os._exit(0)",
    "an unraisablehook": "sys.unraisablehook = lambda *_: os._exit(0)",
    "a trace function": "sys.settrace(lambda *_: None)",
    "a stdout of its own": "sys.stdout = sys.stderr = None",
    "a tiny recursion limit": "import click, pymysql, json; sys.setrecursionlimit(150)",
    "a handler for SIGTERM": "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))",
    "an alarm that is ignored": "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.alarm(1)",
    "buffered words": "sys.stdout.write('x' * 100)",
}
MAY_FAIL = {"a tiny recursion limit"}


@pytest.mark.parametrize("left", LEFT_BEHIND)
def test_what_a_library_leaves_behind_changes_no_answer(
    left: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, LEFT_BEHIND[left])
    for server, code in ((healthy, GOOD), (dead, 1)):
        ran = injection.run(*address(server), *WEIGHT, "--timeout", "2s")
        assert ran.code in ({code, 1} if left in MAY_FAIL else {code})
        assert ran.seconds < 10


HANGS = {
    "sleeps": "import time; time.sleep(60)",
    "sleeps in C and holds the GIL": "import ctypes; ctypes.PyDLL(None).sleep(60)",
    "a catastrophic regular expression, which holds the GIL": "import re; re.match('(a*)*b', 'a' * 40)",
    "loops": "\n    while True: pass",
    "waits for a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "swallows what would stop it": """
    while True:
        try:
            import time; time.sleep(60)
        except BaseException: pass""",
}


@pytest.mark.parametrize("hang", HANGS)
def test_a_library_that_hangs_ends_in_1_and_in_time(hang: str, healthy: HostileServer, tmp_path: Path) -> None:
    injection = Injection.of(tmp_path, patched("a query", HANGS[hang]))
    ran = in_time(injection, *address(healthy), *WEIGHT, timeout=1)
    assert (ran.code, ran.fired > 0) == (1, True)


@pytest.mark.parametrize("place", ["resolving", "the track file", "the metrics", "the output"])
def test_a_hang_before_and_after_the_query_ends_in_1_and_in_time(
    place: str, healthy: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, patched(place, HANGS["sleeps in C and holds the GIL"]))
    ran = in_time(injection, *everything(healthy, tmp_path), timeout=1)
    assert (ran.code, ran.fired > 0) == (1, True)


@pytest.mark.parametrize("hang", ["sleeps", "sleeps in C and holds the GIL"])
def test_an_import_that_hangs_ends_in_1_and_in_time(hang: str, healthy: HostileServer, tmp_path: Path) -> None:
    module = f"fired()\nif True:\n    {HANGS[hang]}\n"
    injection = Injection.of(tmp_path, "", {"pymysql": module})
    ran = in_time(injection, *address(healthy), *WEIGHT, timeout=1)
    assert (ran.code, ran.fired > 0) == (1, True)


def test_a_hang_before_the_timeout_is_known_ends_with_the_default_timeout(
    healthy: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, "", {"click": f"fired()\n{HANGS['sleeps in C and holds the GIL']}\n"})
    ran = in_time(injection, *address(healthy), *WEIGHT, timeout=3)  # 3 s is also the default
    assert (ran.code, ran.fired > 0) == (1, True)


@pytest.mark.parametrize("module", ["click", "pymysql", "ssl"])
@pytest.mark.parametrize("harm", ["sys.exit(0)", "sys.exit(102)", "raise ImportError", "("])
def test_an_import_that_fails_ends_in_1(module: str, harm: str, healthy: HostileServer, tmp_path: Path) -> None:
    ran = Injection.of(tmp_path, "", {module: harm}).run(*address(healthy), *WEIGHT)
    assert ran.code == 1


BROKEN = {
    "without the rest of the package": {},
    "with a syntax error": {"cli/__init__.py": "("},
    "without the funnel": {"funnel.py": ""},
    "with an empty cli": {"cli/__init__.py": ""},
    "that exits": {"cli/__init__.py": "import sys; sys.exit(0)"},
    "whose parts do not fit": {"cli/__init__.py": "def run_check(*_): return 0", "outcome.py": ""},
    "whose outcome is another": {
        "cli/__init__.py": "def run_check(*_): return 102\nclass Shown: pass",
        "outcome.py": "class ExitCode(int): pass",
    },
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_installation_ends_in_1(what: str, healthy: HostileServer, tmp_path: Path) -> None:
    """As in the middle of an upgrade."""
    import mysqlcheck.fast as fast

    injection = Injection.of(tmp_path, "")
    package = injection.folder / "mysqlcheck"
    (package / "cli").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py", "fast.py", "funnel.py"):
        (package / name).write_bytes(Path(fast.__file__).with_name(name).read_bytes())
    for name, text in BROKEN[what].items():
        (package / name).write_text(text)
    assert injection.run(*address(healthy), *WEIGHT).code == 1


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_that_crash_end_in_1(argument: str, tmp_path: Path) -> None:
    code = PATCH.format(module="click", name="Context.exit", harm="raise SystemExit(0)")
    ran = Injection.of(tmp_path, code).run(argument)
    assert (ran.code, ran.fired) == (1, 1)
