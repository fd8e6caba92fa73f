"""Handsets are kept in bounded number, the least recently used going first."""

import pytest

from simulator.handsets import Handsets


def numbers(handsets: Handsets) -> list[str]:
    return [handset.number for handset in handsets]


def test_least_recently_used_goes_first():
    handsets = Handsets("manual", limit=2)
    handsets.give_persona("+1425555001", "busy")
    handsets.give_persona("+1425555002", "busy")
    handsets.give_persona("+1425555001", "rejects")
    handsets.give_persona("+1425555003", "busy")
    assert numbers(handsets) == ["+1425555001", "+1425555003"]
    assert handsets.find("+1425555002").persona_name == "manual"


def test_watchers_hear_of_changes_until_they_leave():
    handsets, heard = Handsets("manual"), []
    handsets.watch(heard.append)
    handsets.give_persona("+1425555001", "busy")
    handsets.unwatch(heard.append)
    handsets.give_persona("+1425555001", "manual")
    assert heard == ["+1425555001"]


def test_unknown_persona():
    with pytest.raises(ValueError, match="unknown persona"):
        Handsets("manual").give_persona("+1425555001", "ghost")
