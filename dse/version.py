"""Which version this is."""

from importlib import metadata


def version() -> str:
    """Version of the project, "source" where it runs without being installed."""
    try:
        return metadata.version("springboard")
    except metadata.PackageNotFoundError:
        return "source"
