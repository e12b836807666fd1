"""What is sold: handset models, and single handsets with their numbers.

A model has a GTIN under the seller's prefix, a mass and a price. A high-value model is a smartphone, a low-value one a
plain phone; both carry an IMEI. IMEIs lie in type allocation codes that begin with 00 (test equipment), with a right
Luhn digit; the SGTIN's serial is the 15-digit IMEI.
"""

from dataclasses import dataclass

from custody.gs1.check_digit import luhn_check_digit
from custody.gs1.imei import imei_urn
from custody.gs1.keys import issue_gtin, issue_sgtin
from simulators.geography import SELLER

TAC_HEAD = "001017"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One product; `number` gives its GTIN and its type allocation code."""

    number: int
    name: str
    mass_g: int
    price_pence: int
    high_value: bool

    @property
    def gtin(self) -> str:
        """The GTIN's canonical key."""
        return issue_gtin(SELLER, self.number).uri


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxLabel:
    """One handset as its box label names it."""

    model: Model
    imei: str

    @property
    def imei_urn(self) -> str:
        """The IMEI's canonical URN."""
        return imei_urn(self.imei)

    @property
    def sgtin(self) -> str:
        """The handset's canonical key."""
        return issue_sgtin(issue_gtin(SELLER, self.model.number).value, self.imei).uri


SMARTPHONES = (
    Model(number=381, name="Smartphone S 128", mass_g=187, price_pence=74_900, high_value=True),
    Model(number=382, name="Smartphone M 256", mass_g=206, price_pence=94_900, high_value=True),
    Model(number=383, name="Smartphone L 512", mass_g=227, price_pence=119_900, high_value=True),
)
PLAIN_PHONES = (
    Model(number=391, name="Plain phone", mass_g=98, price_pence=3_500, high_value=False),
    Model(number=392, name="Plain phone, folding", mass_g=121, price_pence=5_900, high_value=False),
)


def make_unit(model: Model, serial: int) -> BoxLabel:
    """The handset of that model with a six-digit serial number."""
    body = f"{TAC_HEAD}{model.number % 100:02d}{serial:06d}"
    return BoxLabel(model=model, imei=body + luhn_check_digit(body))
