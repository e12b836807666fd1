"""The Core Business Vocabulary 2.0: closed lists of words, and the one spelling we index.

JSON writes a word bare (`shipping`). The same word may arrive as `https://ref.gs1.org/cbv/BizStep-shipping` or as
`cbv:BizStep-shipping`; all are read as the bare word. A CBV URN (`urn:epcglobal:cbv:bizstep:shipping`) is XML's form
and refused in JSON (EPCIS 2.0 section 10.1). A word that is in no list is refused, bare or in the CBV's own namespaces,
because a closed list with a typo in it means nothing. Any other URI is somebody's own word and kept as it is.

There is no CBV word for sorting and for locking; ours are URIs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from custody.kernel.errors import Rejected

SORTING = "urn:weaklink:BizStep-sorting"
REMOTE_LOCKING = "urn:weaklink:BizStep-remote_locking"
REMOTE_UNLOCKING = "urn:weaklink:BizStep-remote_unlocking"

CBV_WEB = "https://ref.gs1.org/cbv/"
GS1_WEB = "https://gs1.org/voc/"
_RESERVED = (
    "urn:epcglobal:cbv",
    "http://ns.gs1.org/cbv/",
    "https://ns.gs1.org/cbv/",
    CBV_WEB,
    "http://gs1.org/voc/",
    GS1_WEB,
    "http://www.gs1.org/voc/",
    "https://www.gs1.org/voc/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One closed list of words; `web` + word is a word's full URI."""

    field: str
    web: str
    words: frozenset[str]

    def read(self, value: str, prefixes: Mapping[str, str]) -> str:
        """The bare word, or somebody's own URI in full; raises `Rejected("vocabulary")` for an unknown word."""
        if value in self.words:
            return value
        full = expand(value, prefixes)
        word = full.removeprefix(self.web)
        if word != full and word in self.words:
            return word
        if ":" not in value or full.startswith(_RESERVED):
            raise Rejected(
                "vocabulary",
                f"{value[:200]!r} is not a CBV 2.0 value for {self.field}",
                fix=f"Use a bare CBV word such as {min(self.words)!r}, or a URI of your own.",
            )
        return full

    def web_uri(self, value: str) -> str:
        """The full URI of a bare word; anything else unchanged."""
        return self.web + value if value in self.words else value


def expand(value: str, prefixes: Mapping[str, str]) -> str:
    """A compact URI in full if its prefix is declared; anything else unchanged."""
    prefix, colon, rest = value.partition(":")
    namespace = prefixes.get(prefix) if colon and not rest.startswith("//") else None
    return value if namespace is None else namespace + rest


def _list(field: str, web: str, words: str) -> Vocabulary:
    return Vocabulary(field=field, web=web, words=frozenset(words.split()))


BIZ_STEP = _list(
    "bizStep",
    CBV_WEB + "BizStep-",
    "accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting "
    "decommissioning departing destroying disassembling dispensing encoding entering_exiting holding inspecting "
    "installing killing loading other packing picking receiving removing repackaging repairing replacing reserving "
    "retail_selling sampling sensor_reporting shipping staging_outbound stock_taking stocking storing transporting "
    "unloading unpacking void_shipping",
)
DISPOSITION = _list(
    "disposition",
    CBV_WEB + "Disp-",
    "active available completeness_inferred completeness_verified conformant container_closed container_open damaged "
    "destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance "
    "mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed "
    "recalled reserved retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown",
)
BIZ_TRANSACTION = _list(
    "bizTransaction type",
    CBV_WEB + "BTT-",
    "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt",
)
SOURCE_DESTINATION = _list("source or destination type", CBV_WEB + "SDT-", "location owning_party possessing_party")
ERROR_REASON = _list("errorDeclaration reason", CBV_WEB + "ER-", "did_not_occur incorrect_data")
COMPONENT = _list(
    "sensor component",
    CBV_WEB + "Comp-",
    "altitude axial_distance azimuth easting elevation_angle height latitude longitude northing polar_angle "
    "spherical_radius x y z",
)
ALERT = _list("sensor exception", GS1_WEB, "ALARM_CONDITION ERROR_CONDITION")
MEASUREMENT = _list(
    "sensor report type",
    GS1_WEB,
    "AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Altitude AmountOfSubstance "
    "AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area Capacitance "
    "Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity "
    "ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency "
    "Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux "
    "LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate "
    "MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux "
    "RadiantIntensity Radioactivity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed "
    "SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction "
    "VolumetricFlux Wavenumber",
)
