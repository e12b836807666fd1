"""Every text that a customer or a holder can get, by key.

A key is `machine.event` for a transition (`case.offer`, `promise.date_passed`, `lock.publish`), or a word of its own
for what is no transition (`case.report`, `lock.before`, `leaver.notice`). Fields stand in braces and are filled by
`messages.say`. `set_by` names the rules of law or policy that set the dates and sums in a text; a text whose dates and
sums come from a promise leaves it empty and needs the promise's id.

Moves that tell the customer nothing new are in `INTERNAL`. What is given outside the offer has its texts in
`answer_texts`.
"""

from types import MappingProxyType

from custody.disputes.answer_texts import ANSWER_TEXTS
from custody.disputes.text import text as _text

INTERNAL = frozenset(
    {
        "investigation.rank",
        "investigation.do_check",
        "investigation.result",
        "promise.t_minus_24h",
        "lock.preflight_passes",
        "lesson.learn",
    }
)

_WORKS_ON = "Calls to 999 still work."
_IF_LOCKED = "Does it look locked? The code is on your page, and it works with no network."
_NO_WAIT = "Putting things right for you does not wait for this."

TEXTS = MappingProxyType(
    {
        # Before and beside the table of the case.
        "case.report": _text(
            "We believe you. We are sorry this happened. You do not have to prove it.",
            "{owner} looks after your case from now on.",
            "Photos are welcome, and never needed.",
            "Is there anything we should know?",
        ),
        "case.way_out": _text(
            "If we cannot agree, you can go to {body} from {opens}.",
            "You have until {last_day}. You do not need our consent.",
            set_by=("adr_weeks", "adr_refer_months", "court_years"),
        ),
        "case.new_owner": _text(
            "{owner} looks after your case now. All you told us is in it. You need not tell it twice."
        ),
        "case.handed_on": _text(
            "{owner} looks after your case now. All you told us is in it.",
            "You need not tell it twice, and you need not call anybody.",
        ),
        "case.link_renewed": _text("You have a new link to this page. The old one opens nothing any more."),
        "case.copy_asked": _text(
            "You asked for a copy of all that we hold about you. It costs you nothing.",
            "We first make sure that it goes to you alone. By law you have it by {last_day}.",
            set_by=("sar_months",),
        ),
        "case.copy_takes_longer": _text(
            "Your copy takes us longer than a month. This is why: {why}",
            "By law you have it by {last_day}. What we promised you stays promised.",
            set_by=("sar_extension_months",),
        ),
        "case.data_complaint": _text(
            "You told us that something is wrong with how we use your data. We have that, and we look at it.",
            "You can also ask the Information Commissioner to look at it. That costs you nothing.",
        ),
        "case.collection": _text(
            "We collect it at your door on {day}, {between}. It is free, and you need pack nothing.",
            "If you still have the box, please give it along. {owner} makes sure of it.",
            "Does that not suit you? Choose another time on your page, or tell us.",
        ),
        "case.people": _text("Thank you. We wrote down who is who. We will not ask you for it again."),
        "case.representative": _text(
            "From now on we write to whoever speaks for you.",
            "You can change that at any time. Tell us here, or call us.",
        ),
        "case.bereaved": _text(
            "We are sorry for your loss. Your word is enough. You need send us no paper about it.",
            "All goes on in the name that you give us. {owner} makes sure of it.",
        ),
        "case.received": _text("Thank you. We have what you sent. We will not ask for it again."),
        "case.found_it": _text("We are glad you found it. Thank you for telling us. We unlock it now. All is well."),
        "case.found_it_free": _text("We are glad you found it. Thank you for telling us. All is well."),
        # The case.
        "case.classify": _text(
            "Thank you. We wrote down that {problem}.", "Is that not right? Tell us, and we change it."
        ),
        "case.ask": _text(
            "We would like one thing from you, if you have it: {item}.",
            "Any form will do, plain words too. You can skip it.",
            "That does not count against you. After {days} days we go on without it.",
            set_by=("ask_open_days",),
        ),
        "case.answered_or_skipped": _text(
            "Thank you. We go on with your case now. We will not ask you for this again."
        ),
        "case.offer": _text(
            "We want to put this right. You can choose: {options}.",
            "Take your time. The offer stays open. We will remind you.",
        ),
        "case.charge_held": _text("We know that you sent it back. Nothing is charged for it while we look. Thank you."),
        "case.paid_back": _text(
            "The whole price was promised or paid back to you.",
            "Has it not reached you? Tell us, and we look where it is.",
        ),
        "case.sum_to_name": _text("Would you rather have part of the price back? Tell us, and we name the sum."),
        "case.sum_named": _text("We named the sum for part of the price back. It is on your page. You choose."),
        "case.sum_lowered": _text(
            "We named a lower sum than before. This is why: {why}",
            "It is on your page. Do you not agree? Tell us, and we look at it again.",
        ),
        "case.payment_came_back": _text(
            "Your money came back to us, so you do not have it yet. We are sorry. We pay it again.",
            "Should it go another way? Tell us.",
        ),
        "case.credit_paid": _text(
            "We paid you the {credit} that we owed you. Has it not come? Tell us, and we look where it is.",
            set_by=("missed_promise_credit_gbp_per_day", "wrong_lock_gbp_per_day"),
        ),
        "case.credit_came_back": _text(
            "The {credit} that we paid you came back to us, so you do not have it yet.",
            "We are sorry. We pay it again. Should it go another way? Tell us.",
            set_by=("missed_promise_credit_gbp_per_day", "wrong_lock_gbp_per_day"),
        ),
        "case.set_aside": _text(
            "We put this order right by way of another report of it. So nothing comes by way of this one.",
            "Was that not you? Call us, or tap I do not agree on your page. We look at both together.",
            "You can ask an independent body to overrule us. Your page says which, and from when.",
        ),
        "case.set_aside_joined": _text(
            "One of the reports that we joined is about another order.",
            "We put that order right by way of another report. So nothing comes for it here. All else stays as it was.",
            "Was that not you? Call us, or tap I do not agree on your page. We look at both together.",
        ),
        "case.less_here": _text(
            "Part of the price of your order is promised by way of another report of it.",
            "So less comes for it here.",
            "Was that not you? Call us, or tap I do not agree on your page. We look at both together.",
            "You can ask an independent body to overrule us. Your page says which, and from when.",
        ),
        "case.stands_again": _text(
            "We do not put that order right by way of another report any more. So what we promised you stands again."
        ),
        "case.reminder": _text(
            "You have not chosen yet, and that is fine. You can still choose: {options}. The offer stays open."
        ),
        "case.ask_lapsed": _text("We go on with your case now, without what we asked for. That is fine."),
        "case.choose": _text(
            "Thank you. You chose {remedy}.", "You will have it by {due}.", "{owner} makes sure of it."
        ),
        "case.delivered_or_paid": _text("We think this is put right now. Is it? If not, tell us, and we go on."),
        "case.confirm_or_lapse": _text(
            "Your case is closed. Thank you for telling us. You can open it again here at any time."
        ),
        "case.unopposed": _text(
            "Nobody told us that it is not right, so we closed your case. You can open it again here at any time."
        ),
        "case.not_fixed": _text(
            "Thank you for telling us. We are sorry it is not right yet. We are on it again.",
            "Your first date still counts.",
        ),
        "case.propose_decline": _text(
            "We found something, and we must ask you about it. Nothing is decided yet.",
            "This is what we found: {finding}",
            "Please tell us your side by {due}. You may bring someone to help you.",
            "A person reads what you say before anyone decides.",
            set_by=("hearing_days",),
        ),
        "case.heard_longer": _text(
            "You have more time to tell us your side. We listen until {due}.",
            set_by=("supported_hearing_days",),
        ),
        "case.need_mistaken": _text(
            "Something stood in your case that you need of us. It was written down by mistake, and we took it out.",
            "Is that not right? Tell us, and we write it down again.",
        ),
        "case.heard_accepted": _text(
            "Thank you for telling us your side. We accept it. We are sorry that we had to ask.",
            "We go on and put things right.",
        ),
        "case.decline": _text(
            "We have said no this time. This is why: {reasons}",
            "Two people looked at it. You can ask an independent body to overrule us.",
            "We send you the letter for it today.",
        ),
        "case.decline_over": _text(
            "We have said no this time. This is why: {reasons}",
            "Two people looked at it. We send you a letter about it today.",
        ),
        "case.adr_letter": _text(
            "Here is your letter. You can take it to {body}. You have until {last_day}.",
            "Ask us for all we hold on your case, to take with you. Going there costs you none of your rights.",
            set_by=("adr_refer_months", "court_years"),
        ),
        "case.letter_over": _text(
            "This is your letter. The last day to go to {body} was {last_day}.",
            "Free advice can tell you what you can still do. Ask us for all we hold on your case, to take with you.",
            set_by=("adr_refer_months", "court_years"),
        ),
        "case.adr_accepts": _text(
            "The independent body has your case now. We sent it all we hold.",
            "Most take about {weeks} weeks.",
            set_by=("adr_decision_weeks",),
        ),
        "case.we_changed_our_mind": _text(
            "We looked again, and we changed our mind. You were right. We are sorry it took so long.",
            "We put things right now.",
        ),
        "case.decision": _text(
            "The independent body has decided. If you say yes, we must do what it says.",
            "If you say no, you keep all your other rights. You have until {last_day}.",
            set_by=("adr_accept_working_days",),
        ),
        "case.decision_instead": _text(
            "If you say yes, it takes the place of what we promised you before. That is: {what}.",
            "If you say no, that stays promised.",
        ),
        "case.decision_beside": _text(
            "What it decided comes on top of what we promised you before. That is: {what}.",
            "If you say no, that stays promised too.",
        ),
        "case.decision_waits": _text(
            "You have not said yes or no to what the independent body decided. Your page has its words.",
            "You have until {last_day}. If we hear nothing, your case here closes after that day.",
            set_by=("adr_accept_working_days",),
        ),
        "case.decision_lapsed": _text(
            "We heard no yes and no no to the decision by {last_day}. So we do not have to do what it says.",
            set_by=("adr_accept_working_days",),
        ),
        "case.customer_accepts": _text(
            "Thank you. We now do what the independent body said.", "You will have it by {due}."
        ),
        "case.decided_instead": _text("It takes the place of what we promised before. That is: {what}."),
        "case.customer_rejects_or_lapse": _text(
            "Your case here is closed. You keep your right to go to court.",
            "What we promised you still stands. You can open the case again here.",
        ),
        "case.withdraw": _text("You took your report back, and that is fine. You can open it again here at any time."),
        "case.merge": _text(
            "We joined this with your other report. The first date still counts. You need not tell us anything twice."
        ),
        "case.six_weeks_or_deadlock_or_customer_asks_at_deadline": _text(
            "You may go to {body} now. You do not need our consent. You have until {last_day}.",
            "This is your letter. Ask us for all we hold on your case, to take with you. We still work on your case.",
            set_by=("adr_weeks", "adr_refer_months", "court_years"),
        ),
        "case.reopen": _text(
            "Your case is open again. Your first date still counts. You need not start again.",
            "{owner} looks after it.",
        ),
        # Promises.
        "promise.made": _text("We promise you {what}. You get it {method} by {due}. {owner} makes sure of it."),
        "promise.made_money": _text(
            "We promise you {what}: {amount}. You get it {method} by {due}. {owner} makes sure of it."
        ),
        "promise.done": _text("Done: {what}. We kept our promise. Is it right? If not, tell us."),
        "promise.date_passed": _text(
            "We are late, and we are sorry. We promised you {what}. It was due by {due}.",
            "You get {credit} for this, and more for each day we are late. You need not ask for it.",
            "{owner} stays with it until you have it.",
        ),
        "promise.done_late": _text(
            "Done at last: {what}. We were late, and we are sorry. You get {credit} for the wait."
        ),
        "promise.customer_changed_mind": _text("You changed your mind, and that is fine. We crossed out {what}."),
        # What somebody else promised.
        "outside.told": _text(
            "You told us what you were promised: {what}.",
            "We keep it, unless we can show you otherwise by {due}. You need not prove it.",
            set_by=("outside_promise_rebut_days",),
        ),
        "outside.rebut": _text(
            "We looked at what you were promised: {what}. We do not keep it. This is why: {reasons}",
            "Do you not agree? Tell us, and we look at it again.",
            "You can ask an independent body to overrule us. Your page says which, and from when.",
        ),
        "outside.days_passed": _text(
            "You told us what you were promised: {what}. We keep it, by {due}. {owner} makes sure of it."
        ),
        "outside.days_passed_late": _text(
            "You told us what you were promised: {what}. It was due by {due}. We keep it now. {owner} makes sure of it."
        ),
        "outside.sum": _text("It is {amount}."),
        "outside.sum_left": _text("It is {amount}. That is what is left of the price, and we give no more of it back."),
        "outside.has_it_already": _text(
            "You told us what you were promised: {what}. You have it already, or it is on its way.",
            "So it does not come twice. Is that not right? Tell us, and we look at it again.",
        ),
        "outside.price_is_back": _text(
            "You told us what you were promised: {what}. The whole price was promised or paid back to you.",
            "So this does not come beside it. Is that not right? Tell us, and we look at it again.",
        ),
        "outside.taken_back": _text("You changed your mind, and that is fine. We crossed out {what}."),
        **ANSWER_TEXTS,
        # The investigation names no person.
        "investigation.opened": _text(
            "We also look at how your parcel came to you, to find out where it went wrong.",
            _NO_WAIT,
            "You hear from us at least every {days} days. If you still have the packaging, please keep it.",
            set_by=("inv_update_days",),
        ),
        "investigation.start": _text("We have begun to look at the path of your parcel.", _NO_WAIT),
        "investigation.update": _text("We still look at the path of your parcel. {news}", _NO_WAIT),
        "investigation.conclude": _text(
            "We have looked at the whole path of your parcel. {finding}", "Thank you. Your report helped us see it."
        ),
        "investigation.nothing_found": _text(
            "We looked at the whole path of your parcel. We could not find the place where it went wrong.",
            "That changes nothing for you.",
        ),
        "investigation.file_fix": _text("Because of your report we change the way we work: {fix}", "Thank you."),
        "investigation.reopen": _text("There is something new. So we look at the path of your parcel again.", _NO_WAIT),
        # The lock of the missing handset.
        "lock.publish": _text(
            "The phone from your order is missing. We are locking it, so that nobody else can use it.",
            "This is why: {reason}",
            "This is what the lock does. {effects}",
            set_by=("provisional_lock_hours",),
        ),
        "lock.before": _text(
            "We plan to lock the phone from your order at {at}. This is why: {reason}",
            "This is what the lock does. {effects}",
            "Do you have it now, or do you not agree? Tell us, and we do not lock it.",
            set_by=("lock_notice", "lock_notice_hours", "provisional_lock_hours"),
        ),
        "lock.preflight_fails": _text(
            "We did not lock the phone. This is why: {reason}", "For you all goes on as before."
        ),
        "lock.second_person_says_no": _text(
            "We did not lock the phone. A second person looked and said no. This is why: {reason}"
        ),
        "lock.device_ack": _text(
            "The missing phone is locked now. Nobody can use it.",
            "The lock ends by itself after {hours} hours, unless two people here confirm it.",
            _WORKS_ON,
            "Do you have it after all? Tap I found it on your page. The code is there too.",
            set_by=("provisional_lock_hours",),
        ),
        "lock.cancel_before_delivery": _text("We called the lock back before it reached the phone. Nothing is locked."),
        "lock.expired_undelivered": _text(
            "The missing phone did not answer in time, so we took the lock back. Nothing is locked."
        ),
        "lock.cancel_unanswered": _text(
            "We called the lock back. The phone has not told us if it was locked.", _IF_LOCKED
        ),
        "lock.expired_unanswered": _text(
            "The missing phone did not answer in time, so we took the lock back.", _IF_LOCKED
        ),
        "lock.confirm": _text(
            "Two people here looked at it. The missing phone stays locked, as it is not with you.",
            "We look at this again at least every {days} days. Do you have it after all? Tell us, and we unlock it.",
            set_by=("lock_review_days",),
        ),
        "lock.lapse_or_release": _text(
            "We are unlocking the phone. The code is on your page now. It works at once, with no network."
        ),
        "lock.release": _text(
            "We are unlocking the phone. The code is on your page now. It works at once, with no network."
        ),
        "lock.wrong": _text(
            "We are sorry. We locked your phone, and you have it. That was wrong, and we undo it now.",
            "For each day it was locked, even in part, you get {credit}. You need not ask.",
            set_by=("wrong_lock_gbp_per_day",),
        ),
        "lock.compensation": _text(
            "Your phone was locked when it should not have been. You get {credit} for that. You need not ask.",
            set_by=("wrong_lock_gbp_per_day",),
        ),
        "lock.term_passed": _text(
            "We sent the unlock again and again, and the phone has not answered. Its lock has ended by itself.",
            "Does it still look locked? The code is on your page, and it works with no network.",
        ),
        "lock.device_ack_or_code_used": _text(
            "The phone is unlocked. The code stays on your page in case you need it."
        ),
        "lock.holder": _text(
            "This phone is locked because its owner is missing it. You did nothing wrong by holding it.",
            _WORKS_ON,
            "Please call the number on the screen. We will help you, and you get a receipt if you hand it in.",
        ),
        # Leaving.
        "leaver.notice": _text(
            "Your line ends at {at}. Please change the line for your bank payments before then.",
            "Your phone: {lock_state}. You can keep your number: {keep_number}.",
            "Thank you for being with us.",
            set_by=("leaver_notices_hours",),
        ),
        "leaver.goodbye": _text("Thank you for being with us. Your phone is yours and works with any network."),
    }
)
