"""What the operator offers, and what instances are, as launchers read them."""

from __future__ import annotations

import pytest
from friendli_server.dedicated.replicas.instances import Instance, Instances
from friendli_server.dedicated.replicas.interfaces import LaunchError, ReplicaSpec
from friendli_server.dedicated.replicas.offers import Offers
from friendli_server.dedicated.settings import GatewaySettings
from pydantic import ValidationError


def test_names_become_the_operators_paths() -> None:
    offers = Offers({"kite": "/models/kite", "ink": "/models/ink.safetensors"})
    words = offers.arguments(ReplicaSpec(model="kite", adapters={"pen": "ink"}))
    assert words[0] == "/models/kite"
    assert words[words.index("--adapter") + 1] == "pen=/models/ink.safetensors"


@pytest.mark.parametrize(
    ("spec", "hub"),
    [
        (ReplicaSpec(model="org/model"), False),
        (ReplicaSpec(model="unknown"), True),
        (ReplicaSpec(model="kite", adapters={"pen": "org/ink"}), True),
    ],
)
def test_what_the_operator_does_not_offer_is_not_started(spec: ReplicaSpec, hub: bool) -> None:
    offers = Offers({"kite": "/models/kite"}, hub_models=hub)
    with pytest.raises(LaunchError, match="CANNOT_ACCESS_REPO"):
        offers.arguments(spec)


def test_hub_models_may_be_named_if_the_operator_allows_it() -> None:
    offers = Offers({}, hub_models=True)
    assert offers.arguments(ReplicaSpec(model="org/model"))[0] == "org/model"


def test_a_revision_pins_a_model_of_the_hub_and_no_other() -> None:
    offers = Offers({"org/own": "/models/own"}, hub_models=True)
    for model, place in (("org/model", "org/model@v1.0"), ("org/own", "/models/own")):
        assert offers.arguments(ReplicaSpec(model=model, revision="v1.0"))[0] == place
    for wrong in ("../../etc", "a b", "-x"):
        with pytest.raises(LaunchError, match="SETTINGS"):
            offers.arguments(ReplicaSpec(model="org/model", revision=wrong))


@pytest.mark.requirement("adapters.gateway")
def test_the_replicas_of_a_model_look_where_its_adapters_are_put() -> None:
    offers = Offers({"kite": "/kite", "own": "/own"}, adapter_dirs={"kite": "s3://bucket/loras"})
    words = offers.arguments(ReplicaSpec(model="kite"))
    assert words[words.index("--adapter-dir") + 1] == "s3://bucket/loras"
    assert "--adapter-dir" not in offers.arguments(ReplicaSpec(model="own"))


def test_an_instance_says_what_a_replica_takes_of_a_machine() -> None:
    kinds = Instances.parse(["big=cpus:4,gpus:2,memory:24,accelerator:H100", "small=cpus:0.5"])
    assert kinds.find("big").demand() == {
        "num_cpus": 4.0,
        "num_gpus": 2.0,
        "memory": 24 * 2**30,
        "accelerator_type": "H100",
    }
    assert kinds.find("small") == Instance(cpus=0.5)
    with pytest.raises(LaunchError, match="SETTINGS"):
        kinds.find("huge")


def test_without_instances_any_name_is_one_processor() -> None:
    assert Instances({}).find("whatever").demand() == {"num_cpus": 1.0, "num_gpus": 0.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("big=cpus", "not NAME:VALUE"),
        ("big=cpus:-1", "0 or more"),
        ("big=cpus:many", "float"),
        ("big=disks:2", "'disks' is none of"),
        ("big", "pattern"),
    ],
)
def test_an_instance_that_cannot_be_read_is_refused_when_the_gateway_starts(
    text: str, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        GatewaySettings(instance=[text])
