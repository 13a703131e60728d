"""Training PoseNet and RootNet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

from pinet_ros.errors import DatasetError, ModelError, PinetError
from pinet_ros.lifting.mppe.snapshots import load_posenet, load_rootnet, save_snapshot
from pinet_ros.skeleton import MUPOTS_17
from pinet_training.lifter.crop_augmentation import UNCHANGED
from pinet_training.lifter.initial_weights import initial_network
from pinet_training.lifter.lifter_recipe import RECIPES
from pinet_training.lifter.lifter_training import LifterData, lifter_configuration, train_lifter
from pinet_training.lifter.sources import read_people
from pinet_training.runs.recipes import RecipeError
from pinet_training.runs.run_folder import RunFolder
from pinet_training.runs.workers import Workers

pytestmark = pytest.mark.slow

SMALL = {"backbone": "resnet18", "size": 64, "batch_size": 4, "epochs": 2}
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def small(network="posenet", **options):
    return replace(RECIPES[network], **SMALL | options)


def plain_crops(people):
    """Crops of 64 pixels (N,3,64,64) as the networks see them, pixel by pixel."""
    crops = []
    for picture, (x, y, side) in zip(people.pictures, people.squares, strict=True):
        image = people.read(picture)[..., ::-1] / 255
        places = (np.arange(64) / 64 - 0.5) * side
        columns, rows = np.meshgrid(x + places, y + places)
        left, top = np.floor(columns).astype(int), np.floor(rows).astype(int)
        padded = np.pad(image, ((200, 200), (200, 200), (0, 0)))
        crop = 0
        for down in (0, 1):
            for along in (0, 1):
                share = (1 - abs(columns - left - along)) * (1 - abs(rows - top - down))
                crop = crop + share[..., None] * padded[top + down + 200, left + along + 200]
        crops.append(((crop - MEAN) / STD).transpose(2, 0, 1))
    return torch.tensor(np.array(crops)).float()


def places_in_cells(people):
    corners = people.squares[:, None, :2] - people.squares[:, None, 2:] / 2
    return (people.places - corners) / people.squares[:, None, 2:] * 16


def errors_of(network, people):
    """Mean distance in pixels of the crop, and mean error of depths in millimetres."""
    wanted = places_in_cells(people)
    root = MUPOTS_17.index("pelvis")
    with torch.inference_mode():
        answers = network(plain_crops(people)).double().numpy().reshape(len(people), -1, 3)
    if answers.shape[1] == 1:
        wanted = wanted[:, [root]]
        depths = answers[..., 2] * people.measures[:, None] - people.depths[:, [root]]
    else:
        depths = answers[..., 2] / 64 * 2 - 1 - people.depths + people.depths[:, [root]]
    inside = ((wanted >= 0) & (wanted < 16)).all(axis=-1)
    distances = np.linalg.norm(answers[..., :2] - wanted, axis=-1) * 4
    return distances[inside].mean(), 1000 * np.abs(depths[inside]).mean()


@pytest.mark.parametrize("network", ["posenet", "rootnet"])
def test_the_loss_is_the_error_without_depths_that_are_not_known(network, drawn):
    recipe = small(network, batch_size=6, epochs=1, augmentation=UNCHANGED)
    sets = [drawn(3), drawn(3, seed=1, depth=False)]

    _, (epoch,) = train_lifter(LifterData(sets), recipe, log=None)

    answers = initial_network(recipe, MUPOTS_17, "random").train()(
        torch.cat([plain_crops(people) for people in sets])
    )
    answers = answers.detach().numpy().reshape(6, -1, 3)
    root = MUPOTS_17.index("pelvis")
    places = np.concatenate([places_in_cells(people) for people in sets])
    depths = sets[0].depths
    if network == "posenet":
        wanted, unit = (depths - depths[:, [root]] + 1) / 2 * 64, 1
        errors = np.abs(answers[:3, :, 2] - wanted)
    else:
        places = places[:, [root]]
        unit = 2000 * 150 / sets[0].squares[:, [2]]  # k in millimetres
        errors = np.abs(answers[:3, :, 2] * unit - depths[:, [root]] * 1000)
    inside = ((places >= 0) & (places < 16)).all(axis=-1)
    assert inside.mean() > 0.5
    total = (np.abs(answers[..., :2] - places) * inside[..., None]).sum()
    total += (errors * inside[:3]).sum()
    assert epoch["loss"] == pytest.approx(total / answers.size, rel=2e-3)


@pytest.mark.parametrize(
    ("network", "load"), [("posenet", load_posenet), ("rootnet", load_rootnet)]
)
def test_writes_a_snapshot_that_the_lifter_reads(network, load, drawn, tmp_path):
    data = LifterData([drawn(6)], validation=drawn(3, seed=2))
    recipe = small(network)
    wanted = lifter_configuration(recipe, data, "random")
    folder = RunFolder(tmp_path / "run", wanted, weights="snapshot.pth.tar")

    trained, epochs = train_lifter(data, recipe, folder=folder, log=None)

    state = torch.load(folder.weights, weights_only=True)["network"]
    assert all(
        name.startswith("module.backbone.") or "head" in name or "root" in name for name in state
    )
    crops = plain_crops(data.validation)
    with torch.inference_mode():
        torch.testing.assert_close(load(folder.weights)(crops), trained(crops))
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert epochs[1]["validation"]["crop_px"] > 0


def test_validation_is_the_error_of_the_network(drawn):
    data = LifterData([drawn(6)], validation=drawn(5, seed=2))
    network, epochs = train_lifter(data, small(), log=None)

    distance, depth = errors_of(network, data.validation)
    validation = epochs[-1]["validation"]
    assert validation["crop_px"] == pytest.approx(distance, rel=2e-3)
    assert validation["depth_mm"] == pytest.approx(depth, rel=2e-3)


def every_second(people):
    names = ("pictures", "squares", "measures", "places", "depths")
    return replace(people, **{name: getattr(people, name)[::2] for name in names})


@pytest.mark.parametrize(("network", "epochs"), [("posenet", 12), ("rootnet", 11)])
def test_a_hundred_rendered_people_are_overfitted(network, epochs, rendered_folder):
    people, others = (read_people(rendered_folder, split=split) for split in ("train", "test"))
    people = every_second(people)
    assert len(people) > 100
    recipe = small(
        network,
        batch_size=16,
        epochs=epochs,
        learning_rate=2e-4,
        steps=(),
        augmentation=UNCHANGED,
    )

    trained, records = train_lifter(LifterData([people], validation=others), recipe, log=None)

    distance, depth = errors_of(trained, people)
    of_others = records[-1]["validation"]
    assert distance < 0.9 * of_others["crop_px"]
    assert depth < 0.7 * of_others["depth_mm"]
    assert records[-1]["loss"] < 0.8 * records[0]["loss"]


class KilledError(Exception):
    pass


@pytest.mark.parametrize("whole_epochs", [0, 1])
def test_a_lifters_run_that_was_stopped_ends_as_if_it_had_not_been(
    whole_epochs, drawn, tmp_path, monkeypatch
):
    data, recipe = LifterData([drawn(6)]), small()
    wanted = lifter_configuration(recipe, data, "random")

    def folder(name, resume=False):
        return RunFolder(tmp_path / name, wanted, resume=resume, weights="snapshot.pth.tar")

    _, expected = train_lifter(data, recipe, folder=folder("a"), log=None)
    left = iter(range(2 * whole_epochs + 1))
    step = torch.optim.Adam.step

    def step_until_killed(*arguments):
        if next(left, None) is None:
            raise KilledError
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step_until_killed)
        with pytest.raises(KilledError):
            train_lifter(data, recipe, folder=folder("b"), log=None)
    _, resumed = train_lifter(data, recipe, folder=folder("b", resume=True), log=None)

    assert resumed == expected
    networks = [load_posenet(folder(name, resume=True).weights) for name in "ab"]
    for name, value in networks[0].state_dict().items():
        assert torch.equal(value, networks[1].state_dict()[name]), name


def test_a_training_begins_with_a_snapshot(drawn, tmp_path):
    recipe, path = small(learning_rate=1e-12), tmp_path / "snapshot.pth.tar"
    network = initial_network(replace(recipe, seed=7), MUPOTS_17, "random")
    save_snapshot(network, path)

    trained, _ = train_lifter(LifterData([drawn(6)]), recipe, initial=str(path), log=None)

    torch.testing.assert_close(dict(trained.named_parameters()), dict(network.named_parameters()))
    wanted = r"as initial weights for 17 joints and resnet34, .* PoseNet: weights"
    with pytest.raises(ModelError, match=wanted):
        initial_network(replace(recipe, backbone="resnet34"), MUPOTS_17, str(path))
    with pytest.raises(ModelError, match=r"RootNet: .* missing, first root\."):
        initial_network(small("rootnet"), MUPOTS_17, str(path))


def test_weights_that_cannot_be_downloaded_say_what_to_do(monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(PinetError, match=r"cannot download .*resnet18.*no network.*--initial"):
        initial_network(small(), MUPOTS_17, "imagenet")


def test_the_backbone_begins_with_imagenet_weights(monkeypatch, tmp_path):
    from torchvision.models import ResNet18_Weights, resnet18

    source = resnet18().state_dict()
    path = tmp_path / "hub" / "checkpoints" / Path(ResNet18_Weights.DEFAULT.url).name
    path.parent.mkdir(parents=True)
    torch.save(source, path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    backbone = initial_network(small(), MUPOTS_17, "imagenet").backbone.state_dict()

    assert all(torch.equal(value, source[name]) for name, value in backbone.items())


def test_bad_data_is_refused(drawn):
    with pytest.raises(DatasetError, match="data set 2 contains no people to train on"):
        LifterData([drawn(2), drawn(0)])
    with pytest.raises(DatasetError, match="the first data set must have depth"):
        LifterData([drawn(2, depth=False)])
    with pytest.raises(RecipeError, match=r"batch_size must be at least .* workers, 8, got 4"):
        train_lifter(LifterData([drawn(2)]), small(), workers=Workers(0, 8))
