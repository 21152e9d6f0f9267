"""The layout holds, and the check that says so sees each way of breaking it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.architecture import OURS, modules, read, violations, violations_in

ROOT = Path(__file__).resolve().parents[1]

# Where, what is planted there, what must be said.
FORBIDDEN = [
    ("wallets_site/base/ids.py", "from accounts.models import User", "wallets_site.base must not import"),
    ("wallets_site/base/ids.py", "import wallets_site.databases", "wallets_site.base must not import"),
    ("accounts/models.py", "from ledger.models import Coin", "accounts must not import ledger.models.Coin"),
    ("accounts/models.py", "from adapters import base", "accounts must not import adapters.base"),
    ("accounts/models.py", "from wallets_site import settings", "accounts must not import wallets_site.settings"),
    ("adapters/demo.py", "import ledger.money", "adapters must not import ledger.money"),
    ("adapters/demo.py", "def f():\n    from accounts.models import User", "adapters must not import accounts"),
    ("ledger/nodes.py", "from adapters.demo import Demo", "ledger must not import adapters.demo.Demo"),
    ("ledger/money.py", "from ledger.services import fees", "core must not import ledger.services.fees"),
    ("ledger/models/books.py", "from ledger import queries", "core must not import ledger.queries"),
    ("ledger/models/books.py", "from .. import queries", "core must not import ledger.queries"),
    ("ledger/queries.py", "from ledger.views import home", "services must not import ledger.views.home"),
    ("ledger/services/fees.py", "from ledger.drains import pay", "services must not import ledger.drains.pay"),
    ("ledger/services/fees.py", "from ledger.drains import pay", "only tasks, do_cron and the demo import"),
    ("ledger/drains/pay.py", "from ledger.api import errors", "drains must not import ledger.api.errors"),
    ("ledger/views/home.py", "from ledger.posting import post", "shells must not import ledger.posting.post"),
    ("ledger/views/home.py", "from ledger import locks", "shells must not import ledger.locks"),
    ("ledger/api/errors.py", "from ledger import drains", "shells must not import ledger.drains"),
    ("wallets_site/supervisor.py", "import ledger.drains.pay", "only tasks, do_cron and the demo import"),
    ("ledger/services/fees.py", "from adapters import registry", "only ledger/nodes.py and ledger/drains open"),
    ("wallets_site/demo.py", "from adapters.registry import open as o", "only ledger/nodes.py and ledger/drains open"),
    ("accounts/models.py", "x = User.objects.select_for_update()", "select_for_update stands in ledger/locks.py"),
    ("adapters/demo.py", "x = float('1')", "no float( near money"),
    ("accounts/models.py", "x = float(1)", "no float( near money"),
    ("ledger/money.py", "x = float(1)", "no float( near money"),
    ("ledger/services/moves.py", "Posting(amount=1)", "Posting(…): only ledger/posting.py"),
    ("ledger/services/moves.py", "Transaction.objects.create(kind='x')", "Transaction…create(…): only"),
    ("ledger/services/moves.py", "Account.objects.filter(pk=1).update(version=2)", "Account…update(…): only"),
    ("ledger/drains/scan.py", "Queue.objects.all()[0].delete()", "Queue…delete(…): only"),
    ("ledger/services/moves.py", "row.credits += 1", ".credits = …: only"),
    ("ledger/services/moves.py", "row.debits = 1", ".debits = …: only"),
    ("ledger/services/moves.py", "rows.update(credits=1)", "credits=…: only"),
    ("accounts/models.py", "x = 'UPDATE ledger_account SET credits = 1'", "UPDATE ledger_account: only"),
    ("wallets_site/demo.py", "x = 'insert into \"ledger_posting\" values'", 'insert into "ledger_posting: only'),
    ("ledger/services/fees.py", "x = wallet.kind == 'demo'", "no code asks which family"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tree")
    for top in OURS:
        shutil.copytree(ROOT / top, made / top, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def plant(tree: Path, place: str, code: str) -> list[str]:
    """What the check says of the file in the copy of the tree, beyond what it said before."""
    path = tree / place
    before, text = violations_in(read(tree, place)), path.read_text()
    path.write_text(f"{text}\n{code}\n")
    try:
        return [words for words in violations_in(read(tree, place)) if words not in before]
    finally:
        path.write_text(text)


def test_the_source_keeps_to_the_layout() -> None:
    assert violations(ROOT) == []


def test_the_check_reads_the_whole_source() -> None:
    names = {module.name for module in modules(ROOT)}
    assert {"accounts.models", "adapters.demo", "ledger.posting", "ledger.drains.pay", "wallets_site.base.net"} <= names


@pytest.mark.parametrize(("place", "planted", "said"), FORBIDDEN)
def test_it_sees_what_is_forbidden(tree: Path, place: str, planted: str, said: str) -> None:
    found = plant(tree, place, planted)
    assert any(said in words and words.startswith(place + ":") for words in found), found


def test_it_sees_a_module_without_a_layer(tree: Path) -> None:
    stray = tree / "ledger" / "stray.py"
    stray.write_text("x = 1\n")
    found = violations_in(read(tree, "ledger/stray.py"))
    stray.unlink()
    assert found == ["ledger/stray.py:1: say in LAYERS which layer this module is of"]


@pytest.mark.parametrize(
    ("place", "planted"),
    [
        ("ledger/posting.py", "Posting(amount=1)\nx = 'UPDATE ledger_account SET credits = 1'"),
        ("ledger/locks.py", "x = Account.objects.select_for_update()"),
        ("ledger/tasks.py", "from ledger.drains import pay"),
        ("ledger/views/home.py", "from ledger.services import moves\nfrom ledger.models import Coin"),
        ("ledger/drains/pay.py", "from adapters import registry\nfrom ledger.services import fees"),
        ("wallets_site/urls.py", "from ledger.views import home\nfrom accounts import services"),
    ],
)
def test_it_lets_pass_what_is_allowed(tree: Path, place: str, planted: str) -> None:
    assert plant(tree, place, planted) == []
