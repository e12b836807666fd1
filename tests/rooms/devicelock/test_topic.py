import pytest

from custody.kernel.errors import Rejected
from devicelock.rules.topic import Channel, every, read_device, read_name, read_topic, topic


@pytest.mark.parametrize("channel", list(Channel))
def test_a_topic_reads_back_to_device_and_channel(channel: Channel) -> None:
    read = read_topic(topic("dev-1", channel))
    assert (read.device, read.channel) == ("dev-1", channel)


@pytest.mark.parametrize(
    "name", ["", "a/b", "+", "#", "a b", "x" * 65, "490154203237518", "49015420323751", "d\N{DIGIT ONE}é"]
)
def test_a_name_that_could_mean_more_than_one_topic_or_is_an_imei_is_refused(name: str) -> None:
    with pytest.raises(Rejected):
        read_device(name)


@pytest.mark.parametrize(
    "text",
    ["", "dl/v1/d", "dl/v2/d/cmd", "dl/v1/d/cmd/more", "dl/v1//cmd", "dl/v1/d/boo", "dl/v1/+/cmd", "$SYS/dl/v1/d/cmd"],
)
def test_a_topic_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        read_topic(text)


def test_filters_for_the_server() -> None:
    assert every(Channel.ACK) == "dl/v1/+/ack"
    assert every(Channel.ACK, shared=True) == "$share/srv/dl/v1/+/ack"


def test_names_of_commands_and_orders_keep_to_plain_letters() -> None:
    assert read_name("id", "cmd_01.a-b") == "cmd_01.a-b"
    for bad in ("", "a b", "x" * 65, "a/b"):
        with pytest.raises(Rejected):
            read_name("id", bad)
