"""All keys of a wallet come from one seed and a number: 0 is the hot account, members' addresses follow from 1."""

from __future__ import annotations

from adapters.codecs import banano_crypto as crypto

HOT = 0
LOOK_AHEAD = 100  # how many numbers, from the first and from the highest one seen, are tried for a stranger's key


class Keyring:
    """Serves one adapter. It remembers public keys; private ones are made anew for each signature."""

    def __init__(self, seed: bytes, prefix: str) -> None:
        self._seed = seed
        self._prefix = prefix
        self._public: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._highest = HOT

    def __repr__(self) -> str:
        return "Keyring()"

    @property
    def hot(self) -> str:
        return self.public(HOT)

    def public(self, number: int) -> str:
        """Upper-case hex. Raises ValueError for a number of more than 32 bits."""
        if number not in self._public:
            key = crypto.public_key(crypto.private_key(self._seed, number)).hex().upper()
            self._public[number], self._numbers[key] = key, number
        return self._public[number]

    def private(self, number: int) -> bytes:
        return crypto.private_key(self._seed, number)

    def address(self, number: int) -> str:
        self._highest = max(self._highest, number)
        return crypto.encode_address(self._prefix, bytes.fromhex(self.public(number)))

    def knows(self, key: str) -> bool:
        return self.number(key) is not None

    def number(self, key: str) -> int | None:
        """Which of our numbers has this public key: one seen before, one of the first, or one not handed out yet."""
        if key not in self._numbers:
            for number in (*range(LOOK_AHEAD), *range(self._highest, self._highest + LOOK_AHEAD)):
                self.public(number)
        return self._numbers.get(key)
