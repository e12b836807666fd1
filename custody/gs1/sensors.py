"""The sensorElementList of an EPCIS event: its words checked, its weighings in grams.

A weighing is a sensorReport of type Mass with a value; minValue and maxValue are what was measured, not limits, and
are not read. A report that the device itself marks ERROR_CONDITION is no weighing. Sensor times later than the event
break EPCIS 2.0 section 7.3.7 but stand in GS1's own examples: a warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.gs1.canonical import canonical
from custody.gs1.cbv import ALERT, COMPONENT, MEASUREMENT
from custody.gs1.context import check_name
from custody.gs1.mass import to_grams
from custody.gs1.times import read_instant
from custody.kernel.clock import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MassReading:
    """One weighing; `device` is the canonical key of the scale, None if the event does not say."""

    at_ms: Instant
    mass_g: float
    device: str | None


def read_sensors(
    elements: list[Any], prefixes: Mapping[str, str], event_time_ms: Instant, warnings: list[str]
) -> tuple[MassReading, ...]:
    """The weighings in order; raises `Rejected` for unknown words, appends to `warnings` what is merely odd."""
    readings: list[MassReading] = []
    for element in elements:
        metadata = element.get("sensorMetadata", {})
        reports = element["sensorReport"]
        for part in (element, metadata, *reports):
            for name in part:
                if ":" in name:
                    check_name(name, prefixes)
        times = [
            part[name] for part in (metadata, *reports) for name in ("time", "startTime", "endTime") if name in part
        ]
        if any(read_instant(text) > event_time_ms for text in times):
            warnings.append("a sensor time is later than the event")
        for report in reports:
            reading = _read_report(report, metadata, prefixes, event_time_ms, warnings)
            if reading is not None:
                readings.append(reading)
    return tuple(readings)


def _read_report(
    report: Mapping[str, Any],
    metadata: Mapping[str, Any],
    prefixes: Mapping[str, str],
    event_time_ms: Instant,
    warnings: list[str],
) -> MassReading | None:
    kind = MEASUREMENT.read(report["type"], prefixes)
    alert = ALERT.read(report["exception"], prefixes) if "exception" in report else None
    if "component" in report:
        COMPONENT.read(report["component"], prefixes)
    if kind != "Mass" or "value" not in report or alert == "ERROR_CONDITION":
        return None
    mass_g = to_grams(report["value"], report.get("uom", ""))
    if mass_g is None:
        warnings.append(f"a mass of {report['value']!r:.40} in unit {report.get('uom')!r} is not read")
        return None
    time = report.get("time", metadata.get("time"))
    device = report.get("deviceID", metadata.get("deviceID"))
    return MassReading(
        at_ms=event_time_ms if time is None else read_instant(time),
        mass_g=mass_g,
        device=None if device is None else canonical(device).uri,
    )
