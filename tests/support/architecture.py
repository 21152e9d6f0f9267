"""Reads the source as text and says where it breaks the layout: who may import whom, and who may do what.

wallets_site/base   imports nothing of ours
accounts, adapters  -> base
ledger              -> base, accounts, adapters.base, adapters.registry, adapters.models
inside ledger       views, api, admin -> services, queries, nodes -> core;  drains -> services
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

APPS = ("accounts", "adapters", "ledger")
OURS = (*APPS, "wallets_site")
MAY_IMPORT = {
    "wallets_site.base": ("wallets_site.base",),
    "accounts": ("accounts", "wallets_site.base"),
    "adapters": ("adapters", "wallets_site.base"),
    "ledger": (
        *("ledger", "accounts", "wallets_site.base"),
        *("adapters.base", "adapters.registry", "adapters.models"),
    ),
}

LAYERS = {
    "core": ("models", "fields", "money", "locks", "posting", "commits", "events", "pokes", "guards"),
    "services": ("services", "queries", "nodes", "verify", "verify_rows", "exports", "statements"),
    "drains": ("drains",),
    "shells": ("views", "api", "admin", "forms", "forms_keys", "templatetags", "urls", "feeds", "middleware"),
}
# Above all layers: what the queue and managers' commands start, and what Django itself loads.
ENTRANCES = ("tasks", "do_cron", "management", "apps")
LAYER_MAY_IMPORT = {
    "core": ("core",),
    "services": ("core", "services"),
    "drains": ("core", "services", "drains"),
    "shells": ("core", "services", "shells"),
}
# Of the core, what a shell may never touch: it asks a service.
CLOSED_TO_SHELLS = ("ledger.posting", "ledger.locks")
# Beside drains themselves, and tests.
MAY_IMPORT_DRAINS = (
    *("ledger.tasks", "ledger.management.commands.signer", "wallets_site.demo", "wallets_site.demo_lightning"),
)
CRON = "do_cron"
MAY_OPEN_REGISTRY = ("ledger.nodes", "ledger.drains", "adapters")
BOOKS = ("Account", "Transaction", "Posting", "Queue")
WRITES = ("create", "bulk_create", "update", "bulk_update", "delete", "get_or_create", "update_or_create", "acreate")
TOTALS = ("debits", "credits")
WRITING_SQL = re.compile(
    r"\b(INSERT\s+INTO|REPLACE\s+INTO|UPDATE|DELETE\s+FROM)\s+\W?ledger_(account|transaction|posting|queue)\b", re.I
)


@dataclass(frozen=True)
class Module:
    name: str
    path: str
    tree: ast.Module

    def is_in(self, *places: str) -> bool:
        return any(self.name == place or self.name.startswith(place + ".") for place in places)

    @property
    def layer(self) -> str:
        parts = self.name.split(".")
        if parts[0] != "ledger" or len(parts) < 2:
            return ""
        return next((layer for layer, names in LAYERS.items() if parts[1] in names), "")

    @property
    def has_a_place(self) -> bool:
        """Every module of the ledger belongs to a layer, so that no rule passes it by."""
        parts = self.name.split(".")
        return parts[0] != "ledger" or len(parts) < 2 or bool(self.layer) or parts[1] in ENTRANCES

    def at(self, node: ast.stmt | ast.expr, words: str) -> str:
        return f"{self.path}:{node.lineno}: {words}"


def modules(root: Path) -> Iterator[Module]:
    for top in OURS:
        for path in sorted((root / top).rglob("*.py")):
            if "migrations" not in path.parts:
                yield read(root, str(path.relative_to(root)))


def read(root: Path, place: str) -> Module:
    parts = Path(place).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, place, ast.parse((root / place).read_text()))


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Each imported name of ours; `from a import b` counts as a.b, which a module's contents do as well."""
    for node in ast.walk(module.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{_source(module, node)}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node, name) for name in names if name.split(".")[0] in OURS)


