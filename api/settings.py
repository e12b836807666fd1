"""What can be set, and the only place where the environment is read.

Every setting may be given as an environment variable with the prefix WEAKLINK_, for example WEAKLINK_PORT=8080.
"""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one service process."""

    model_config = SettingsConfigDict(env_prefix="WEAKLINK_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8420, description="Port to listen on; 0 picks a free one.")
    data: Path = Field(default=Path("weaklink-data"), description="Folder for database, keys and broker.")
    database_url: str = Field(default="", description="SQLAlchemy address; empty means SQLite in the data folder.")
    mqtt_host: str = Field(default="", description="MQTT broker; empty means the embedded one.")
    mqtt_port: int = Field(default=1883, description="Port of the MQTT broker.")
    mqtt_username: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_ca: Path | None = Field(default=None, description="CA certificate of the broker (PEM).")
    mqtt_certificate: Path | None = None
    mqtt_key: Path | None = None
    embedded_mqtt_port: int = Field(default=0, description="Port of the embedded broker; 0 picks a free one.")
    witness_policy: Path | None = Field(default=None, description="Which witnesses to ask (C2SP tlog-policy).")
    verdict_policy: Path | None = Field(default=None, description="Whose cosignatures a verdict needs (tlog-policy).")
    origin: str = Field(default="weaklink.local/custody", description="Origin line of the log's checkpoints.")
    public_url: str = Field(default="", description="Address that others use to reach the service.")
    support_phone: str = Field(default="0800 000 000", description="Free phone number on lock screens.")
    recourse: str = Field(default="the Communications Ombudsman", description="Independent recourse on lock screens.")
    max_body_bytes: int = 4 * 1024 * 1024
    session_hours: int = 12
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests at the same address.")

    @property
    def database(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite:///{self.data / 'weaklink.db'}"


def read_settings(**given: object) -> Settings:
    """Settings from the environment, with what the command line gave on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # pydantic checks the values


def client_address() -> str:
    """Where the command line finds the service: WEAKLINK_URL, else the default address."""
    return os.environ.get("WEAKLINK_URL", "http://127.0.0.1:8420")


def client_token() -> str:
    """The command line's bearer token: WEAKLINK_TOKEN."""
    return os.environ.get("WEAKLINK_TOKEN", "")
