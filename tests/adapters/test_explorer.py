"""The reading calls managers may make, family by family: all that the seeds name, and none that changes anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapters import registry
from adapters.banano import Banano, BananoOptions
from adapters.base import CoinAdapter, NodeRefused
from adapters.bitcoinlike import BitcoinLike, BitcoinOptions
from adapters.forknote import Forknote, ForknoteOptions
from adapters.lnbits import Lnbits, LnbitsOptions
from adapters.monero import Monero, MoneroOptions
from adapters.readings import LONGEST_FIELD, blanked, params_of, readings
from tests.adapters.banano.world import SEED

NOWHERE = "http://127.0.0.1:9"

# What the manuals name, reading calls first.
FORKNOTE_MANUAL = [
    "get_address",
    "get_address_count",
    "get_actual_balance",
    "get_pending_balance",
    "get_transactions_count",
    "get_transfers_count",
    "get_transaction_id_by_transfer_id",
    "get_transaction",
    "get_transfer",
    "get_incoming_payments",
    "list_transactions",
]
BANANO_MANUAL = [
    "account_balance",
    "account_block_count",
    "account_get",
    "account_history",
    "account_info",
    "account_key",
    "account_representative",
    "accounts_balances",
    "accounts_frontiers",
    "block_info",
    "blocks_info",
    "representatives",
    "representatives_online",
]
MONERO_MANUAL = ["get_balance", "make_integrated_address"]
LNBITS_MANUAL = [
    "GET /api/v1/wallet",
    "GET /api/v1/payments/{payment_hash}",
    "GET /usermanager/api/v1/wallets/{user_id}",
]
BITCOIN_MANUAL = ["getbalance", "gettransaction", "listtransactions", "getblockchaininfo", "getwalletinfo"]

WRITING = {
    "forknote": (
        "send_transaction create_address delete_address sendTransaction createAddress createAddressList deleteAddress "
        "createDelayedTransaction sendDelayedTransaction deleteDelayedTransaction sendFusionTransaction save export "
        "reset getSpendKeys getViewKey getMnemonicSeed"
    ),
    "banano": (
        "send receive process block_create sign key_create key_expand deterministic_key wallet_create wallet_add "
        "wallet_change_seed wallet_export wallet_destroy wallet_lock account_create accounts_create account_remove "
        "account_move account_representative_set wallet_representative_set password_change password_enter "
        "work_generate work_cancel work_set receive_minimum_set search_receivable block_confirm republish stop "
        "bootstrap unchecked_clear ledger node_id"
    ),
    "monero": (
        "transfer transfer_split sweep_all sweep_single sweep_dust relay_tx submit_transfer sign_transfer sign "
        "create_address create_account create_wallet open_wallet close_wallet restore_deterministic_wallet "
        "generate_from_keys change_wallet_password query_key get_tx_key export_key_images import_key_images "
        "export_outputs import_outputs set_tx_notes set_attribute add_address_book delete_address_book refresh "
        "rescan_blockchain rescan_spent store stop_wallet auto_refresh start_mining stop_mining freeze thaw "
        "label_address label_account set_daemon set_log_level get_tx_proof get_spend_proof get_reserve_proof "
        "submit_block generateblocks flush_txpool set_bans /send_raw_transaction /stop_daemon /start_mining /pop_blocks"
    ),
    "bitcoinlike": (
        "sendtoaddress sendmany send sendrawtransaction signrawtransactionwithwallet signrawtransactionwithkey "
        "signmessage signmessagewithprivkey createrawtransaction fundrawtransaction walletpassphrase walletlock "
        "encryptwallet dumpprivkey dumpwallet backupwallet importprivkey importaddress importwallet importmulti "
        "importpubkey importdescriptors listdescriptors getnewaddress getrawchangeaddress keypoolrefill setlabel "
        "settxfee setban lockunspent abandontransaction bumpfee createwallet loadwallet unloadwallet rescanblockchain "
        "sethdseed stop generatetoaddress invalidateblock reconsiderblock submitblock disconnectnode addnode "
        "setnetworkactive logging savemempool pruneblockchain walletprocesspsbt"
    ),
    "lnbits": "",
}


def adapters() -> dict[str, CoinAdapter]:
    forknote: dict[str, Any] = {"url": NOWHERE, "daemon_url": NOWHERE}
    return {
        "forknote": Forknote(ForknoteOptions(**forknote)),
        "banano": Banano(BananoOptions(url=NOWHERE, seed=SEED)),
        "monero": Monero(MoneroOptions(wallet_url=NOWHERE, daemon_url=NOWHERE)),
        "bitcoinlike": BitcoinLike(BitcoinOptions(url=NOWHERE)),
        "lnbits": Lnbits(LnbitsOptions(url=NOWHERE, admin_key="ab" * 16)),
    }


@pytest.fixture(params=list(WRITING))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def offered(family: str) -> list[str]:
    return [one.method for one in adapters()[family].readings()]


def test_every_family_for_real_chains_offers_something():
    real = {kind for kind in registry.FAMILIES if not kind.startswith("demo")}

    assert real - {"banano_node"} == set(WRITING)
    assert all(offered(family) for family in WRITING)


@pytest.mark.parametrize(
    ("family", "manual"),
    [
        ("forknote", FORKNOTE_MANUAL),
        ("banano", BANANO_MANUAL),
        ("monero", MONERO_MANUAL),
        ("bitcoinlike", BITCOIN_MANUAL),
        ("lnbits", LNBITS_MANUAL),
    ],
)
def test_every_reading_call_that_the_manual_names_is_offered(family: str, manual: list[str]):
    assert set(manual) <= set(offered(family))


def test_no_call_that_writes_or_tells_a_key_is_offered_or_can_be_made(family: str):
    adapter = adapters()[family]
    for method in [*WRITING[family].split(), "POST /api/v1/payments", "PUT /api/v1/wallet/x", "", "__init__"]:
        assert method not in offered(family)
        with pytest.raises(NodeRefused, match="not one of this node"):
            adapter.explore(method, {})


def test_what_is_offered_begins_with_a_word_that_reads(family: str):
    """A call that is added later and named like an order is caught, whether or not somebody listed it above."""
    reads = re.compile(
        r"/?(get|list|is_|on_get|validate|verify|check|decode|estimate|uptime|incoming|frozen|split_|parse_|make_uri|"
        r"make_integrated|hard_fork_info|sync_info|account_|accounts_|block|blocks_|chain|confirmation_quorum|"
        r"delegators|peers|receivable|representatives|successors|telemetry|version|work_validate|active_|available_|"
        r"GET |POST /api/v1/payments/decode)"
    )
    assert [method for method in offered(family) if not reads.match(method)] == []


def test_a_call_is_named_once_in_each_program(family: str):
    named = [(one.program, one.method) for one in adapters()[family].readings()]
    assert len(named) == len(set(named))


# -- what is typed --


def test_what_is_typed_becomes_what_the_node_takes():
    (call,) = readings("", {"look": "name* height# deep? ids[] places[#]"})

    typed = {"name": " a b ", "height": "7", "deep": "false", "ids": "x, y\nz", "places": "0 1"}
    assert params_of(call, typed) == {
        "name": "a b", "height": 7, "deep": False, "ids": ["x", "y", "z"], "places": [0, 1]
    }  # fmt: skip
    assert params_of(call, {"name": "a", "height": "", "deep": ""}) == {"name": "a"}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "needs name"),
        ({"name": "  "}, "needs name"),
        ({"name": "a", "other": "b"}, "has no field 'other'"),
        ({"name": "a", "height": "-1"}, "not a whole number"),
        ({"name": "a", "height": "1.5"}, "not a whole number"),
        ({"name": "a", "height": "9" * 19}, "not a whole number"),
        ({"name": "a", "height": "9" * 40}, "not a whole number"),
        ({"name": "a", "height": "١"}, "not a whole number"),
        ({"name": "a", "deep": "maybe"}, "yes or no"),
        ({"name": "a", "places": "0,x"}, "not a whole number"),
        ({"name": "a" * (LONGEST_FIELD + 1)}, "too long"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words_and_nobody_is_asked(typed: dict[str, str], words: str):
    (call,) = readings("", {"look": "name* height# deep? ids[] places[#]"})

    with pytest.raises(NodeRefused, match=words):
        params_of(call, typed)


def test_a_path_of_the_server_cannot_be_left():
    lnbits = adapters()["lnbits"]
    for text in ("../../users", "a/b", "a?b", "%2e%2e", "a b"):
        with pytest.raises(NodeRefused, match="letters and digits only"):
            lnbits.explore("GET /api/v1/payments/{payment_hash}", {"payment_hash": text})


# -- what is shown --


def test_keys_in_an_answer_are_blanked_out_and_so_is_what_we_know_to_be_secret():
    said = [
        {"id": "w1", "adminkey": "aaaa", "inkey": "bbbb", "name": "x", "balance": 5},
        {"spendSecretKey": "cc", "mnemonic_seed": "dd", "note": "our key is 0123456789abcdef!", "key": "public"},
    ]

    assert blanked(said, ["0123456789abcdef", "short"]) == [
        {"id": "w1", "adminkey": "(not shown)", "inkey": "(not shown)", "name": "x", "balance": 5},
        {
            "spendSecretKey": "(not shown)",
            "mnemonic_seed": "(not shown)",
            "note": "our key is (not shown)!",
            "key": "public",
        },
    ]