def _source(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    if not module.path.endswith("__init__.py"):
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


def between_apps(module: Module) -> Iterator[str]:
    for home, allowed in MAY_IMPORT.items():
        if module.is_in(home):
            for node, name in imports(module):
                if not _within(name, allowed):
                    yield module.at(node, f"{home} must not import {name}")


def inside_ledger(module: Module) -> Iterator[str]:
    if not module.has_a_place:
        yield f"{module.path}:1: say in LAYERS which layer this module is of"
    if not module.layer:
        return
    for node, name in imports(module):
        target = Module(name, "", ast.Module([], [])).layer
        if target and target not in LAYER_MAY_IMPORT[module.layer]:
            yield module.at(node, f"{module.layer} must not import {name}")
        if module.layer == "shells" and _within(name, CLOSED_TO_SHELLS):
            yield module.at(node, f"shells must not import {name}")


def drains_stay_in_the_worker(module: Module) -> Iterator[str]:
    if module.is_in("ledger.drains", *MAY_IMPORT_DRAINS) or module.name.endswith("." + CRON):
        return
    for node, name in imports(module):
        if _within(name, ("ledger.drains",)):
            yield module.at(node, f"only tasks, {CRON} and the demo import {name}")


def nodes_are_opened_in_two_places(module: Module) -> Iterator[str]:
    if module.is_in(*MAY_OPEN_REGISTRY):
        return
    for node, name in imports(module):
        if _within(name, ("adapters.registry",)):
            yield module.at(node, "only ledger/nodes.py and ledger/drains open nodes")


def locks_stand_in_one_place(module: Module) -> Iterator[str]:
    if module.is_in("ledger.locks"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr == "select_for_update":
            yield module.at(node, "select_for_update stands in ledger/locks.py only")


def no_floats(module: Module) -> Iterator[str]:
    if not module.is_in(*APPS):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            yield module.at(node, "no float( near money")


def books_have_one_writer(module: Module) -> Iterator[str]:
    if module.is_in("ledger.posting"):
        return
    for node in ast.walk(module.tree):
        found = _book_write(node) or _total_write(node) or _sql_write(node)
        if found and isinstance(node, ast.stmt | ast.expr):
            yield module.at(node, f"{found}: only ledger/posting.py writes the books")


def _book_write(node: ast.AST) -> str:
    """Posting(…), Posting.objects.create(…), Account.objects.filter(…).update(…)."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Name) and node.func.id in BOOKS:
        return f"{node.func.id}(…)"
    if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
        root = _root(node.func)
        return f"{root}…{node.func.attr}(…)" if root in BOOKS else ""
    return ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _total_write(node: ast.AST) -> str:
    """account.debits = …, account.credits += …, update(credits=…)."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        # A running total of some class's own is no account.
        names = [target.attr for target in targets if isinstance(target, ast.Attribute) and _root(target) != "self"]
        return next((f".{name} = …" for name in names if name in TOTALS), "")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
        return next((f"{word.arg}=…" for word in node.keywords if word.arg in TOTALS), "")
    return ""


def _sql_write(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and (found := WRITING_SQL.search(node.value)):
        return found[0]
    return ""


def no_coin_is_special(module: Module) -> Iterator[str]:
    """What a coin can do is asked of its features, never of its kind."""
    if not module.is_in("ledger", "accounts"):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) and side.value in ("demo", "bitcoinlike") for side in sides):
            yield module.at(node, "no code asks which family a coin is of")


RULES: tuple[Callable[[Module], Iterator[str]], ...] = (
    between_apps,
    inside_ledger,
    drains_stay_in_the_worker,
    nodes_are_opened_in_two_places,
    locks_stand_in_one_place,
    no_floats,
    books_have_one_writer,
    no_coin_is_special,
)


def violations_in(module: Module) -> list[str]:
    return [words for rule in RULES for words in rule(module)]


def violations(root: Path) -> list[str]:
    return [words for module in modules(root) for words in violations_in(module)]
