"""TPU v1: throughput of its six applications."""

from hwmodels.validation.row import Made, Row
from hwmodels.validation.silicon import tpu_v1

TITLE = "TPU v1: measured throughput of six applications"
AIM = 0.20
NOTES = {
    "LSTM1": "Two fifths of the array are empty while it is active (useful 6.3 % of cycles, active 10.5 %), "
    "and RAW stalls take 10.6 %: both need layer shapes, which were not published.",
    "CNN1": "Half of the array is empty while it is active (useful 22.5 %, active 46.2 %: shallow channels), "
    "and four fully connected layers stall on weights, which one average intensity cannot show. Layer shapes "
    "were not published.",
}
_NOTE = (
    "Equal layers of whole tiles at table 1's operations per weight byte; layer shapes were not published."
)


def rows() -> list[Row]:
    """Throughput of the six applications; two are reported without an aim."""
    apps = {app.name: app for app in tpu_v1.apps()}
    resident = [
        Row(
            quantity=f"{name}: throughput, tensors resident by the mapper's choice",
            unit="TOPS",
            published=apps[name].tops,
            ours=tpu_v1.resident_tops(apps[name]),
            tolerance=aim,
            made=Made.EVALUATE,
            source="Jouppi et al., ISCA 2017, table 3",
            note="A chain of equal 3x3 convolutions of whole tiles; the schedule decides what crosses the "
            "host link. " + NOTES.get(name, ""),
        )
        for name, aim in (("CNN0", AIM), ("CNN1", None))
    ]
    return [
        Row(
            quantity=f"{app.name}: throughput",
            unit="TOPS",
            published=app.tops,
            ours=tpu_v1.tops(app),
            tolerance=None if app.name in NOTES else AIM,
            made=Made.EVALUATE,
            source="Jouppi et al., ISCA 2017, table 3",
            note=NOTES.get(app.name, _NOTE),
        )
        for app in apps.values()
    ] + resident
