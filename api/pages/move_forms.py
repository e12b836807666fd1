"""The forms of the moves of a case: what each asks for, where it stands on the page, and what is said of it."""

from collections.abc import Mapping

from api.pages import words
from api.pages.exception_forms import EXCEPTION_FORMS
from api.pages.move_form import WHY, FormField, MoveForm
from custody.disputes.case import ADR_EVENT
from custody.disputes.case_guards import OBSERVATIONS, Ground
from custody.disputes.claim import CLAIMS
from custody.disputes.collection import CollectionWindow, between
from custody.disputes.history import IN_FAVOUR

CAME = FormField(name="received", says="Came on, if before today", kind="day", needed=False)
SCHEMES = FormField(name="reference", says="The scheme's own reference")
SUM = FormField(
    name="price_reduction_pence",
    says="If they keep it for part of the price back: how much, in pounds",
    kind="pounds",
    needed=False,
)
LESS = FormField(
    name="why",
    says="If that is less than the sum named before: why, in words that the customer can read",
    kind="words",
    needed=False,
)
_MOVES = (
    MoveForm(
        event="classify",
        place="kind",
        title="Change the kind",
        button="Set the kind and offer",
        done="typed",
        fields=(
            FormField(
                name="claim_type",
                says="What the customer agrees it is",
                kind="choice",
                options=tuple((str(kind), words.worded(words.CLAIMS, kind)) for kind in CLAIMS),
            ),
            FormField(
                name="custody_words",
                says="If it was damaged: their words on when and where",
                kind="words",
                needed=False,
            ),
            SUM,
            LESS,
        ),
    ),
    MoveForm(
        event="order_days",
        place="kind",
        title="Write down a day of the order",
        button="Write the days down",
        done="days",
        about="The days of the law count from these. One that is known already is put right by a supervisor.",
        fields=(
            FormField(name="delivered", says="Delivered on", kind="day", needed=False),
            FormField(name="proof_of_sending", says="Sent back, as a proof shows, on", kind="day", needed=False),
            FormField(name="goods_back", says="At the returns bench on", kind="day", needed=False),
            FormField(name="reference", says="What shows it"),
        ),
    ),
    MoveForm(
        event="support_needs",
        place="told",
        title="Write down a support need",
        button="Write it down",
        done="needs",
        about="Whoever decides on a lock of the phone is held to it from now on.",
        fields=(
            FormField(
                name="support_needs", says="Support needs in words the customer agreed to, one a line", kind="words"
            ),
        ),
    ),
    MoveForm(
        event="need_mistaken",
        place="told",
        title="Take out a support need",
        button="Take it out",
        done="need_mistaken",
        about="Only what was written down by mistake. The customer is told. A lock that waits for a person waits on.",
        fields=(FormField(name="need", says="Which one", kind="choice"),),
    ),
    MoveForm(
        event="in_favour",
        place="told",
        title="Write down what speaks for the customer",
        button="Write it down for them",
        done="in_favour",
        about="Of their past only what is in their favour. No rule takes it; whoever works on the case reads it.",
        fields=(
            FormField(name="in_favour", says="What it is", kind="choice", options=tuple(IN_FAVOUR.items())),
            FormField(name="words", says="What it says", kind="words"),
        ),
    ),
    MoveForm(
        event="people",
        place="told",
        title="Write down who is who in the contract",
        button="Write them down",
        done="people",
        about="Nothing has to be shown for it. After a death nobody is asked for a paper about it.",
        fields=(
            FormField(name="holder", says="Who has the contract", needed=False),
            FormField(name="payer", says="Who paid", needed=False),
            FormField(name="user", says="Who uses the phone", needed=False),
            FormField(name="representative", says="Who speaks for them", needed=False),
            FormField(name="write_to", says="Where we write to that person", needed=False),
            FormField(name="holder_died", says="Who had the contract has died", kind="tick", needed=False),
            FormField(name="payer_died", says="Who paid has died", kind="tick", needed=False),
            FormField(name="user_has_not", says="Who uses it says: I do not have it", kind="tick", needed=False),
            FormField(name="user_has", says="Who uses it says: I have it", kind="tick", needed=False),
        ),
    ),
    MoveForm(
        event="access_request",
        place="told",
        title="Write down that they want a copy of their data",
        button="Promise the copy",
        done="copy_asked",
        about="Send it to whom the data is about, whoever has the link. Record it then as a kept promise.",
        fields=(CAME,),
    ),
    MoveForm(
        event="copy_takes_longer",
        place="told",
        title="Say that the copy takes longer than a month",
        button="Tell the customer",
        done="copy_longer",
        about="Two more months, only within the first one. What we promised stays promised.",
        fields=(WHY,),
    ),
    MoveForm(
        event="data_complaint",
        place="told",
        title="Write down that they complain of how we use their data",
        button="Promise an answer",
        done="data_complaint",
        about="They are told at once that we have it. Record your answer then as a kept promise.",
        fields=(CAME,),
    ),
    MoveForm(
        event="told",
        place="told",
        title="Write down what they were promised elsewhere",
        button="Write it down",
        done="told",
        about="It binds us unless it is rebutted within its days. The customer is told until when.",
        fields=(
            FormField(name="what", says="What they were promised", kind="words"),
            FormField(name="by_whom", says="By whom", needed=False),
            FormField(name="until", says="By which day", kind="day", needed=False),
            FormField(name="amount_pence", says="How much money, if any, in pounds", kind="pounds", needed=False),
        ),
    ),
    MoveForm(
        event="rebut",
        place="told",
        title="Rebut what they were promised elsewhere",
        button="Rebut it, and tell the customer",
        done="rebutted",
        about="Only in its days. The customer reads the reasons, and can ask an independent body.",
        fields=(FormField(name="told", says="Which promise", kind="choice"), WHY),
    ),
    *EXCEPTION_FORMS,
    MoveForm(
        event="needs",
        place="remedy",
        title="Write down what they are without",
        button="Promise it",
        done="without",
        about="It is promised within a day, beside the remedy, and the customer is told.",
        fields=(
            FormField(name="no_phone", says="They have no phone that works", kind="tick", needed=False),
            FormField(name="benefit_lost", says="Maps, a service or the like went with it", kind="tick", needed=False),
        ),
    ),
    MoveForm(
        event="collect",
        place="remedy",
        title="Book the free collection",
        button="Promise it for then",
        done="collected",
        about="Of the wrong one, at their door. Another time takes the place of the one before.",
        fields=(
            FormField(name="collect_on", says="On which working day", kind="day"),
            FormField(
                name="window",
                says="In which hours",
                kind="choice",
                options=tuple((str(window), between(window)) for window in CollectionWindow),
            ),
        ),
    ),
    MoveForm(
        event="offer",
        place="remedy",
        title="Offer a remedy again",
        button="Offer again",
        done="offered",
        about="The offer follows from the kind of problem. To offer for another kind, change the kind.",
        fields=(SUM, LESS),
    ),
    MoveForm(
        event="delivered_or_paid",
        place="remedy",
        title="Record the remedy",
        button="Record as delivered",
        done="remedied",
        fields=(FormField(name="reference", says="Delivered or paid: delivery or payment reference"),),
    ),
    MoveForm(
        event="promise_kept",
        place="remedy",
        title="Record that a promise was kept",
        button="Record as kept",
        done="kept",
        fields=(
            FormField(name="promise", says="Which promise", kind="choice"),
            FormField(name="reference", says="Reference that shows it"),
        ),
    ),
    MoveForm(
        event="credit_paid",
        place="remedy",
        title="Record that the credit was paid",
        button="Record as paid",
        done="credited",
        fields=(
            FormField(name="pence", says="How much was paid, in pounds", kind="pounds"),
            FormField(name="reference", says="Reference of the payment"),
        ),
    ),
    MoveForm(
        event="payment_came_back",
        place="remedy",
        title="Write down that a payment came back",
        button="Promise it again",
        done="came_back",
        fields=(
            FormField(name="promise", says="Which payment", kind="choice"),
            FormField(name="reference", says="Reference of the bank"),
        ),
    ),
    MoveForm(
        event="credit_came_back",
        place="remedy",
        title="Write down that a credit came back",
        button="Owe it again",
        done="owed_again",
        fields=(
            FormField(name="payment", says="Which payment", kind="choice"),
            FormField(name="reference", says="Reference of the bank"),
        ),
    ),
    MoveForm(event="reopen", place="remedy", title="Open again", button="Open the case again", done="reopened"),
    MoveForm(
        event="ask",
        place="ask",
        title="Ask for one thing, once",
        button="Ask",
        done="asked",
        fields=(
            FormField(name="item", says="What"),
            FormField(name="text", says="In the words that the customer reads", kind="words"),
        ),
    ),
    MoveForm(
        event="propose_decline",
        place="end",
        title="Propose to decline",
        button="Propose, and hear the customer",
        done="decline_proposed",
        about="Only on something observed about this customer. They are told of it and heard first.",
        fields=(
            FormField(
                name="ground",
                says="What it rests on",
                kind="choice",
                options=tuple((str(ground), words.worded({}, ground)) for ground in Ground if ground in OBSERVATIONS),
            ),
            FormField(name="says", says="What it shows, in words that the customer can read", kind="words"),
            FormField(name="kept_at", says="Where it is kept"),
            FormField(name="about", says="It is about this customer, not about others like them", kind="tick"),
        ),
    ),
    MoveForm(
        event="heard_accepted",
        place="end",
        title="Accept what the customer said",
        button="Accept it, and go on",
        done="heard",
        fields=(WHY,),
    ),
    MoveForm(
        event="decline",
        place="end",
        title="Decline",
        button="Decline, and send the letter",
        done="declined",
        about="It takes a second person. The letter for the independent scheme leaves at once.",
        fields=(WHY, FormField(name="heard", says="The customer told us their side", kind="tick", needed=False)),
    ),
    MoveForm(
        event=ADR_EVENT,
        place="end",
        title="Say that we cannot agree",
        button="Send the letter for the scheme today",
        done="deadlock",
    ),
    MoveForm(
        event="we_changed_our_mind",
        place="end",
        title="Look at it again after the letter",
        button="We changed our mind",
        done="mind_changed",
    ),
    MoveForm(
        event="adr_accepts",
        place="end",
        title="The scheme took the case",
        button="Write it down",
        done="with_scheme",
        about="Export the evidence pack first: the newest one is what the scheme gets.",
        fields=(SCHEMES,),
    ),
    MoveForm(
        event="decision",
        place="end",
        title="The scheme decided",
        button="Write the decision down",
        done="scheme_decided",
        about="The decision is the scheme's. You write it down, and the customer says yes or no. Of more than £2,500, "
        "with what was decided before, another supervisor writes down the same first. "
        "Somebody else is asked to look at each.",
        fields=(
            FormField(name="text", says="What we have to do, in words that the customer can read", kind="words"),
            FormField(name="award_pence", says="The sum, if it is money", kind="pounds", needed=False),
            FormField(name="beside", says="It comes on top of the remedy, as for the wait", kind="tick", needed=False),
            SCHEMES,
        ),
    ),
    MoveForm(
        event="merge",
        place="end",
        title="Join with another report",
        button="Join",
        done="joined",
        about="The earliest date and all that was given, promised and owed stay.",
        fields=(
            FormField(name="into", says="The case that goes on"),
            FormField(
                name="consent",
                says="The other customer agreed; not needed if both name one order that we know",
                kind="tick",
                needed=False,
            ),
        ),
    ),
)
MOVES: Mapping[str, MoveForm] = {move.event: move for move in _MOVES}
