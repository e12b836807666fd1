"""The forms of what is given outside the offer: what no rule gives, and two answers of ours."""

from api.pages.move_form import WHY, FormField, MoveForm

_WHICH = FormField(name="exception", says="Which of what was asked for", kind="choice")
_GIVEN = (
    FormField(name="until", says="By which day; tomorrow without", kind="day", needed=False),
    FormField(name="amount_pence", says="How much money, if any, in pounds", kind="pounds", needed=False),
    FormField(name="beside", says="It comes on top of the remedy, as for the wait", kind="tick", needed=False),
)
EXCEPTION_FORMS = (
    MoveForm(
        event="exception",
        place="told",
        title="Ask for what no rule gives",
        button="Ask somebody who may decide",
        done="exception",
        about="Somebody who may decide answers within the hour, and never with a bare no. The customer is told.",
        fields=(
            FormField(name="asked_for", says="What the customer needs", kind="words"),
            FormField(name="gap", says="Why no rule gives it, for whoever keeps the rules", kind="words"),
        ),
    ),
    MoveForm(
        event="exception_grant",
        place="told",
        title="Allow what no rule gives",
        button="Allow it, and promise it",
        done="allowed",
        about="Not by whoever asked. It is promised by its day, and the customer is told.",
        fields=(
            _WHICH,
            FormField(name="what", says="What they get, if not in these words", needed=False),
            *_GIVEN,
        ),
    ),
    MoveForm(
        event="exception_instead",
        place="told",
        title="Give something else than what no rule gives",
        button="Promise it instead",
        done="instead",
        about="Not by whoever asked. The customer reads the reasons, and can ask an independent body.",
        fields=(_WHICH, FormField(name="what", says="What they get instead"), *_GIVEN, WHY),
    ),
    MoveForm(
        event="two_answers",
        place="told",
        title="Write down that we gave two answers",
        button="Write both down",
        done="two_answers",
        about="The better one for the customer binds us at once, and we learn from both.",
        fields=(
            FormField(name="what", says="One answer: what was said"),
            FormField(name="by_whom", says="Where it was said", needed=False),
            FormField(name="until", says="By which day", kind="day", needed=False),
            FormField(name="amount_pence", says="How much money, if any, in pounds", kind="pounds", needed=False),
            FormField(name="other", says="The other answer: what was said"),
            FormField(name="other_by", says="Where that was said", needed=False),
            FormField(name="other_until", says="By which day, says the other", kind="day", needed=False),
            FormField(name="other_pence", says="How much, says the other, in pounds", kind="pounds", needed=False),
            FormField(
                name="rather",
                says="If they are of different things: which the customer would rather have",
                kind="choice",
                needed=False,
                options=(("what", "The one answer"), ("other", "The other answer")),
            ),
        ),
    ),
)
