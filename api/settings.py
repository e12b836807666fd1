"""What a service can be set to.

Every setting may be given as an environment variable with the prefix WEAKLINK_, for example WEAKLINK_PORT=8080.
`weaklink settings` lists them all.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from api.addresses import check_address, check_issuer, http_address
from custody.gs1.check_digit import is_digits
from custody.kernel.errors import Rejected
from custody.ledger.note import check_key_name
from devicelock.backends.android import ADDRESS, LockWay
from devicelock.rules.command import SCREEN_MOST
from devicelock.rules.signed import check_text

ROOM = {"operator": SCREEN_MOST["who"], "support_phone": SCREEN_MOST["phone"], "recourse": 100}
"""How many characters of a setting lock screens have room for; `recourse` stands in a sentence there."""
LONE = re.compile("[\ud800-\udfff]")
"""What the system hands on of bytes that are no UTF-8."""
ADDRESS_MOST = 120
"""So long an address still fits into the words for whoever bought a phone."""


class LockSystems(BaseSettings):
    """Lock systems beside our own agent. Each is off until its first setting here is given.

    With several service processes all get the same settings; one at a time speaks to these systems, by a lease in the
    database. `eir_folder` is then a folder that all of them share.
    """

    android_key: Path | None = Field(
        default=None, description="Android Management: key file of a service account (JSON). Switches it on."
    )
    android_way: LockWay = Field(
        default=LockWay.DISABLED,
        description="Android Management: 'disabled', or 'lost', which the passcode's owner can leave.",
    )
    android_address: str = Field(default=ADDRESS, description="Android Management: address of the API.")
    nanomdm_address: str = Field(default="", description="NanoMDM: address of the server. Switches it on.")
    nanomdm_api_key: SecretStr = Field(default=SecretStr(""), description="NanoMDM: its -api key.")
    nanomdm_webhook_key: SecretStr = Field(
        default=SecretStr(""),
        description="NanoMDM: its -webhook-hmac-key; its -webhook-url is /v1/backends/nanomdm/events here.",
    )
    nanomdm_profile: str = Field(
        default="", description="NanoMDM: identifier of the enrolment profile, which a retirement removes."
    )
    nanomdm_push: bool = Field(default=True, description="NanoMDM: wake devices by push; needs Apple's certificate.")
    knox_address: str = Field(
        default="", description="Knox Guard: address of the API (UNVERIFIED, see devicelock/DESIGN.md). Switches it on."
    )
    knox_access_token: SecretStr = Field(default=SecretStr(""), description="Knox Guard: access token.")
    knox_key: Path | None = Field(default=None, description="Knox Guard: RSA key that signs tokens (PEM).")
    eir_folder: Path | None = Field(
        default=None, description="IMEI list: folder of the signed files, which operators fetch. Switches it on."
    )
    eir_token: SecretStr = Field(
        default=SecretStr(""), description="IMEI list: bearer token of whoever asks for an equipment's status."
    )
    eir_outlet: Path | None = Field(
        default=None, description="IMEI list: a folder, such as a mounted share, that every file is copied to as well."
    )


class SingleSignOn(BaseSettings):
    """A provider of OpenID Connect at which people sign in, once they have linked their accounts; off by default."""

    oidc_issuer: str = Field(
        default="",
        description="Single sign-on: the provider's issuer. Switches it on. There the service is a client with the "
        "redirect address /console/sign-on/back.",
    )
    oidc_client_id: str = Field(default="", description="Single sign-on: our client_id at the provider.")
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Single sign-on: our secret there; empty for a public client."
    )
    oidc_name: str = Field(
        default="your organisation", max_length=60, description="Single sign-on: what the button calls the provider."
    )
    oidc_role_claim: str = Field(
        default="",
        description="Single sign-on: the claim that has to hold the role of somebody's account (agent, supervisor or "
        "investigator); empty means that only the account says it.",
    )


class Settings(LockSystems, SingleSignOn):
    """Settings of one service process."""

    model_config = SettingsConfigDict(env_prefix="WEAKLINK_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8420, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    data: Path = Field(default=Path("weaklink-data"), description="Folder for database, keys and broker.")
    kept_outside: Path | None = Field(
        default=None,
        description="Folder of anchor/, heads/ and clocks/, which no backup takes back and which all services of one "
        "log share; empty means the data folder.",
    )
    database_url: str = Field(default="", description="SQLAlchemy address; empty means SQLite in the data folder.")
    mqtt_host: str = Field(default="", description="MQTT broker; empty means the embedded one.")
    mqtt_port: int = Field(default=1883, ge=1, le=65535, description="Port of the MQTT broker.")
    mqtt_name: str = Field(
        default="",
        description="Name of the MQTT broker, for services that reach it under several addresses; empty means its host "
        "and port.",
    )
    mqtt_moved_from: str = Field(
        default="", description="Name of the MQTT broker whose place this one takes: the one that the database names."
    )
    mqtt_username: str = Field(default="", description="User name at the MQTT broker.")
    mqtt_password: SecretStr = Field(default=SecretStr(""), description="Password at the MQTT broker.")
    mqtt_ca: Path | None = Field(default=None, description="CA certificate of the broker (PEM).")
    mqtt_certificate: Path | None = Field(default=None, description="Our certificate at the broker (PEM).")
    mqtt_key: Path | None = Field(default=None, description="The key of that certificate (PEM).")
    embedded_mqtt_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the embedded broker; 0 picks a free one."
    )
    witness_policy: Path | None = Field(default=None, description="Which witnesses to ask (C2SP tlog-policy).")
    verdict_policy: Path | None = Field(default=None, description="Whose cosignatures a verdict needs (tlog-policy).")
    origin: str = Field(default="weaklink.local/custody", description="Origin line of the log's checkpoints.")
    public_url: str = Field(default="", description="Address that others use to reach the service.")
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies before the service, parted by commas, whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed; each adds whom it had the request from. Empty means none.",
    )
    operator: str = Field(
        default="The network that this phone was sold by", description="Who locks, as lock screens name it."
    )
    metrics_token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token of a monitoring system, for /metrics; empty means none."
    )
    support_phone: str = Field(
        default="0800 000 000", description="Free phone number for customers, also on lock screens."
    )
    recourse: str = Field(
        default="", description="Who decides without us, for lock screens; empty means the scheme of the policy."
    )
    desks: Path | None = Field(
        default=None,
        description="File of the desks to which a case may be referred (JSON, as custody/disputes/desks.json); empty "
        "means those.",
    )
    company_prefixes: str = Field(
        default="",
        description="Our GS1 company prefixes, with commas between them: a scan that gives a thing a key under one of "
        "them with a wrong check digit is refused, and whoever counts orders by a GLN under one of them is one seller.",
    )
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1, description="The most that scans sent together carry.")
    session_hours: int = Field(default=12, ge=1, le=8_760, description="How long somebody stays signed in.")
    lock_sign_in_minutes: int = Field(
        default=0,
        ge=0,
        le=1_440,
        description="How many minutes after signing in somebody may decide about locks, or make an account, without "
        "signing in again; 0 means as long as they are signed in. Whoever releases a lock is never asked.",
    )
    promise_sign_in_minutes: int = Field(
        default=0,
        ge=0,
        le=1_440,
        description="The same of promising beyond the rules, or paying again: writing down an award, answering an "
        "exception, settling two answers, a payment that came back; and of making an account.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests at the same address.")
    lock_caps: dict[str, int] = Field(
        default_factory=dict,
        description='Limits on locks that differ from the usual ones, as JSON: {"per_day": 200}. The log names them.',
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_named(cls, given: object, info: ValidationInfo) -> object:
        """A file or folder without a name would be the folder that the service was started in."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if kind in (Path, Path | None) and isinstance(given, str) and not given.strip():
            if kind is Path:
                raise ValueError("it is empty")
            return None
        return given

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, given: object, info: ValidationInfo) -> object:
        """Names of files are what they are; all else may be written down, or sent to somebody."""
        is_path = cls.model_fields[str(info.field_name)].annotation in (Path, Path | None)
        if isinstance(given, str) and not is_path and LONE.search(given):
            raise ValueError("it is not UTF-8")
        return given

    @field_validator("operator", "support_phone", "recourse")
    @classmethod
    def _fits_a_lock_screen(cls, text: str, info: ValidationInfo) -> str:
        """No lock is signed with a screen that does not fit, and nobody would hear of it before there is one."""
        if text or info.field_name != "recourse":
            with _as_told():
                check_text("what lock screens show of it", text, most=ROOM[str(info.field_name)])
        return text

    @field_validator("mqtt_host")
    @classmethod
    def _is_a_host(cls, text: str) -> str:
        if text and text.split() != [text]:
            raise ValueError(f"{text!r} is no host")
        return text

    @field_validator("public_url", "android_address", "nanomdm_address", "knox_address")
    @classmethod
    def _is_an_address(cls, text: str, info: ValidationInfo) -> str:
        if text:
            check_address(text)
        if info.field_name == "public_url" and len(text) > ADDRESS_MOST:
            raise ValueError(f"lock screens have room for an address of {ADDRESS_MOST} characters")
        return text

    @field_validator("oidc_issuer")
    @classmethod
    def _is_a_provider(cls, text: str) -> str:
        if text:
            check_issuer(text)
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        return ",".join(str(ip_network(part)) for part in _parts(text))

    @field_validator("company_prefixes")
    @classmethod
    def _are_prefixes(cls, text: str) -> str:
        if not all(is_digits(part) and 6 <= len(part) <= 12 for part in _parts(text)):
            raise ValueError("a GS1 company prefix is the 6 to 12 digits of its licence")
        return text

    @field_validator("origin")
    @classmethod
    def _may_name_a_log(cls, text: str) -> str:
        with _as_told():
            check_key_name(text, code="origin")
        return text

    @property
    def own_prefixes(self) -> tuple[str, ...]:
        """Our company prefixes."""
        return _parts(self.company_prefixes)

    @property
    def shortest_sign_in_minutes(self) -> int:
        """How young a sign-in has to be for everything that asks for a young one; 0 if nothing does."""
        return min((each for each in (self.lock_sign_in_minutes, self.promise_sign_in_minutes) if each), default=0)

    @property
    def address(self) -> str:
        """The address that others use to reach the service."""
        return self.public_url.rstrip("/") or http_address(self.host, self.port)

    @property
    def database(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite:///{self.data / 'weaklink.db'}"


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@contextmanager
def _as_told() -> Iterator[None]:
    """What a rule refuses is refused of a setting, in the same words."""
    try:
        yield
    except Rejected as wrong:
        raise ValueError(wrong.detail) from wrong


def read_settings(**given: object) -> Settings:
    """Settings from the environment, with what the command line gave on top; raises `Rejected("settings")`."""
    told = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**told)  # type: ignore[arg-type]  # pydantic checks the values
    except SettingsError as error:
        raise Rejected("settings", str(error), fix="See `weaklink settings` for what can be set, and how.") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0])
        fix = (
            f"Choose another --{name.replace('_', '-')}." if name in told else f"Set WEAKLINK_{name.upper()} otherwise."
        )
        raise Rejected("settings", f"the setting {name}: {wrong['msg']}", fix=fix) from error
