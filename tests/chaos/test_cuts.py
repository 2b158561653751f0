"""One host's network is cut in a rollout, or the host is rebooted: the fleet ends on one release all the same."""

from __future__ import annotations

import time

import pytest
from lane import AFTER, BEFORE, DURING, Held, Lane, Moment, note

HOST = "web2"
MOMENTS = (BEFORE, DURING, AFTER)
AWAY = 4.0  # seconds without network, where it comes back


def ended(lane: Lane, held: Held, old: str) -> str:
    """The deployment's own account, held against the hosts."""
    return lane.ended_well(held.deploy.ended(), held.deploy.output, old, lost=HOST)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_network_is_cut_for_a_while(lane: Lane, moment: Moment) -> None:
    old, host = lane.project.release(), lane.project.host(HOST)
    with lane.polling() as polls, lane.new_release(), lane.at(HOST, moment) as held:
        cut = time.monotonic()
        host.disconnect()
        held.go()
        time.sleep(AWAY)
        host.connect()
        held.deploy.ended()
    how = ended(lane, held, old)
    note("cut for a while", MOMENTS.index(moment), f"{HOST} {moment}", how, since=cut, polls=polls)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_network_is_cut_for_good(lane: Lane, moment: Moment) -> None:
    """The host is asked from its machine room: it has gone back although nobody could tell it to."""
    old, host = lane.project.release(), lane.project.host(HOST)
    with lane.polling() as polls:
        try:
            with lane.new_release(), lane.at(HOST, moment) as held:
                cut = time.monotonic()
                host.disconnect()
                held.go()
                held.deploy.ended()
            how = ended(lane, held, old)
        finally:
            host.connect()
    note("cut for good", MOMENTS.index(moment), f"{HOST} {moment}", how, since=cut, polls=polls)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_host_is_rebooted(lane: Lane, moment: Moment) -> None:
    old, host = lane.project.release(), lane.project.host(HOST)
    with lane.polling() as polls, lane.new_release(), lane.at(HOST, moment) as held:
        down = time.monotonic()
        held.go()
        host.reboot()
        held.deploy.ended()
    how = ended(lane, held, old)
    note("rebooted", MOMENTS.index(moment), f"{HOST} {moment}", how, since=down, polls=polls)


def test_the_next_deployment_goes_well(lane: Lane) -> None:
    lane.deployed()
    lane.clean()
    lane.sound()
