"""keepalived.conf as a tree: what stands in which block, with file and line.

    virtual_server 10.0.0.1 3306 {          Node("virtual_server", ("10.0.0.1", "3306"), …)
        real_server 10.0.0.2 3306 {             Node("real_server", …)
            weight 1                                Node("weight", ("1",), …)

The tree knows no keywords: whether one may stand where it does is keepalived's business (`keepalived -t`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mysqlcheck.errors import MysqlcheckError
from mysqlcheck.keepalived import words
from mysqlcheck.keepalived.lines import Line, Reader, Trouble

DEFAULT_FILE = "/etc/keepalived/keepalived.conf"
MOST_IDS = 8
"""Configuration ids whose views are read: each is a reading of all files."""


class ConfigUnreadable(MysqlcheckError):
    """The file itself could not be read."""


class Node(NamedTuple):
    """A line, with the block behind it if it has one."""

    keyword: str
    words: tuple[str, ...]
    """The words after the keyword, as keywords that take no script see them."""
    text: str
    """The whole line; words.script() reads a script from it."""
    file: str
    line: int
    children: tuple[Node, ...] = ()

    def all(self, *keywords: str) -> list[Node]:
        """Return the lines of this block that begin with one of these keywords."""
        return [node for node in self.children if node.keyword in keywords]

    def last(self, *keywords: str) -> Node | None:
        """Return the last of them: for most keywords keepalived keeps what was written last."""
        found = self.all(*keywords)
        return found[-1] if found else None

    def value(self, *keywords: str) -> str | None:
        """Return the first word after the last of these keywords."""
        node = self.last(*keywords)
        return node.words[0] if node and node.words else None

    def walk(self) -> Iterator[Node]:
        """Yield everything in this block, in the order of the file."""
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


class View(NamedTuple):
    """The configuration as a keepalived with one configuration id sees it."""

    config_id: str | None
    root: Node
    """Its children are what stands in no block."""
    troubles: tuple[Trouble, ...]


class Config(NamedTuple):
    """A configuration in all its views; without lines that begin with `@` there is one."""

    path: str
    views: tuple[View, ...]
    files: tuple[str, ...]


def read(path: str) -> Config:
    """Read keepalived.conf with what it includes. Raises ConfigUnreadable where the file itself cannot be read."""
    try:
        view, reader = _view(path, None)
        ids = sorted(reader.ids)[:MOST_IDS]
        views = [_view(path, name) for name in ids]
    except (OSError, ValueError) as error:
        raise ConfigUnreadable(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    # With lines for two ids or more every director has one; with one id, the other director may have none.
    files = dict.fromkeys(file for each in (reader, *(reader for _, reader in views)) for file in each.files)
    return Config(path, (*([view] if len(ids) < 2 else []), *(view for view, _ in views)), tuple(files))


class _Block:
    """A block that is being read: whose it is, what stands in it, and whether its last line may still open one."""

    def __init__(self, owner: Node) -> None:
        self.owner, self.children, self.may_open = owner, list[Node](), False

    def add(self, node: Node) -> None:
        self.children.append(node)
        self.may_open = True

    def close(self) -> Node:
        return self.owner._replace(children=tuple(self.children))


def parse(lines: Iterable[Line], path: str, troubles: list[Trouble]) -> Node:
    """Build the tree; braces that do not add up are put to the troubles."""
    blocks = [_Block(Node("", (), "", path, 1))]
    for line in lines:
        for text in words.pieces(line.text):
            block = blocks[-1]
            if text == "{":
                nameless = Node("", (), "", line.file, line.line)
                if not block.may_open:
                    troubles.append(Trouble("unbalanced_braces", line.file, line.line, "this { belongs to no keyword"))
                blocks.append(_Block(block.children.pop() if block.may_open else nameless))
                block.may_open = False
            elif text != "}":
                block.add(_node(line, text))
            elif len(blocks) > 1:
                done = blocks.pop().close()
                blocks[-1].children.append(done)
            else:
                troubles.append(Trouble("unbalanced_braces", line.file, line.line, "this } closes nothing"))
    while len(blocks) > 1:
        done = blocks.pop().close()
        blocks[-1].children.append(done)
        text = f"the block of {done.keyword or 'this brace'} is not closed before the end"
        troubles.append(Trouble("unbalanced_braces", done.file, done.line, text))
    return blocks[0].close()


def _node(line: Line, text: str) -> Node:
    found = words.split(text)
    return Node(found[0] if found else "", found[1:], text, line.file, line.line)


def _view(path: str, config_id: str | None) -> tuple[View, Reader]:
    reader = Reader(config_id)
    troubles: list[Trouble] = []
    root = parse(reader.read(path), path, troubles)
    return View(config_id, root, (*reader.troubles, *troubles)), reader
