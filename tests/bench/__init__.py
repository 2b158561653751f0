"""The benchmark: deployer and what its users would otherwise have, doing the same job on the same lab hosts.

`make bench` runs `python -m bench`: every tool in an environment of its own, runs interleaved, the hosts asked after
each one whether they are where the tool says that they are. `docs/performance.md` is what comes of it.
"""
