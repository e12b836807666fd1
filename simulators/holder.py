"""What a holder may want to do with a handset, and what of it works while it is locked.

The short list: emergency calls, emergency text messages and those of a relay service, for whoever cannot speak or hear,
the owner's own emergency numbers, emergency alerts, the support number, incoming calls, charging, the screen reader,
and typing the offline code.
"""

from enum import StrEnum


class Function(StrEnum):
    """What a holder may want to do with a handset."""

    EMERGENCY_CALL = "emergency_call"
    EMERGENCY_TEXT = "emergency_text"
    RELAY_CALL = "relay_call"
    OWNERS_EMERGENCY_NUMBER = "owners_emergency_number"
    EMERGENCY_ALERT = "emergency_alert"
    SUPPORT_CALL = "support_call"
    INCOMING_CALL = "incoming_call"
    CHARGING = "charging"
    SCREEN_READER = "screen_reader"
    ENTER_CODE = "enter_code"
    CALL_ANYONE = "call_anyone"
    APPS = "apps"
    CAMERA = "camera"
    SETTINGS = "settings"
    UNLOCK = "unlock"


ALLOWED_WHILE_LOCKED = frozenset(
    {
        Function.EMERGENCY_CALL,
        Function.EMERGENCY_TEXT,
        Function.RELAY_CALL,
        Function.OWNERS_EMERGENCY_NUMBER,
        Function.EMERGENCY_ALERT,
        Function.SUPPORT_CALL,
        Function.INCOMING_CALL,
        Function.CHARGING,
        Function.SCREEN_READER,
        Function.ENTER_CODE,
    }
)
