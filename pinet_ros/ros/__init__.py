"""Shared parts of the nodes: messages, images, parameters, diagnostics and lifecycle."""
