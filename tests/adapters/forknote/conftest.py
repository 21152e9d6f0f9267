from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.forknote.forknote_world import ForknoteWorld

MakeWorld = Callable[..., ForknoteWorld]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    made: list[ForknoteWorld] = []

    def make(dialect: str, *more: str, **options: Any) -> ForknoteWorld:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(ForknoteWorld(dialect, folder, *more, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def snake(make_world: MakeWorld) -> ForknoteWorld:
    return make_world("snake")


@pytest.fixture
def camel(make_world: MakeWorld) -> ForknoteWorld:
    return make_world("camel")


@pytest.fixture(params=["snake", "camel"])
def world(request: pytest.FixtureRequest, make_world: MakeWorld) -> ForknoteWorld:
    """Both dialects."""
    return make_world(request.param)
