"""What the device lock relies on from a broker.

Every test runs on each broker. Where one differs, the table says so and the test asserts the difference.
"""

import pytest

from devicelock.mqtt_options import Presence
from devicelock.rules.topic import Channel, every, topic
from devicelock.transport import Message, PublishOutcome, Transport
from tests.contracts.broker_bench import Bench, Inbox, Promise

COMMAND, ACK, STATUS = topic("d1", Channel.COMMAND), topic("d1", Channel.ACK), topic("d1", Channel.STATUS)


def send(client: Transport, where: str, payload: bytes, *, expiry_s: int = 60) -> PublishOutcome:
    return client.publish(where, payload, expiry_s=expiry_s, correlation=b"cmd-1")


def test_bytes_content_type_and_correlation_arrive_as_they_were_sent(bench: Bench) -> None:
    inbox, payload = Inbox(), bytes(range(256)) * 16
    bench.client("d1", inbox, COMMAND)
    server = bench.client("s1", Inbox())
    assert send(server, COMMAND, payload) is PublishOutcome.ACCEPTED
    assert bench.until(lambda: bool(inbox.messages))
    assert inbox.messages == [
        Message(topic=COMMAND, payload=payload, content_type="application/cose", correlation=b"cmd-1")
    ]


def test_a_publish_that_no_session_would_get_is_not_even_queued(bench: Bench) -> None:
    server = bench.client("s1", Inbox())
    says = PublishOutcome.NO_SUBSCRIBER if bench.keeps(Promise.SAYS_NO_SUBSCRIBER) else PublishOutcome.ACCEPTED
    assert send(server, COMMAND, b"lost") is says
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.messages == []


def test_a_publish_to_an_absent_device_with_a_session_is_accepted_and_waits(bench: Bench) -> None:
    bench.client("d1", Inbox(), COMMAND).stop()
    server = bench.client("s1", Inbox())
    assert send(server, COMMAND, b"lock") is PublishOutcome.ACCEPTED
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    assert bench.until(lambda: inbox.payloads == [b"lock"])


def test_after_its_expiry_a_session_and_its_commands_are_gone(bench: Bench) -> None:
    bench.client("d1", Inbox(), COMMAND, session_expiry_s=1).stop()
    bench.pass_time(3.5)
    expires = bench.keeps(Promise.EXPIRES_SESSIONS)
    outcome = send(bench.client("s1", Inbox()), COMMAND, b"late")
    assert outcome is (PublishOutcome.NO_SUBSCRIBER if expires else PublishOutcome.ACCEPTED)
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.payloads == ([] if expires else [b"late"])


def test_a_clean_start_throws_away_what_was_waiting(bench: Bench) -> None:
    bench.client("d1", Inbox(), COMMAND).stop()
    send(bench.client("s1", Inbox()), COMMAND, b"lock")
    bench.open_clean("d1", COMMAND)
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.messages == []


def test_a_session_opened_with_clean_start_is_kept_over_a_reconnect_by_some_brokers_only(bench: Bench) -> None:
    bench.open_clean("d1", COMMAND)
    send(bench.client("s1", Inbox()), COMMAND, b"lock")
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.payloads == ([b"lock"] if bench.keeps(Promise.KEEPS_A_SESSION_OPENED_CLEAN) else [])


@pytest.mark.parametrize(
    ("opened_clean", "promise"),
    [(False, Promise.SURVIVES_A_STOP), (True, Promise.SAVES_A_SESSION_OPENED_CLEAN)],
)
def test_an_orderly_restart_keeps_only_sessions_that_were_never_opened_clean(
    bench: Bench, promise: Promise, *, opened_clean: bool
) -> None:
    if opened_clean:
        bench.open_clean("d1", COMMAND)
    else:
        bench.client("d1", Inbox(), COMMAND).stop()
    server = bench.client("s1", Inbox())
    send(server, COMMAND, b"lock")
    server.stop()
    bench.restart(kill=False)
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.payloads == ([b"lock"] if bench.keeps(promise) else [])


def test_a_killed_broker_keeps_at_most_what_it_had_saved_so_accepted_is_not_delivered(bench: Bench) -> None:
    bench.client("d1", Inbox(), COMMAND).stop()
    server = bench.client("s1", Inbox())
    assert send(server, COMMAND, b"lock") is PublishOutcome.ACCEPTED
    server.stop()
    bench.pass_time(3.0)
    bench.restart(kill=True)
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.payloads == ([b"lock"] if bench.keeps(Promise.SURVIVES_A_KILL) else [])


def test_a_full_queue_loses_the_newest_so_only_one_command_may_be_outstanding(bench: Bench) -> None:
    bench.client("d1", Inbox(), COMMAND).stop()
    server = bench.client("s1", Inbox())
    assert {send(server, COMMAND, b"%d" % number) for number in range(1_050)} == {PublishOutcome.ACCEPTED}
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    most = 1_000 if bench.keeps(Promise.DROPS_THE_NEWEST) else 1_050
    assert bench.until(lambda: len(inbox.messages) >= most)
    bench.quiet()
    assert inbox.payloads == [b"%d" % number for number in range(most)]


def test_a_message_past_its_expiry_is_not_delivered(bench: Bench) -> None:
    bench.client("d1", Inbox(), COMMAND).stop()
    server = bench.client("s1", Inbox())
    send(server, COMMAND, b"short", expiry_s=1)
    send(server, COMMAND, b"long", expiry_s=60)
    bench.pass_time(2.5)
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    bench.quiet()
    assert inbox.payloads == [b"long"]


