"""Putting a service together from its settings; the composition root."""

import socket
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import BinaryIO

import api.migrations
import devicelock.migrations
from api.backends import capabilities, open_backends
from api.parts import Parts, broker_address
from api.process.embedded_broker import EmbeddedBroker
from api.process.heads import HeadKeeper
from api.process.keyring import Keyring, open_keyring
from api.process.log_keys import check_keys, key_rules, name_codes, require_keys
from api.process.one_anchor import ANCHOR, check_anchor, name_anchor
from api.process.one_broker import name_broker
from api.process.open_id import OpenIdProvider
from api.process.viewing_notes import ViewingNotes
from api.process.witnesses import Witnesses, open_policy
from api.seen_cases import write_down
from api.settings import Settings
from api.wired_office import wired_office
from custody.disputes.civil import civil_date
from custody.disputes.desks import DESKS, Directory, read_desks
from custody.disputes.policy import DEFAULT_POLICY
from custody.disputes.recourse import for_holders, independent_body
from custody.kernel.clock import DAY_MS, MINUTE_MS, Clock
from custody.kernel.errors import Rejected
from custody.kernel.ids import Ids
from custody.kernel.system_clock import SystemClock
from custody.kernel.system_ids import SystemIds
from custody.ledger.note import text_key
from custody.ledger.witness_policy import parse_policy, policy_text
from custody.scans.tolerances import Tolerances
from custody.store.durable_file import replace_file
from custody.store.engine import open_engine, opening
from custody.store.head_file import HeadFile
from custody.store.migrate import migrate
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.check_names import check_newest
from custody.usecases.investigate import Inquirer
from custody.usecases.open_log import change_rules, name_witnesses, open_log, rules_in_force, witnesses_in_force
from devicelock.anchor import AnchorFile
from devicelock.mqtt import MqttTransport
from devicelock.mqtt_options import MqttOptions, Tls
from devicelock.rules.caps import Caps
from devicelock.rules.command import CommandSigners
from devicelock.rules.topic import ROOT, SHARE_GROUP, Channel
from devicelock.transport import Message
from devicelock.usecases.decide_together import Decisions
from devicelock.usecases.hear import hear_together
from devicelock.usecases.lock_office import LockOffice, ScreenTexts
from devicelock.usecases.offer_again import offer_again
from devicelock.usecases.relay import Relay

KEYS = "keys"
"""Their folder in the data folder."""

LOCKS = "locks.txt"
"""The anchor, in the folder that is named for it."""

MOST_PORTS = 65_535
CASEWORK = "casework"
"""The rule of the log that names the casework policy."""
LANES = 8
"""So many commands are handed to the broker side by side."""

WHY = "This phone is missing from a delivery. You did nothing wrong by holding it. Calls to 999 and 112 work."
BOUGHT = "Did you buy this phone? You did nothing wrong. Call us, or tell us at {address}."


def compose(settings: Settings, *, broker_lock: BinaryIO | None = None) -> Parts:
    """The parts of a service, nothing started yet. `broker_lock`: what `hold_broker` gave, if others may run."""
    broker_tls(settings)
    kept_outside(settings)
    _require_keys(settings)
    parts = join(settings)
    try:
        _make_ready(parts, settings, broker_lock)
    except BaseException:
        parts.engine.dispose()  # whoever looks at the file next is not read and written beside
        raise
    return parts


def _make_ready(parts: Parts, settings: Settings, broker_lock: BinaryIO | None) -> None:
    """Bring the database up to date, see that everything fits, and name in the log what it runs with."""
    house, keyring, anchor = parts.house, parts.keyring, parts.locks.anchor
    with opening(parts.engine):
        migrate(parts.engine, _versions(devicelock.migrations), _versions(api.migrations))
    parts.heads.check()
    with house.read() as session:
        check_newest(session)
        check_keys(session, keyring, origin=settings.origin, folder=settings.data / KEYS)
        check_anchor(session, anchor, fresh=parts.ids.new(ANCHOR))
    rules = {CASEWORK: DEFAULT_POLICY.pinned, **key_rules(keyring), ANCHOR: anchor.name(parts.ids.new(ANCHOR))}
    open_log(house, registrar=keyring.registrar.public, rules=rules)
    name_broker(house, settings, broker_lock)
    name_anchor(house, anchor)
    name_codes(house, keyring)
    _name_witnesses(settings, house, keyring)
    _name_caps(house, parts.locks.caps)
    _name_casework(house)
    anchor.start()


def join(settings: Settings) -> Parts:
    """The parts of a process of a service whose first process has made everything ready."""
    desks, keyring, outside = _desks(settings), open_keyring(settings.data / KEYS), kept_outside(settings)
    house = open_house(settings, keyring)
    office = _office(settings, house, keyring, AnchorFile(outside / ANCHOR / LOCKS))
    heads = HeadFile(outside / "heads", origin=settings.origin, key=keyring.log.public)
    broker = None if settings.mqtt_host else EmbeddedBroker(settings.embedded_mqtt_port or _broker_port(settings.data))
    return Parts(
        settings=settings,
        clock=house.clock,
        ids=house.ids,
        keyring=keyring,
        engine=house.engine,
        house=house,
        intake=Intake(house, Tolerances()),
        inquirer=Inquirer(),
        locks=office,
        decisions=Decisions(office),
        backends=open_backends(settings, office),
        broker=broker,
        heads=HeadKeeper(house, heads),
        viewings=ViewingNotes(house, partial(write_down, office=office)),
        desks=desks,
        witnesses=_witnesses(settings, house),
        sign_on=_sign_on(settings, house.clock),
    )


