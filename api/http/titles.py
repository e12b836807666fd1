"""The titles of errors. A type of problem has one, whatever kind of error it comes as (RFC 9457 section 3.1.3).

A code that is raised as one kind of error has the title of that kind. One that is raised as several has a title of its
own, which fits all of them; a test finds those codes in the source and asks for it. Pages, which show no type, say
which kind it is.
"""

from custody.kernel.errors import Conflict, Fatal, Forbidden, NotFound, Rejected, Trouble, Unavailable

OF_KINDS: dict[type[Trouble], str] = {
    Rejected: "The request is not right",
    Forbidden: "This needs more authority",
    NotFound: "Not found",
    Conflict: "Not possible in the present state",
    Unavailable: "Busy, try again",
    Fatal: "The service stopped rather than guess",
}
OF_STATUSES = {
    "unauthenticated": "Nobody is signed in",
    "sign_in_again": "The sign-in is too long ago for this",
    "logout_token": "No logout token that is taken here",
    "hmac": "This was not signed with the key of its sender",
    "too_large": "This is too large",
    "media_type": "This is of another type than what is taken here",
    "content_coding": "This is packed in a way that is not taken here",
    "too_many": "Too often at once",
}
"""Of the codes that have a status of their own."""
OF_SEVERAL_KINDS = {
    "anchor": "The anchor cannot be used as it is",
    "authority": "No standing authority that waits for a decision",
    "backend": "No such lock system in use here",
    "batch": "No batch of scans, or not a whole one",
    "changed": "It was changed meanwhile",
    "checkpoint": "No checkpoint that serves here",
    "clock": "The times do not fit",
    "command": "No command for this handset",
    "data": "The data folder cannot be used",
    "device": "No handset that this can be done with",
    "eir_file": "No IMEI list of ours",
    "entry": "No such entry of the log",
    "event": "There is no such event",
    "evidence": "No evidence of that name or form",
    "fork": "Two pasts of one log",
    "found": "What was found does not fit",
    "group": "No group that this can be done with",
    "idempotency": "The idempotency key does not serve",
    "imei": "No IMEI that fits",
    "joined": "The case goes on in another one",
    "judge_edition": "No edition of the judge that serves here",
    "kept": "What is kept stands in the way",
    "key": "No key that fits",
    "keys": "The keys are not what they have to be",
    "lock": "No lock that holds here",
    "move": "Not possible in the present state",
    "no_log": "The log is empty",
    "opening": "No opening that fits",
    "order": "No order that fits",
    "origin": "The name of the log does not fit",
    "parcel": "No parcel whose records are known",
    "policy": "No policy that serves here",
    "record": "This is no record of the log",
    "reference": "The reference does not fit",
    "retired": "The handset is retired for ever",
    "role": "No role that may do this",
    "scan": "No scan of that name or form",
    "settings": "The settings do not fit",
    "shard": "No shard of that name",
    "state": "There is no such state",
    "station": "No station of that name",
    "step": "There is no such step",
    "tile": "No such tile, or not as the log says",
    "told": "Nothing that was told in that form or under that name",
    "witness": "No cosignature of the witness",
    "witness_policy": "The witness policy cannot be used",
}


def title_of(trouble: Trouble) -> str:
    """The title of an error's type."""
    return OF_SEVERAL_KINDS.get(trouble.code) or heading_of(trouble)


def heading_of(trouble: Trouble) -> str:
    """Which kind of error it is, in a few words."""
    return OF_STATUSES.get(trouble.code) or OF_KINDS.get(type(trouble), "Something went wrong")
