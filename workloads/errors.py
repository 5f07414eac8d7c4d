"""What can be wrong with a workload; every message is one line that names the thing and the value."""


class WorkloadError(ValueError):
    """A network cannot be described, costed or scaled as asked."""


class ShapeError(WorkloadError):
    """An operation does not fit the tensors it is given."""


class GraphError(WorkloadError):
    """A name is used twice, or a tensor is used before it exists."""


class UnknownNetworkError(KeyError, WorkloadError):
    """No built-in network has this name."""

    def __str__(self) -> str:
        """Return the message without the quotes a KeyError puts around it."""
        return str(self.args[0]) if self.args else ""


class NetworkImportError(ImportError, WorkloadError):
    """A file or a module cannot be read as a network."""
