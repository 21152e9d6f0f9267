#!/usr/bin/env python3
"""Checks that your balance is part of what a Wallets site publishes that it owes.

    python3 check_liabilities.py PROOF.json [ROOT]

PROOF.json is what the site gave you; ROOT is the root it shows to everybody (its public page, or where somebody
else wrote it down): everybody must see the same one. Python 3 alone, no other program.
"""

import hashlib
import json
import sys


def sha(*parts):
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def climb(proof):
    """The root hash and total that follow from your salt, your balance and the path."""
    total = int(proof["balance"])
    digest = sha("leaf", proof["salt"], str(total))
    for step in proof["path"]:
        other = int(step["sum"])
        if other < 0:
            raise ValueError("a negative sum hides a debt")
        if step["side"] == "left":
            digest = sha("node", step["hash"], str(other), digest, str(total))
        else:
            digest = sha("node", digest, str(total), step["hash"], str(other))
        total += other
    return digest, total


def main(arguments):
    with open(arguments[0]) as file:
        proof = json.load(file)
    root = arguments[1] if len(arguments) > 1 else proof["root"]
    digest, total = climb(proof)
    if digest != root or total != int(proof["total"]):
        print("WRONG: your balance is not part of this root.")
        return 1
    print(f"Your {proof['balance']} atomic units of {proof['coin']} are part of the total {total}, root {root}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
