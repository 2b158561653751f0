"""deployer: put a Docker Compose project onto a fleet of VMs over plain SSH.

    look     facts and transport ask each host, in one round trip
    decide   modules and rollout compare what is wanted with what was seen, without touching a host
    act      engine applies the actions, batch by batch
    judge    engine's gate watches, rollout says healthy or not, and the fleet goes on or goes back

`cli` puts these together; `model` holds the nouns that they speak in.
"""

__version__ = "0.1.0"