def test_what_is_retained_comes_to_every_new_subscriber_which_is_why_no_command_is(bench: Bench) -> None:
    watcher = Inbox()
    bench.client("s", watcher, every(Channel.STATUS))
    bench.client("d1", Inbox(), presence=Presence(topic=STATUS))
    assert bench.until(lambda: watcher.payloads == [b"online"])
    for number in range(2):
        inbox = Inbox()
        bench.client(f"s{number}", inbox, every(Channel.STATUS))
        assert bench.until(lambda inbox=inbox: inbox.payloads == [b"online"])  # type: ignore[misc]  # bound per turn
        assert inbox.messages[0].retained


def test_nothing_is_published_retained(bench: Bench) -> None:
    server = bench.client("s1", Inbox())
    send(server, COMMAND, b"lock")
    inbox = Inbox()
    bench.client("late", inbox, COMMAND)
    bench.quiet()
    assert inbox.messages == []


@pytest.mark.parametrize("goodbye", [True, False])
def test_a_device_that_leaves_is_announced_as_offline_at_once_or_after_the_delay(
    bench: Bench, *, goodbye: bool
) -> None:
    watcher = Inbox()
    bench.client("s1", watcher, every(Channel.STATUS))
    device = bench.client("d1", Inbox(), presence=Presence(topic=STATUS, delay_s=1))
    assert bench.until(lambda: watcher.payloads == [b"online"])
    if goodbye:
        device.stop()
    else:
        bench.drop(device)
        bench.pass_time(2.5)
        bench.client("s2", Inbox())
    assert bench.until(lambda: watcher.payloads == [b"online", b"offline"])


def test_what_was_not_taken_stays_with_the_broker_and_comes_again(bench: Bench) -> None:
    busy = Inbox(takes=False)
    device = bench.client("d1", busy, COMMAND)
    send(bench.client("s1", Inbox()), COMMAND, b"lock")
    assert bench.until(lambda: bool(busy.messages))
    bench.drop(device)
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    assert bench.until(lambda: inbox.payloads == [b"lock"])
    bench.quiet()
    assert len(inbox.messages) == 1


def test_a_receive_that_raises_loses_nothing_and_changes_no_order(bench: Bench) -> None:
    seen: list[bytes] = []

    def receive(message: Message) -> bool:
        seen.append(message.payload)
        if message.payload == b"poison" and seen.count(b"poison") == 1:
            raise RuntimeError("the database is away")
        return True

    bench.client("d1", receive, COMMAND)
    server = bench.client("s1", Inbox())
    send(server, COMMAND, b"poison")
    send(server, COMMAND, b"next")
    assert bench.until(lambda: seen == [b"poison", b"poison", b"next"])


def test_while_the_connection_is_down_nothing_is_handed_on_and_nothing_is_sent_later(bench: Bench) -> None:
    inbox = Inbox()
    bench.client("d1", inbox, COMMAND)
    server = bench.client("s1", Inbox())
    server.stop()
    assert send(server, COMMAND, b"late") is PublishOutcome.NOT_CONNECTED
    bench.client("s1", Inbox())
    bench.quiet()
    assert inbox.messages == []


def test_a_second_client_with_the_same_id_throws_the_first_out(bench: Bench) -> None:
    first = bench.client("same", Inbox())
    bench.client("same", Inbox())
    assert bench.until(lambda: not first.ready)


def test_a_user_reads_only_what_is_its_own_whatever_it_subscribes_to(bench: Bench) -> None:
    nosy = Inbox()
    bench.client("d2", nosy, "#", COMMAND, topic("d2", Channel.COMMAND), user="d2")
    server = bench.client("s1", Inbox(), user="server")
    send(server, COMMAND, b"for d1")
    send(server, topic("d2", Channel.COMMAND), b"for d2")
    assert bench.until(lambda: b"for d2" in nosy.payloads)
    bench.quiet()
    assert (b"for d1" in nosy.payloads) is not bench.keeps(Promise.HAS_ACCESS_RULES)


def test_a_forged_ack_is_refused_and_the_connection_goes_on(bench: Bench) -> None:
    inbox = Inbox()
    bench.client("s1", inbox, every(Channel.ACK), user="server")
    forger = bench.client("d2", Inbox(), user="d2")
    rules = bench.keeps(Promise.HAS_ACCESS_RULES)
    assert send(forger, ACK, b"forged") is (PublishOutcome.REFUSED if rules else PublishOutcome.ACCEPTED)
    assert send(forger, topic("d2", Channel.ACK), b"own") is PublishOutcome.ACCEPTED
    assert bench.until(lambda: b"own" in inbox.payloads)
    assert (b"forged" in inbox.payloads) is not rules


def test_workers_of_a_shared_subscription_get_each_message_once_between_them(bench: Bench) -> None:
    inboxes = [Inbox(), Inbox()]
    for number, inbox in enumerate(inboxes):
        bench.client(f"s{number}", inbox, every(Channel.ACK, shared=True))
    device = bench.client("d1", Inbox())
    sent = [b"%d" % number for number in range(40)]
    for payload in sent:
        send(device, ACK, payload)
    assert bench.until(lambda: sum(len(inbox.messages) for inbox in inboxes) >= len(sent))
    bench.quiet()
    assert sorted(inboxes[0].payloads + inboxes[1].payloads) == sorted(sent)
    assert all(inbox.messages for inbox in inboxes), "so their order is lost, and handling must not depend on it"
