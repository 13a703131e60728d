"""Snapshots in the form in which PI-Net and 3DMPPE were released."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pinet_ros.errors import ModelError
from pinet_ros.models.released import load_released_state, load_state_strict


def test_takes_the_network_out_of_its_wrapping(tmp_path: Path) -> None:
    source, target = nn.Linear(3, 2), nn.Linear(3, 2)
    wrapped = {f"module.{name}": value for name, value in source.state_dict().items()}
    snapshot = {"epoch": 24, "network": wrapped, "optimizer": {}}  # as nn.DataParallel names them
    torch.save(snapshot, tmp_path / "snapshot.pth.tar")
    load_state_strict(target, load_released_state(tmp_path / "snapshot.pth.tar"), "snapshot")
    torch.testing.assert_close(target.weight, source.weight)
    torch.testing.assert_close(target.bias, source.bias)


class Sneaky:
    """What a snapshot must not hold: loading it would run code."""

    def __reduce__(self) -> tuple:
        return (print, ("code ran",))


def test_refuses_files_that_are_no_snapshots(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "file.pth"
    with pytest.raises(ModelError, match="cannot be read"):
        load_released_state(path)
    path.write_bytes(b"not a torch file")
    with pytest.raises(ModelError, match="cannot be read"):
        load_released_state(path)
    torch.save({"network": Sneaky()}, path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_released_state(path)
    assert "code ran" not in capsys.readouterr().out
    torch.save({"model": {}, "epoch": 1}, path)
    with pytest.raises(ModelError, match="under the key 'network', got model, epoch"):
        load_released_state(path)
    for content in {7: torch.zeros(1)}, {"weight": 0.5}:
        torch.save({"network": content}, path)
        with pytest.raises(ModelError, match="must hold tensors by their names, got"):
            load_released_state(path)


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    torch.save({"network": nn.Linear(3, 2).state_dict()}, tmp_path / "snapshot.pth.tar")
    content = (tmp_path / "snapshot.pth.tar").read_bytes()
    for name in (b"_rebuild_tensor_v2", b"torch._utils"):
        damaged = content.replace(name, b"\xff" + name[1:])
        (tmp_path / "damaged.pth.tar").write_bytes(damaged)
        with pytest.raises(ModelError, match=r"^[^\n]*damaged.pth.tar cannot be read[^\n]*$"):
            load_released_state(tmp_path / "damaged.pth.tar")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": None}, "1 missing, first weight"),
        ({"scale": torch.zeros(2)}, "1 unexpected, first scale"),
        ({"bias": torch.zeros(5)}, r"first bias is \(5,\) instead of \(2,\)"),
    ],
)
def test_names_the_first_weight_that_does_not_fit(change: dict, message: str) -> None:
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    state = {"weight": torch.ones(2, 3), "bias": torch.ones(2)} | change
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(ModelError, match=f"my.pth does not fit the network Linear: .*{message}"):
        load_state_strict(network, state, "my.pth")
    torch.testing.assert_close(network.weight, before)
