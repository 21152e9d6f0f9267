"""The run: withdrawals asked for one after another, worker after worker killed, and in the end the count."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import registry
from adapters.base import NodeError
from ledger import queries
from ledger.drains import steps
from ledger.drains.scan import Watch
from ledger.models import Freeze, Operation, Withdrawal
from ledger.services import site_settings
from tests.faults.hook import ADDRESS
from tests.faults.reaper import Reaper
from tests.faults.world import FaultWorld
from tests.support.databases import Database
from tests.support.factories import make_user
from tests.support.live import child_environment
from tests.support.money import send
from tests.support.processes import PYTHON, Child, children_of, wait_for
from wallets_site.base.errors import WalletError

# Of death at a step. The first ones come again after it, the last ones are reached once. Two deaths and more for each
# withdrawal, or the run would be out of steps before it is out of kills.
LIKELIHOOD = {
    steps.PREPARED: 0.4, steps.RECORDED: 0.5, steps.LOOKED_UP: 0.4, steps.ATTEMPTED: 0.5, steps.SENT: 0.7,
    steps.MARKED: 0.8,
}  # fmt: skip
BATCH = 2  # payments in one transaction at most: more transactions mean more steps to die at
AHEAD = 3  # withdrawals of a coin that may be under way besides those the kills so far allow
IDLE = 1.0  # seconds without a step and without a payment to make, after which each coin gets one more withdrawal
WORKERS = 3
LULL = 3.0  # the same when there is none left to ask for: then the worker is killed wherever it stands
LONG_LULL = 15.0  # the same while payments are to be made: each life shall come to a step on a busy machine too
WEATHER = 0.6  # seconds between two changes of a coin's world, on average
CALM = 12.0  # seconds between two restarts of a coin's nodes
PATIENCE = 90.0  # seconds without any progress, after which what is left counts as stuck
FUND_SECONDS = 120.0
MOVING = (Withdrawal.State.QUEUED, Withdrawal.State.DISPATCHED)  # those whose steps are still to come


@dataclass
class Asked:
    """One withdrawal as its payee expects it."""

    operation: int
    address: str
    amount: int


@dataclass
class Count:
    """What the payees' wallets show, coin by coin."""

    paid_once: int = 0
    paid_twice: int = 0
    lost: int = 0
    stuck: int = 0
    problems: list[str] = field(default_factory=list)

    def judge(self, operation: int, address: str, amount: int, got: list[int], status: str) -> None:
        """lost: the site says it is over and the payee has something else. stuck: the site still waits."""
        done = status == Operation.Status.DONE
        if len(got) > 1 or sum(got) > amount:
            self.paid_twice += 1
        elif got == [amount] and done:
            self.paid_once += 1
            return
        elif status in (Operation.Status.PENDING, Operation.Status.UNCONFIRMED):
            self.stuck += 1
        else:
            self.lost += 1
        self.problems.append(f"operation {operation} ({status}) to {address}: {amount} asked, {got} came")


