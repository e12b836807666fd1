"""One row of a preflight, and the whole of it: what was looked at, how it came out, and who or what would allow it."""

from dataclasses import dataclass
from enum import StrEnum


class CheckName(StrEnum):
    """What is looked at, in the order it is shown."""

    POLICY_IN_FORCE = "policy_in_force"
    CLAIM_COVERED = "claim_covered"
    REQUESTER = "requester"
    DECIDER = "decider"
    TWO_PEOPLE = "two_people"
    DEVICE_NOT_WITH_CUSTOMER = "device_not_with_customer"
    IMEI_TIED = "imei_tied"
    NOT_ON_OWN_SIM = "not_on_own_sim"
    NOT_RETIRED = "not_retired"
    RECEIPT_NOT_CONFIRMED = "receipt_not_confirmed"
    NOT_LEAVING = "not_leaving"
    VULNERABILITY = "vulnerability"
    CONTACT_ON_SCREEN = "contact_on_screen"
    WAY_OUT = "way_out"
    NOTICE = "notice"
    CAPS = "caps"
    KILL_SWITCH = "kill_switch"


PASSING = frozenset({CheckName.CAPS, CheckName.KILL_SWITCH})
"""What holds any lock back, whatever its handset, and passes."""


class CheckReason(StrEnum):
    """Why a check came out as it did. The list is closed."""

    OK = "ok"
    UNKNOWN = "unknown"
    NO_POLICY = "no_policy"
    POLICY_ONE_PERSON = "policy_one_person"
    POLICY_NOT_LOGGED = "policy_not_logged"
    CLAIM_NOT_COVERED = "claim_not_covered"
    NO_SUCH_PERSON = "no_such_person"
    NOT_EMPLOYED = "not_employed"
    NOT_IN_ROLE = "not_in_role"
    SAME_PERSON = "same_person"
    MADE_THE_OTHER = "made_the_other"
    SAME_MAKER = "same_maker"
    WITH_CUSTOMER = "with_customer"
    RECORDS_SINGLE = "records_single"
    RECORDS_DISAGREE = "records_disagree"
    RECORDS_NONE = "records_none"
    ON_OWN_SIM = "on_own_sim"
    RETIRED = "retired"
    RECEIPT_CONFIRMED = "receipt_confirmed"
    LEAVING = "leaving"
    NEEDS_SPECIALIST = "needs_specialist"
    NO_CONTACT = "no_contact"
    NO_WAY_OUT = "no_way_out"
    NOTICE_MISSING = "notice_missing"
    CAP_REACHED = "cap_reached"
    KILLED = "killed"


_NOT_THERE_YET = frozenset({CheckReason.UNKNOWN, CheckReason.RECORDS_NONE, CheckReason.RECORDS_SINGLE})


class Ruling(StrEnum):
    """What follows from all checks."""

    ALLOWED = "allowed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightCheck:
    """One row: what was looked at, how it came out (None is unknown), why, and who or what would allow it."""

    name: CheckName
    ok: bool | None
    reason: CheckReason
    allowed_by: str

    @property
    def waits_for_records(self) -> bool:
        """Whether records that may still come would mend it: stations send late what they kept offline."""
        return self.name is CheckName.IMEI_TIED and self.reason in _NOT_THERE_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """All rows and what follows from them; `failing` are the rows that hold it back."""

    rows: tuple[PreflightCheck, ...]
    failing: tuple[PreflightCheck, ...]

    @property
    def is_put_off(self) -> bool:
        """Whether it has only to wait: for what passes, or for records to come, and then for a specialist at most."""
        waiting = [row for row in self.failing if row.name in PASSING or row.waits_for_records]
        rest = [row for row in self.failing if row not in waiting]
        return bool(waiting) and all(row.reason is CheckReason.NEEDS_SPECIALIST for row in rest)

    @property
    def waits_for_records(self) -> bool:
        """Whether records that tie the handset are not there yet."""
        return any(row.waits_for_records for row in self.failing)

    @property
    def ruling(self) -> Ruling:
        """Allowed if nothing holds it back."""
        return Ruling.REFUSED if self.failing else Ruling.ALLOWED
