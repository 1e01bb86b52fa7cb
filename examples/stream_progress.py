"""Watch a picture come: queue, steps, previews, the picture."""

from friendli import SyncFriendli, models


def main() -> None:
    with (
        SyncFriendli() as friendli,
        friendli.container.image.stream(prompt="A castle in the forest at night") as events,
    ):
        for event in events:
            match event:
                case models.QueuedEvent():
                    print(f"{event.position} ahead of us")
                case models.ProgressEvent():
                    print(f"step {event.step} of {event.steps}")
                case models.PreviewEvent():
                    event.save(f"preview-{event.step}.jpg")
                case models.FinishedEvent():
                    print(event.save("castle.jpg"))


if __name__ == "__main__":
    main()
