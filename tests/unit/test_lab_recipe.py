"""Recipes of images, and what a host is made from."""

import io
import tarfile

from deployer.lab.boot import Blueprint
from deployer.lab.capabilities import bounding_set, capabilities
from deployer.lab.recipe import Recipe, load_recipe, pack

RECIPES = ("base", "host", "host-docker", "host-packages", "registry", "python", "postgres", "busybox")


def test_a_tag_changes_with_everything_that_goes_into_the_image():
    recipe = Recipe(name="a", base="debian:1", files={"Dockerfile": b"FROM x", "f": b"1"})
    others = [
        Recipe(name="a", base="debian:2", files=recipe.files),
        Recipe(name="a", base="debian:1", files={"Dockerfile": b"FROM x", "f": b"2"}),
        Recipe(name="a", base="debian:1", files={"Dockerfile": b"FROM x", "g": b"1"}),
        Recipe(name="a", base="debian:1", files={"Dockerfile": b"FROM x"}),
    ]
    assert len({recipe.tag, *(other.tag for other in others)}) == 5
    assert recipe.tag == Recipe(name="a", base="debian:1", files=dict(reversed(recipe.files.items()))).tag


def test_all_recipes_are_shipped():
    assert all("Dockerfile" in load_recipe(name).files for name in RECIPES)


def test_no_recipe_names_a_mirror():
    texts = [content.decode() for name in RECIPES for content in load_recipe(name).files.values()]
    assert not any("http://" in text or "https://" in text for text in texts)


def test_scripts_are_packed_executable_and_keys_private():
    key = "home/deploy/.ssh/authorized_keys"
    packed = pack({"run": b"#!/bin/sh\n", "text": b"x", key: b"k"}, owner={key: 7})
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        modes = {member.name: (member.mode, member.uid) for member in tar}
    assert modes == {"run": (0o755, 0), "text": (0o644, 0), key: (0o600, 7)}


def test_capabilities_are_those_of_the_bounding_set_that_an_engine_knows():
    everything = capabilities(0x1FFFFFFFFFF)
    assert everything[0] == "CHOWN"
    assert everything[-1] == "AUDIT_READ"
    assert set(everything) - set(capabilities(0x1FFFEFFFFFF)) == {"SYS_RESOURCE"}
    assert bounding_set("Name:\tsh\nCapBnd:\t000001fffeffffff\n") == 0x1FFFEFFFFFF


def test_a_hosts_labels_say_all_that_is_needed_to_find_it_again():
    host = Blueprint(lab="demo", name="web1", address="10.0.0.9", port=2222, image="i", neighbours={})
    assert host.labels == {
        "deployer.lab": "demo",
        "deployer.lab.role": "host",
        "deployer.lab.host": "web1",
        "deployer.lab.address": "10.0.0.9",
        "deployer.lab.port": "2222",
    }
