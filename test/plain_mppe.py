"""3DMPPE's networks written plainly, with the released names: what others are compared with."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import resnet50
from torchvision.models.resnet import BasicBlock, Bottleneck

CELLS = 64


class _Backbone(nn.Module):
    """ResNet up to its last feature map."""

    def __init__(self, resnet):
        super().__init__()
        for name, layer in resnet.named_children():
            if name not in ("avgpool", "fc"):
                setattr(self, name, layer)

    def forward(self, images):
        for layer in self.children():
            images = layer(images)
        return images


def _deconvolutions(features):
    layers = []
    for channels in (features, 256, 256):
        layers += [nn.ConvTranspose2d(channels, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256)]
        layers += [nn.ReLU()]
    return nn.Sequential(*layers)


def _expectation(probabilities, dim):
    """Mean index (N,J) along one dimension of a map or volume (N,J,...) that sums to 1."""
    others = [d for d in range(2, probabilities.ndim) if d != dim]
    marginal = probabilities.sum(dim=others)
    return marginal @ torch.arange(float(CELLS))


class PlainPoseNet(nn.Module):
    """Crops (N,3,256,256) to x y z in cells (N,J,3), through the whole volume."""

    def __init__(self, joints, make_resnet=resnet50):
        super().__init__()
        resnet = make_resnet()
        self.backbone = _Backbone(resnet)
        self.head = nn.Module()
        self.head.deconv_layers = _deconvolutions(resnet.fc.in_features)
        self.head.final_layer = nn.Conv2d(256, joints * CELLS, 1)
        # so that neither one cell nor all of them alike make up a joint's mean
        nn.init.normal_(self.head.final_layer.weight, std=0.2)

    def forward(self, crops):
        logits = self.head.final_layer(self.head.deconv_layers(self.backbone(crops)))
        volume = logits.view(len(crops), -1, CELLS**3).softmax(dim=-1)
        volume = volume.view(len(crops), -1, CELLS, CELLS, CELLS)  # z, y, x
        return torch.stack([_expectation(volume, dim) for dim in (4, 3, 2)], dim=-1)


class PlainRootNet(nn.Module):
    """Crops (N,3,256,256) to x and y in cells and gamma (N,3)."""

    def __init__(self, make_resnet=resnet50):
        super().__init__()
        resnet = make_resnet()
        features = resnet.fc.in_features
        self.backbone = _Backbone(resnet)
        self.root = nn.Module()
        self.root.deconv_layers = _deconvolutions(features)
        self.root.xy_layer = nn.Conv2d(256, 1, 1)
        self.root.depth_layer = nn.Conv2d(features, 1, 1)
        nn.init.normal_(self.root.depth_layer.weight, std=0.1 / features**0.5)
        nn.init.constant_(self.root.depth_layer.bias, 1.5)

    def forward(self, crops):
        features = self.backbone(crops)
        logits = self.root.xy_layer(self.root.deconv_layers(features))
        where = logits.flatten(2).softmax(dim=-1).view(-1, 1, CELLS, CELLS)
        gamma = self.root.depth_layer(features.mean(dim=(2, 3), keepdim=True))
        return torch.stack(
            [_expectation(where, 3)[:, 0], _expectation(where, 2)[:, 0], gamma[:, 0, 0, 0]], dim=-1
        )


def randomised(make, seed):
    """A network of random weights, as stable and with activations as large as a trained one's."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        network = make()
        for layer in network.modules():
            if isinstance(layer, (BasicBlock, Bottleneck)):
                last = layer.bn3 if isinstance(layer, Bottleneck) else layer.bn2
                nn.init.constant_(last.weight, 0.3)
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = 1.0  # the next batch alone gives the statistics
        network(clouds(3, 256, 256))
    return network.eval()


def clouds(count, height, width):
    """Standardised pictures (N,3,H,W) that are random on all scales, as nature is."""
    octaves = [
        F.interpolate(torch.randn(count, 3, cells, cells), size=(height, width), mode="bicubic")
        for cells in (4, 8, 16, 32, 64)
    ]
    return sum(octaves) / len(octaves) ** 0.5


def write_snapshot(path: Path, network: nn.Module) -> Path:
    """Write weights as 3DMPPE was released."""
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 24, "network": state}, path)
    return path
