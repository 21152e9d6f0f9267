"""What holds on every page there is."""

from __future__ import annotations

from tests.api.test_routes import routes
from tests.pages import gallery


def test_every_route_says_how_to_see_it_or_that_it_is_no_page(site):
    there = {route for route in routes() if not route.startswith(gallery.PROGRAMS) or route == "api/v1/schema"}
    told = set(gallery.SHOWN) | gallery.NO_PAGES

    assert there - told == {r"api/v1/^[\s\S]*$"} - told, "say in tests/pages/gallery.py how to see these"
    assert told - there - {"api/v1/schema", r"api/v1/^[\s\S]*$"} == set(), "these routes are gone"


def test_every_page_is_there(site):
    world = gallery.build()
    wrong = []
    for look in gallery.looks():
        try:
            answer = world.see(look)
        except Exception as error:
            wrong.append((look, 0, repr(error)[:200]))
            continue
        if answer.status_code != look.status:
            wrong.append((look, answer.status_code, answer.get("Location", "")))
    assert wrong == [], "\n".join(map(str, wrong))
