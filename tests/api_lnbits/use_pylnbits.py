"""Drives pylnbits 0.0.8; run by its own Python, so it imports nothing of ours. Prints one line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import ClientSession  # type: ignore[import-not-found,unused-ignore]
from pylnbits.config import Config  # type: ignore[import-not-found]
from pylnbits.user_manager import UserManager  # type: ignore[import-not-found]
from pylnbits.user_wallet import UserWallet  # type: ignore[import-not-found]


async def main(asked: dict[str, str]) -> dict[str, object]:
    config = Config(in_key=asked["inkey"], admin_key=asked["adminkey"], lnbits_url=asked["url"])
    async with ClientSession() as session:
        wallet, manager = UserWallet(config, session), UserManager(config, session)
        made = await wallet.create_invoice(False, 21, "by pylnbits", "")
        user = await manager.post_user_initial(asked["usr"], "py user", "py wallet")
        more = await manager.post_wallet(user["id"], "second", asked["usr"])
        return {
            "details": await wallet.get_wallet_details(),
            "made": made,
            "checked": await wallet.check_invoice(made["payment_hash"]),
            "decoded": await wallet.get_payhash(made["payment_request"]),
            "by_memo": await wallet.get_invoicesbymemo("by pylnbits"),
            "paid": await wallet.pay_invoice(True, asked["bolt11"]),
            "after": await wallet.check_invoice(asked["payment_hash"]),
            "listed": await wallet.get_invoices(),
            "refused": await wallet.pay_invoice(True, "lnbc1nonsense"),
            "user": user,
            "more": more,
            "users": await manager.get_users(),
            "one": await manager.get_user(user["id"]),
            "wallets": await manager.get_wallets(user["id"]),
            "transactions": await manager.get_tx(more["id"]),
            "extension": await manager.post_activate_ext(user["id"], "usermanager", 1),
        }


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
