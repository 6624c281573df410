"""Whose an address is: the kernel is asked, and nothing is sent."""

from __future__ import annotations

import pytest

from mysqlcheck.doctor.ask import is_here


@pytest.mark.parametrize(("address", "here"), [("127.0.0.1", True), ("127.0.0.9", False), ("192.0.2.77", False)])
def test_an_address_of_this_machine_is_known_as_such(address: str, here: bool) -> None:
    assert is_here(address) is here


def test_an_address_without_a_way_to_it_is_none_of_this_machine() -> None:
    assert not is_here("2001:db8::77")
