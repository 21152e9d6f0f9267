"""Rebuilds every balance of an account from its event feed alone, and says where the site's own figures differ.

usage: WALLETS_KEY=wk_… python event_client.py https://wallets.example
The key needs the scope read. Nothing but Python's standard library is used.
"""

import json
import os
import sys
import urllib.request
from collections import defaultdict
from decimal import Decimal, getcontext

getcontext().prec = 60  # amounts have up to 50 digits


def get(base, path):
    headers = {"Authorization": "Bearer " + os.environ["WALLETS_KEY"]}
    with urllib.request.urlopen(urllib.request.Request(base + "/api/v1/" + path, headers=headers)) as answer:
        return json.load(answer)


def rebuild(base):
    """{(coin, purse, "available" or "held"): Decimal} after everything that has happened so far."""
    balances, after = defaultdict(Decimal), 0
    while events := get(base, f"events?after={after}&limit=500")["events"]:
        for event in events:
            assert event["number"] == after + 1, "a number is missing"
            after = event["number"]
            if event["name"] == "balance_changed":
                data = event["data"]
                place = data["coin"], data["purse"], data["account"]
                balances[place] += Decimal(data["change"])
                assert balances[place] == Decimal(data["balance"]), f"{place} is wrong after event {after}"
    return balances


if __name__ == "__main__":
    base = sys.argv[1].rstrip("/")
    rebuilt, wrong = rebuild(base), 0
    for row in get(base, "accounts")["accounts"]:
        for name in ("available", "held"):
            ours, theirs = rebuilt[(row["coin"], 0, name)], Decimal(row[name])
            wrong += ours != theirs
            print(row["coin"], name, f"{ours:f}", "ok" if ours == theirs else f"but the site says {theirs:f}")
    sys.exit(1 if wrong else 0)