def _sign_on(settings: Settings, clock: Clock) -> OpenIdProvider | None:
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client_id:
        fix = "Set WEAKLINK_OIDC_CLIENT_ID, or leave WEAKLINK_OIDC_ISSUER out."
        raise Rejected("settings", "the setting oidc_client_id: the provider knows us by none", fix=fix)
    return OpenIdProvider(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        role_claim=settings.oidc_role_claim,
        clock=clock,
    )


def kept_outside(settings: Settings) -> Path:
    """Where the anchor and the newest head are; raises `Rejected("kept_outside")` where some would not be seen there.

    A share that is not mounted would be an empty folder, and a registry that was left behind one that nobody reads.
    """
    folder, left = settings.kept_outside, settings.data / ANCHOR
    if folder is None or folder.resolve() == settings.data.resolve():
        return settings.data
    if not folder.is_dir():
        fix = "Mount it, or make it once for all services of this log."
        raise Rejected("kept_outside", f"the setting kept_outside: there is no folder {folder}", fix=fix)
    if (left / LOCKS).exists():
        fix = f"Stop all services of this log, add the lines of its locks.txt to {folder / ANCHOR / LOCKS}, "
        what = f"the setting kept_outside: there is {left}, which would not be read any more"
        raise Rejected("kept_outside", what, fix=f"{fix}move heads/ there too, and remove it here.")
    return folder


def _require_keys(settings: Settings) -> None:
    engine = open_engine(settings.database)
    try:
        with opening(engine):
            require_keys(engine, settings.data / KEYS)
    finally:
        engine.dispose()


def open_house(settings: Settings, keyring: Keyring) -> House:
    """The database with what every unit of work needs."""
    return House(
        open_engine(settings.database),
        origin=settings.origin,
        log_signer=keyring.log,
        operator_signer=keyring.operator,
        clock=SystemClock(),
        ids=SystemIds(),
    )


def connect(parts: Parts) -> tuple[MqttTransport, Relay]:
    """The connection to the broker and the relay that publishes through it; not started."""
    settings = parts.settings
    host, port = broker_address(parts)
    options = MqttOptions(
        host=host,
        port=port,
        client_id=instance(settings.data, parts.ids),
        username=settings.mqtt_username or None,
        password=settings.mqtt_password.get_secret_value() or None,
        tls=broker_tls(settings),
    )
    shared = parts.broker is None
    prefix = f"$share/{SHARE_GROUP}/{ROOT}" if shared else ROOT

    def receive(messages: Sequence[Message]) -> int:
        return hear_together(parts.locks, messages)

    def ready() -> None:
        relay.ask_again()

    channels = (Channel.ACK, Channel.HELLO)
    subscriptions = tuple(f"{prefix}/+/{channel}" for channel in channels)
    transport = MqttTransport(options, receive_together=receive, subscriptions=subscriptions, on_ready=ready)
    relay = Relay(
        parts.house,
        transport,
        lanes=LANES,
        may_leave=parts.heads.is_kept,
        offer=lambda unit: offer_again(unit, parts.locks),
    )
    return transport, relay


def broker_tls(settings: Settings) -> Tls | None:
    """How the broker's certificate is checked, and which one we show; None in clear. Raises `Rejected("mqtt_ca")`."""
    given = [name for name in ("mqtt_ca", "mqtt_certificate", "mqtt_key") if getattr(settings, name) is not None]
    if not given:
        return None
    if settings.mqtt_ca is None or not settings.mqtt_host:
        raise Rejected(
            "mqtt_ca",
            f"the setting {given[0]} is of no use without mqtt_host and mqtt_ca: the connection would be in clear",
            fix="Set WEAKLINK_MQTT_HOST, and WEAKLINK_MQTT_CA to the broker's CA certificate (PEM).",
        )
    cert, key = settings.mqtt_certificate, settings.mqtt_key
    tls = Tls(ca_file=str(settings.mqtt_ca), cert_file=str(cert) if cert else None, key_file=str(key) if key else None)
    try:
        tls.context()
    except OSError as error:
        raise Rejected(
            "mqtt_ca",
            f"the connection to the broker cannot be set up with {' and '.join(given)}: {error}",
            fix=f"Set {', '.join(f'WEAKLINK_{name.upper()}' for name in given)} to PEM files that fit.",
        ) from error
    return tls


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses, and that for a minute whoever wants just any port is not given.

    A connection to it was made and ended from its side, which stays in TIME-WAIT (RFC 9293, section 3.6): whoever names
    the port may listen on it all the same.
    """
    with socket.create_server(("127.0.0.1", 0)) as door:
        address: tuple[str, int] = door.getsockname()
        with socket.create_connection(address), door.accept()[0]:
            return address[1]


def _broker_port(data: Path) -> int:
    """The embedded broker's port, which a restart keeps: handsets were told it. Another one only if that is taken."""
    path = data / "mqtt-port.txt"
    held = path.read_text().strip() if path.exists() else ""
    port = int(held) if held.isdigit() and _is_free(int(held)) else free_port()
    replace_file(path, f"{port}\n".encode())
    return port


