"""What the nodes share: messages, images, parameters, diagnostics and the real-time path."""
