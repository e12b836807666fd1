"""The whole story is played against a service that is killed and started again between every two of its steps."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from api.cli.verify import check_file
from api.compose import compose
from api.settings import read_settings
from custody.kernel.errors import Fatal, Trouble
from custody.kernel.system_clock import SystemClock
from simulators import network
from simulators.client import ServiceClient
from simulators.handset import Handset
from simulators.station import Answer, Signed, post_batch
from simulators.story import STEPS, Story
from tests.crashes.instances import Killable, killable
from tests.stories.http_service import running_service


def refresh(service: Killable, story: Story) -> None:
    """The people of the story find that the service is back: their sessions still hold, their connections do not."""
    story.client = service.connect()
    for name, staff in story.staff.items():
        story.staff[name] = type(staff)(
            account=staff.account, role=staff.role, client=story.client.as_caller(staff.client.token)
        )
    if story.main is not None:
        main = story.main
        story.main = type(main)(
            dispute=main.dispute, token=main.token, opened=main.opened, client=story.client.as_caller("")
        )


def handsets_of(story: Story, folder: Path) -> list[Handset]:
    """The handsets of the story as they lie there, switched off."""
    assert story.world is not None
    stores = [(each, folder / f"{each.device}.handset") for each in story.world.handsets.values()]
    return [
        Handset(each, store, clock=SystemClock(), rng=random.Random(0))  # noqa: S311 - nothing is drawn any more
        for each, store in stores
        if store.exists()
    ]


@pytest.mark.slow
def test_a_service_that_is_killed_between_every_two_steps_still_tells_the_whole_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killable(tmp_path / "data") as service:

        def post_and_remember(client: ServiceClient, scans: Sequence[Signed]) -> list[Answer]:
            answers = post_batch(client, scans)
            service.answers.extend(answers)
            return answers

        monkeypatch.setattr(network, "post_batch", post_and_remember)
        folder = tmp_path / "story"
        folder.mkdir()
        story = Story(
            client=service.connect(),
            accounts=service.instance.accounts,
            folder=folder,
            seed=1,
            thief_at="hub-1/hub_sort",
            progress=quiet,
        )
        for place, (_, step) in enumerate(STEPS):
            if place:
                service.kill()
                refresh(service, story)
            step(story)
        story.verify_pack(verifies)
        story.count()
        assert service.kills == len(STEPS) - 1
        assert story.figures["tamper_refused"] is True
        assert story.figures["entries"] > len(service.answers) > 1000
        assert all(answer.body["index"] is not None for answer in service.answers)
        service.audit(handsets=handsets_of(story, folder))


def test_a_database_put_back_to_an_older_copy_does_not_pass_for_the_log(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_service(data) as service:
        service.client.post("/v1/disputes", {"words": "It never came."})
    older = (data / "weaklink.db").read_bytes()
    with running_service(data) as service:
        service.client.post("/v1/disputes", {"words": "It never came, and nobody answers."})
        service.audit()
    newer = (data / "weaklink.db").read_bytes()
    (data / "weaklink.db").write_bytes(older)
    with pytest.raises(Fatal, match="rollback"):
        compose(read_settings(data=data))
    (data / "weaklink.db").write_bytes(newer)
    with running_service(data) as service:
        service.audit()


def verifies(pack: Path) -> bool:
    """Whether the offline check takes a pack."""
    try:
        return bool(check_file(pack).ok)
    except Trouble:
        return False


def quiet(_what: str, _done: int, _of: int) -> Any:
    """Nobody looks at the progress."""
