"""What the contract needs around an adapter: its node, and somebody outside who pays and is paid."""

from __future__ import annotations

from abc import ABC, abstractmethod

from adapters.base import AddressRequest, CoinAdapter, Page, Payment, Prepared

DEPTH = 3


class World(ABC):
    """An adapter with its surroundings. Amounts are atomic units."""

    adapter: CoinAdapter
    network: str
    coin = 100_000_000  # an amount worth speaking of
    _number = 0

    @abstractmethod
    def fund(self, address: str, amount: int) -> str:
        """Somebody outside pays to this address; the txid, not yet in a block."""

    @abstractmethod
    def mine(self, blocks: int) -> None: ...

    @abstractmethod
    def outside_address(self) -> str: ...

    @abstractmethod
    def foreign_address(self) -> str:
        """A good address, of another network."""

    @abstractmethod
    def arrived(self, address: str) -> list[int]:
        """Each payment that reached this outside address."""

    @abstractmethod
    def vanish(self, txid: str) -> None:
        """Makes a deposit impossible that was not yet in a block."""

    @abstractmethod
    def steal(self, address: str, amount: int) -> str:
        """Pays from our node without the adapter; the txid."""

    @abstractmethod
    def kill(self, prepared: Prepared) -> None:
        """Makes sure that this payment, which never reached the network, can never be paid."""

    @abstractmethod
    def outage(self) -> None: ...

    @abstractmethod
    def rubbish(self) -> None:
        """The node answers nonsense from now on."""

    @abstractmethod
    def heal(self) -> None: ...

    @abstractmethod
    def lose_answer(self) -> None:
        """The next broadcast reaches the network but its answer is lost."""

    @abstractmethod
    def lose_call(self) -> None:
        """The next broadcast never reaches the node."""

    def settle(self, txid: str) -> None:  # noqa: B027 (most nodes know at once)
        """Waits until our node's wallet has noticed this transaction."""

    def txid(self, prepared: Prepared) -> str:
        """The network's name for a payment that was sent; some families prepare under a name of their own."""
        return prepared.id

    # -- shorthand --

    def new_address(self) -> str:
        self._number += 1
        return self.adapter.new_address(AddressRequest(number=self._number)).address

    def fill(self, amount: int) -> str:
        """Money in the hot wallet, confirmed; its address."""
        address = self.new_address()
        txid = self.fund(address, amount)
        self.mine(DEPTH)
        self.settle(txid)
        return address

    def payment(self, amount: int, address: str = "", id: str = "w1") -> Payment:
        return Payment(id, address or self.outside_address(), amount)

    def poll(self, cursor: str = "") -> Page:
        return self.adapter.transfers(cursor, (), DEPTH)