def _is_free(port: int) -> bool:
    if port > MOST_PORTS:
        return False
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def instance(data: Path, ids: Ids) -> str:
    """A name that no other service has and that a restart keeps; also our client id, whose session a broker keeps."""
    path = data / "instance.txt"
    held = path.read_text().strip() if path.exists() else ""
    if not held:  # or a power cut came before its content was on the disk
        held = ids.new("weaklink")
        replace_file(path, held.encode())
    return held


def _name_witnesses(settings: Settings, house: House, keyring: Keyring) -> None:
    """The files that are given are what the log says; a purpose without a file stays as registrars named it."""
    given = {"working": settings.witness_policy, "verdict": settings.verdict_policy}
    policies = {purpose: _policy_text(path) for purpose, path in given.items() if path is not None}
    if policies:
        with house.unit() as unit:
            named = {**witnesses_in_force(unit), **policies}
            name_witnesses(house, unit, named, registrar=keyring.registrar)


def _policy_text(path: Path) -> str:
    """A witness policy: its comments may be in any character set (C2SP tlog-policy, section Character set).

    Its names are octets there. The log tells them as text, so they are UTF-8 here.
    """
    written = policy_text(path.read_bytes())
    told = written.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        is_told_whole = parse_policy(written) == parse_policy(told)
    except Rejected as refusal:
        raise Rejected("witness_policy", f"{path}: {refusal.detail}", fix=refusal.fix) from refusal
    if not is_told_whole:
        raise Rejected("witness_policy", f"{path}: a name in it is no UTF-8", fix="Write every name in UTF-8.")
    return told


def _name_casework(house: House) -> None:
    """By which policy cases are opened from now on is an entry of the log, and so is every change of it."""
    with house.unit() as unit:
        if rules_in_force(unit).get(CASEWORK) != DEFAULT_POLICY.pinned:
            change_rules(house, unit, {CASEWORK: DEFAULT_POLICY.pinned})


def _name_caps(house: House, caps: Caps) -> None:
    """Limits on locks other than the usual ones are an entry of the log, and so is every change of them."""
    with house.unit() as unit:
        named, wanted = rules_in_force(unit).get("lock_caps"), asdict(caps)
        if named != wanted and (named is not None or caps != Caps()):
            change_rules(house, unit, {"lock_caps": wanted})


def _caps(settings: Settings) -> Caps:
    usual = asdict(Caps())
    if unknown := sorted(settings.lock_caps.keys() - usual.keys()):
        what, fix = f"{', '.join(unknown)} is no limit on locks", f"Name only {', '.join(usual)}."
        raise Rejected("lock_caps", f"the setting lock_caps: {what}", fix=fix)
    try:
        return Caps(**settings.lock_caps)
    except Rejected as error:
        fix = "Set WEAKLINK_LOCK_CAPS otherwise."
        raise Rejected("lock_caps", f"the setting lock_caps: {error.detail}", fix=fix) from error


def _desks(settings: Settings) -> Directory:
    """The desks of the house; raises `Rejected("desks")` for a file in which somebody could be turned away."""
    path = settings.desks
    return DESKS if path is None else read_desks(path.read_bytes(), where=str(path))


def _witnesses(settings: Settings, house: House) -> Witnesses | None:
    if settings.witness_policy is None:
        return None
    policy = parse_policy(_policy_text(settings.witness_policy))
    return Witnesses(house, open_policy(policy, vkey=text_key(house.origin, house.log_signer.public).vkey()))


def _office(settings: Settings, house: House, keyring: Keyring, anchor: AnchorFile) -> LockOffice:
    today = civil_date(house.clock.now_ms())
    return wired_office(
        house=house,
        signers=CommandSigners(lock=keyring.lock, unlock=keyring.unlock),
        anchor=anchor,
        codes=keyring.codes,
        screen=ScreenTexts(
            who=settings.operator,
            why=WHY,
            phone=settings.support_phone,
            recourse=for_holders(settings.recourse or independent_body(DEFAULT_POLICY, today)),
            bought=BOUGHT.format(address=f"{settings.address}/bought"),
        ),
        caps=_caps(settings),
        backends=capabilities(settings),
        release_clock_ms=DEFAULT_POLICY.count("unlock_minutes", today) * MINUTE_MS,
        release_term_ms=DEFAULT_POLICY.count("release_unconfirmed_days", today) * DAY_MS,
    )


def _versions(package: object) -> Path:
    return Path(str(getattr(package, "__file__", ""))).parent / "versions"
