"""Throw-away hosts on this machine: real in everything but the hardware.

    control   apt, pip, certificates, names: how this machine reaches the world, so that its hosts do too
    engine    a Docker Engine to carry the hosts: the one that answers, or one installed and started by hand
    images    Debian, the hosts, and official images, pulled where a registry answers, else built from packages
    registry  answers on the lab's network for Docker Hub's official names
    fleet     a lab: hosts with systemd, sshd, cron and sudo, on a network of their own

What runs inside the images is in `recipes`, one folder each.
"""
