"""Texts of what is given outside the offer: what no rule gives (`exception`), two answers of ours (`two_answers`)."""

from types import MappingProxyType

from custody.disputes.text import text

_TWO_ANSWERS = "We gave you two answers that do not fit, and we are sorry."

ANSWER_TEXTS = MappingProxyType(
    {
        "exception.ask": text(
            "You asked us for this: {what}. None of our rules says so, and that is no reason to say no.",
            "A person who may decide looks at it now. We tell you by {due}. Nothing else waits for it.",
            set_by=("exception_approver_hours",),
        ),
        "exception.pass_on": text(
            "You asked us for this: {what}. We have not answered yet, and we are sorry.",
            "Somebody else decides it now. Nothing else waits for it.",
        ),
        "exception.grant": text("You asked us for this: {what}. We say yes."),
        "exception.give_instead": text(
            "You asked us for this: {what}. We do something else for you. This is why: {reasons}",
            "Do you not agree? Tell us, and we look at it again.",
            "You can ask an independent body to overrule us. Your page says which, and from when.",
        ),
        "exception.take_back": text(
            "You also asked us for this: {what}. You need no answer to it any more, so nobody decides it.",
            "Do you still need it? Tell us, and we ask again.",
        ),
        "exception.reopen": text(
            "Before, you asked us for this: {what}. You took it back with your report.",
            "Do you still need it? Tell us, and we ask again.",
        ),
        "answers.better": text(
            _TWO_ANSWERS,
            "The better one counts: {what}. We keep it, by {due}. {owner} makes sure of it.",
        ),
        "answers.better_late": text(
            _TWO_ANSWERS,
            "The better one counts: {what}. It was due by {due}. We keep it now. {owner} makes sure of it.",
        ),
        "answers.with_before": text("That comes on top of the {amount} of it that we promised you before."),
        "answers.has_it_already": text(
            _TWO_ANSWERS,
            "The better one counts: {what}. You have it already, or it is on its way.",
            "So it does not come twice. Is that not right? Tell us, and we look at it again.",
        ),
    }
)
