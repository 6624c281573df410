"""Track files: that FILE_CHECK finds its file, and that it is the one that the check writes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from mysqlcheck.keepalived.conf import Node
from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity, literal

BROKEN = ((2, 3, 0), (2, 3, 2))
"""keepalived's versions from and to which FILE_CHECK makes it crash."""
BLOCKS = ("track_file", "vrrp_track_file")


def _files(context: Context) -> dict[str, Node]:
    """Return the track files by name."""
    return {node.words[0]: node for node in context.root.all(*BLOCKS) if node.words}


def _checks(context: Context) -> Iterator[tuple[Node, str, bool]]:
    """Yield each FILE_CHECK, the name of its file, and whether a definition of it stands before the virtual server."""
    before: set[str] = set()
    for node in context.root.children:
        if node.keyword in BLOCKS and node.words:
            before.add(node.words[0])
        elif node.keyword == "virtual_server":
            for real in node.all("real_server"):
                for check in real.all("FILE_CHECK"):
                    name = check.value("track_file") or ""
                    yield check, name, name in before


def undefined(context: Context) -> Iterator[Found]:
    """No such track file."""
    known = _files(context)
    for check, name, _ in _checks(context):
        if not name:
            yield Found(check, "this FILE_CHECK names no track_file: keepalived passes it over")
        elif name not in known and literal(name):
            yield Found(check, f"there is no track_file {name}: keepalived passes this FILE_CHECK over")


def late(context: Context) -> Iterator[Found]:
    """Defined too late."""
    known = _files(context)
    for check, name, before in _checks(context):
        if name in known and not before:
            yield Found(check, f"track_file {name} is defined in line {known[name].line}, after its use")


def mismatch(context: Context) -> Iterator[Found]:
    """The check writes one file and keepalived reads another, or none."""
    known = _files(context)
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            read = {name: known[name].value("file") or "" for _, name in real.files if name in known}
            for check, _, usage in real.ours:
                written = usage.track_file if usage.checks else None
                if not written or not literal("".join((written, *read.values()))):
                    continue
                if not real.files:
                    yield Found(check, f"it writes {written}, and {real.address} has no FILE_CHECK to read it")
                elif read and posixpath.normpath(written) not in map(posixpath.normpath, read.values()):
                    files = ", ".join(f"{name}: {file}" for name, file in read.items())
                    yield Found(check, f"it writes {written}, and the FILE_CHECK here reads another ({files})")


def multiplied(context: Context) -> Iterator[Found]:
    """The number is not added as it stands in the file."""
    known = _files(context)
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            if not any(usage.track_file for _, _, usage in real.ours if usage.checks):
                continue
            for check, name in real.files:
                weight = check.last("weight") or (known[name].last("weight") if name in known else None)
                if weight and weight.words not in (("1",), ("1", "noreverse")):
                    text = f"keepalived multiplies the file's number by `{weight.text}` before it adds it"
                    yield Found(weight, f"{text}: the weights of {real.address} are not those that the check asks for")


def directory_missing(context: Context) -> Iterator[Found]:
    """keepalived watches the directory, and there is none."""
    machine = context.machine
    files = {usage.track_file for virtual in context.virtual_servers for r in virtual.servers for _, _, usage in r.ours}
    for node in _files(context).values():
        file = node.value("file") or ""
        folder = posixpath.dirname(file)
        if machine and file in files and file.startswith("/") and literal(file) and not machine.resolve(folder):
            yield Found(node, f"there is no directory {folder}, which keepalived would watch")


def broken_version(context: Context) -> Iterator[Found]:
    """A version of keepalived that FILE_CHECK crashes."""
    if context.version is None or not BROKEN[0] <= context.version <= BROKEN[1]:
        return
    for check, _, _ in _checks(context):
        version = ".".join(map(str, context.version))
        yield Found(check, f"keepalived {version} crashes over FILE_CHECK, starts again, and crashes again")
        return


RULES = (
    Rule(
        "track_file_undefined",
        Severity.ERROR,
        undefined,
        "FILE_CHECK names a track_file that is not there. keepalived passes the FILE_CHECK over: the weight stays at "
        "what is configured, whatever the check writes.",
        'Write `track_file NAME { file "/run/mysqlcheck/weights/NAME" }` before the virtual_server.',
    ),
    Rule(
        "track_file_late",
        Severity.ERROR,
        late,
        "keepalived reads from top to bottom: a track_file that is defined after the virtual_server with its "
        "FILE_CHECK "
        "is not found, and the FILE_CHECK is passed over.",
        "Move the track_file block before the virtual_server.",
    ),
    Rule(
        "track_file_mismatch",
        Severity.ERROR,
        mismatch,
        "The check writes its weight to one file, and the real server's FILE_CHECK reads another, or there is "
        "none. Then "
        "a drained server keeps the weight that is configured, because the check says 0 (up) for it.",
        "Write the same file in --track-file and in the track_file block of this real server's FILE_CHECK.",
    ),
    Rule(
        "track_file_weight",
        Severity.WARNING,
        multiplied,
        "A `weight` in FILE_CHECK or in the track_file block multiplies the file's number (`reverse` turns its sign). "
        "The check writes what is to be added as it is, so every weight comes out wrong.",
        "Leave that `weight` out; the real server's own is another.",
    ),
    Rule(
        "track_directory_missing",
        Severity.WARNING,
        directory_missing,
        "keepalived watches the track file's directory. It must be there when keepalived starts, and the check does "
        "not make it; below /run it is gone after each boot.",
        "Make it by a file in /etc/tmpfiles.d: `d /run/mysqlcheck/weights 0755 keepalived_script - -`.",
    ),
    Rule(
        "file_check_crashes",
        Severity.ERROR,
        broken_version,
        "keepalived 2.3.0 to 2.3.2 crashes over FILE_CHECK again and again. (2.2.7, 2.2.8, 2.3.3 and 2.3.4 do not.)",
        "Upgrade keepalived to 2.3.3 or later; until then use a plain check without FILE_CHECK.",
    ),
)
