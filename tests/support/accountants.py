"""The books as other people's tools read them: hledger, beancount, and our own rows beside them."""

from __future__ import annotations

import csv
import decimal
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ledger import exports, money, queries
from ledger.models import Account, Coin
from tests.support.components import needs


def ours() -> dict[str, str]:
    """Each account's balance as an accountant signs it, from our rows and the open queue."""
    found = {}
    for coin in Coin.objects.all():
        names = {
            (row.kind, row.owner_id): exports.account_name(row, coin.symbol)
            for row in Account.objects.filter(coin=coin, number=0)
        }
        for row in queries.standings(coin):
            if row.balance:
                found[names[row.kind, row.owner_id]] = money.fixed(-row.balance, coin.decimals)
    return found


def of_hledger(journal: Path) -> dict[str, str]:
    """`hledger check`, then every balance it finds."""
    needs("hledger")
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def run(*arguments: str) -> str:
        command = ["hledger", "-f", str(journal), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("check")
    rows = list(csv.reader(io.StringIO(run("balance", "--flat", "-O", "csv", "--no-total"))))[1:]
    return {name: amount.split(" ")[0].replace(",", "") for name, amount in rows}


def of_beancount(path: Path) -> dict[str, str]:
    """`bean-check`, then every balance beancount finds."""
    from beancount import loader
    from beancount.core import realization

    path.with_name(f".{path.name}.picklecache").unlink(missing_ok=True)
    environment = {**os.environ, "BEANCOUNT_DISABLE_LOAD_CACHE": "1"}  # what it keeps was counted in 28 digits
    checker = shutil.which("bean-check") or str(sys.executable).replace("python", "bean-check")
    run = subprocess.run([checker, str(path)], capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    theirs = {}
    with decimal.localcontext(prec=80):  # beancount counts in Python's own context, of 28 digits
        entries, errors, _ = loader.load_file(str(path))
        assert errors == []
        for real in realization.iter_children(realization.realize(entries)):
            for position in real.balance:
                theirs[real.account] = f"{position.units.number:f}"
    return {name: amount for name, amount in theirs.items() if decimal.Decimal(amount)}
