"""How many inotify instances hosts need."""

from deployer.lab.limits import instances_for


def test_a_few_hosts_leave_the_machine_as_it_is() -> None:
    assert instances_for(8, present=128) is None


def test_many_hosts_need_more_than_the_default() -> None:
    assert instances_for(32, present=128) == 384


def test_a_limit_that_will_do_is_left_alone() -> None:
    assert instances_for(32, present=8192) is None
