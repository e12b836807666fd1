"""Where and as whom to connect to a broker."""

import ssl
from dataclasses import dataclass, field

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM. `ca_file` alone checks the broker; certificate and key also show who we are."""

    ca_file: str
    cert_file: str | None = None
    key_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """The settings of a client's connections."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A retained "online", replaced by the broker with "offline" when the client is gone for `delay_s`."""

    topic: str
    delay_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttOptions:
    """Where and as whom to connect. `client_id` must be unique among running processes and stable over restarts."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    presence: Presence | None = None
    keepalive_s: int = 15
    session_expiry_s: int = 30 * DAY_S
    connect_timeout_s: float = 5.0
    publish_timeout_s: float = 5.0
    reconnect_min_s: float = 0.2
    reconnect_max_s: float = 5.0

    @property
    def turn_s(self) -> float:
        """At least this often the network thread looks whether it is time for a ping."""
        return max(1.0, self.keepalive_s / 15)

    @property
    def silence_s(self) -> float:
        """After this long without a packet on a connection that calls itself up, it is not."""
        return 2.0 * self.keepalive_s + self.connect_timeout_s
