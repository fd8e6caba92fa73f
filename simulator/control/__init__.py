"""The control API and live stream, for people and tests who hold the handsets."""