class Storm:
    def __init__(
        self,
        database: Database,
        worlds: Sequence[FaultWorld],
        *,
        withdrawals: int,
        kills: int,
        seed: int,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.database, self.worlds, self.tell = database, list(worlds), tell
        self.withdrawals, self.kills, self.seed = withdrawals, kills, seed
        self.chance = random.Random(seed)
        self.asked: dict[str, list[Asked]] = {world.key: [] for world in worlds}
        self.began = time.monotonic()
        socket = database.folder / "steps"
        self.reaper = Reaper(socket, random.Random(seed + 1), likelihood=LIKELIHOOD, most=kills)
        hook = {"WALLETS_STEP_HOOK": "tests.faults.hook.report", ADDRESS: str(socket)}
        self.environment = {**hook, "WALLETS_WORKERS": str(WORKERS)}
        self.child: Child | None = None
        self._more, self._more_at = AHEAD * len(worlds), 0.0
        self._next_change = dict.fromkeys(self.asked, 0.0)
        self._restarted = dict.fromkeys(self.asked, time.monotonic())
        self._told = 0.0

    def run(self) -> dict[str, Any]:
        """The report; its last three zeros are what it is all about."""
        try:
            self._prepare()
            self._start()
            self._rage()
            self._settle()
        finally:
            if self.child is not None:
                self.child.stop(seconds=30)
            self.reaper.close()
        return self._count()

    # -- before --

    def _prepare(self) -> None:
        settings = site_settings.current()
        settings.cron_batch_size = BATCH
        settings.save(update_fields=["cron_batch_size"])
        self.people = [make_user("alice"), make_user("bob")]
        for world in self.worlds:
            world.connect()

    def _start(self) -> None:
        self.child = start_worker(self.database, **self.environment)
        for world in self.worlds:
            self._fund(world)
        self.tell(f"seed {self.seed}; {', '.join(self.asked)} funded after {self._seconds():.0f} s")

    def _fund(self, world: FaultWorld) -> None:
        coin = world.use.coin
        for person in self.people:
            world.fund(person)
        world.mine(world.confirmations)
        for person in self.people:

            def credited(person: Any = person) -> bool:
                return queries.balance(person, coin).available == world.deposit

            wait_for(f"the deposits of {coin}", credited, seconds=FUND_SECONDS, pause=0.2)

    # -- meanwhile --

    def _rage(self) -> None:
        while self._allowed() < self.withdrawals or not self.reaper.done:
            self._ask_more()
            for world in self.worlds:
                self._change(world, restart=True)
            self._end_lull()
            self._say()
            time.sleep(0.03)
        self._ask_more()

    def _allowed(self) -> int:
        """How many withdrawals may have been asked for by now: they go with the kills."""
        share = self.reaper.kills * self.withdrawals // self.kills if self.kills else self.withdrawals
        return min(self.withdrawals, share + self._more)

    def _ask_more(self) -> None:
        while (number := sum(map(len, self.asked.values()))) < self._allowed():
            if not self._ask(self.worlds[number % len(self.worlds)], number):
                return

    def _ask(self, world: FaultWorld, number: int) -> bool:
        """False while the site says that this coin cannot be sent just now."""
        person = self.people[number // len(self.worlds) % len(self.people)]
        try:
            address, amount = world.payee(number)
            operation = send(person, world.use.coin, address, amount)
        except (WalletError, OSError):
            return False
        self.asked[world.key].append(Asked(operation.pk, address, amount))
        return True

    def _change(self, world: FaultWorld, *, restart: bool) -> None:
        now = time.monotonic()
        if now < self._next_change[world.key]:
            return
        calm = now - self._restarted[world.key] < CALM
        before = world.weather["restarts"]
        world.change(self.chance, restart=restart and not calm)
        if world.weather["restarts"] > before:
            self._restarted[world.key] = time.monotonic()
        self._next_change[world.key] = time.monotonic() + self.chance.uniform(0, 2 * WEATHER)

    def _end_lull(self) -> None:
        assert self.child is not None
        assert self.child.running, self.child.output()[-2000:]
        now = time.monotonic()
        silence = now - self.reaper.heard_at
        if silence < IDLE or (silence < LONG_LULL and Withdrawal.objects.filter(state__in=MOVING).exists()):
            return
        if self._allowed() < self.withdrawals:
            if now - self._more_at > IDLE:
                self._more, self._more_at = self._more + len(self.worlds), now
            return
        if silence < LULL:
            return
        self.reaper.heard_at = time.monotonic()
        for leader in children_of(self.child.pid):
            self.reaper.kill_anywhere(leader)

    # -- after --

    def _settle(self) -> None:
        """Good weather and no more deaths: everything comes to its end, or is stuck."""
        for world in self.worlds:
            world.heal()
        left, since = self._open(), time.monotonic()
        while left:
            for world in self.worlds:
                world.mine(1)
            self._ask_more()
            self._say()
            time.sleep(0.3)
            now_left = self._open()
            if now_left != left:
                left, since = now_left, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                return

    def _open(self) -> int:
        asked = sum(map(len, self.asked.values()))
        return self.withdrawals - asked + Withdrawal.objects.exclude(state__in=("done", "failed")).count()

    def _say(self) -> None:
        if time.monotonic() - self._told < 5:
            return
        self._told = time.monotonic()
        self.tell(
            f"{self._seconds():5.0f} s  kills {self.reaper.kills}/{self.kills}  lives {self.reaper.lives}  "
            f"asked {sum(map(len, self.asked.values()))}/{self.withdrawals}  open {self._open()}"
        )

    def _seconds(self) -> float:
        return time.monotonic() - self.began

    # -- the count --

    def _count(self) -> dict[str, Any]:
        by_coin = {world.key: self._count_one(world) for world in self.worlds}
        names = ("withdrawals", "paid_once", "paid_twice", "lost", "stuck")
        totals = {name: sum(row[name] for row in by_coin.values()) for name in names}
        totals["stuck"] += self.withdrawals - totals["withdrawals"]
        for freeze in Freeze.objects.filter(ended_at=None):
            self.tell(f"frozen: {freeze.reason}")
        return {
            "withdrawals": totals.pop("withdrawals"),
            "lives": self.reaper.lives,
            **totals,
            "kills": self.reaper.kills,
            "kills_at_steps": self.reaper.kills - self.reaper.by_step["anywhere"],
            "books_agree": all(row["books_agree"] for row in by_coin.values()),
            "by_coin": by_coin,
            "by_step": dict(self.reaper.by_step.most_common()),
            "seed": self.seed,
            "seconds": round(self._seconds()),
        }

    def _count_one(self, world: FaultWorld) -> dict[str, Any]:
        count, arrived = Count(), world.paid()
        asked = self.asked[world.key]
        status = dict(Operation.objects.filter(coin=world.use.coin).values_list("pk", "status"))
        for one in asked:
            got = arrived.get(one.address, [])
            count.judge(one.operation, one.address, one.amount, got, status[one.operation])
        for problem in count.problems:
            self.tell(f"{world.key}: {problem}")
        return {
            "withdrawals": len(asked),
            "paid_once": count.paid_once,
            "paid_twice": count.paid_twice,
            "lost": count.lost,
            "stuck": count.stuck,
            "books_agree": self._books_agree(world),
            **{name: world.weather[name] for name in sorted(world.weather)},
        }

    def _books_agree(self, world: FaultWorld) -> bool:
        """The books balance, each member has what is left, and the nodes hold what the books say."""
        totals: Counter[str] = Counter(queries.totals(world.use.coin))
        done = [one.amount for one in self.asked[world.key]]
        owed = len(self.people) * world.deposit - sum(done)
        try:
            held = registry.open(world.use.wallet).funds(Watch(world.use.wallet)).total
        except NodeError as error:
            self.tell(f"{world.key}: {error}")
            return False
        agree = sum(totals.values()) == 0 and totals["user"] == owed and held == -totals["hot"]
        if not agree:
            self.tell(f"{world.key}: owed {owed}, the nodes hold {held}, the books say {dict(totals)}")
        return agree


def start_worker(database: Database, **environment: str) -> Child:
    """The site's own parent with its worker cluster, started again at once however often it dies."""
    command = [PYTHON, "manage.py", "run", "--no-web", "--beat", "0.5", "--longest-pause", "0", "--grace", "5"]
    env = child_environment(database, EMAIL_URL="dummymail://", **environment)
    return Child(command, log=database.folder / "run.log", env=env)


def is_clean(report: dict[str, Any]) -> bool:
    return not (report["paid_twice"] or report["lost"] or report["stuck"]) and bool(report["books_agree"])


def last_line(report: dict[str, Any]) -> str:
    return json.dumps(report)
