"""A run says how far it is, and whoever listens may end it."""

import io
import sys

import pytest

import twin
import twin.progress

SITE, HOURS, STEP_S = "enterprise-3-rack-gb300", 240.0, 60.0
STEPS = 14_400


def run(progress: object = None) -> twin.Summary:
    return twin.summarize(twin.simulate(SITE, hours=HOURS, step_s=STEP_S, progress=progress))  # type: ignore[arg-type]


def test_steps_are_counted_from_none_to_all() -> None:
    told: list[tuple[int, int]] = []
    run(lambda done, total: told.append((done, total)))
    assert told[0] == (0, STEPS)
    assert told[-1] == (STEPS, STEPS)
    assert len(told) > 2
    assert [done for done, _ in told] == sorted({done for done, _ in told})


@pytest.mark.parametrize("error", [twin.Cancelled, KeyboardInterrupt])
def test_raising_ends_the_run_and_harms_no_other(error: type[BaseException]) -> None:
    before = run()

    def enough(done: int, total: int) -> None:
        if done:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        run(enough)
    assert run() == before


class Terminal(io.StringIO):
    """What a bar takes for a terminal."""

    def isatty(self) -> bool:
        return True


def test_bar_is_drawn_on_a_terminal_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(twin.progress, "AFTER_S", 0.0)
    monkeypatch.setattr(twin.progress, "EVERY_S", 0.0)
    with twin.progress.bar() as draw:
        assert draw is not None
        draw(0, 8)
        draw(4, 8)
    lines = screen.getvalue().split("\r")
    assert "#" not in lines[1]
    assert " 50 %" in lines[2]
    assert lines[-2].strip() == lines[-1] == ""


def test_what_is_quick_or_no_terminal_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with twin.progress.bar() as draw:
        assert draw is not None
        draw(4, 8)
    assert screen.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with twin.progress.bar() as draw:
        assert draw is None
