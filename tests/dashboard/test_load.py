"""Twenty people sliding at once on one server: nobody waits for ever, nobody sees another's answer."""

import os
import threading
import time
from typing import Any

import numpy as np

import twin

USERS, STEPS = 20, 4
SMALL_SITE = "enterprise-3-rack-gb300"
OUTPUT = "whatif-tiles.children"


def question(scale: float) -> dict[str, Any]:
    """What a page sends after one step of a slider."""
    return {
        "request": {"site": "", "changes": {"load.scale": f"{scale:g} %"}, "base": {}},
        "system": "si",
        "theme": "light",
    }


def shown_pue(response: Any) -> str:
    """PUE as the first tile shows it."""
    return str(
        response["whatif-tiles"]["children"][0]["props"]["children"][1]["props"]["children"][0]["props"][
            "children"
        ]
    )


def test_twenty_users_get_their_own_answers(served: Any) -> None:
    took: list[float] = []
    wrong: list[str] = []
    scales = {(user, step): 60.0 + 2 * user + 0.4 * step for user in range(USERS) for step in range(STEPS)}
    began, used = time.perf_counter(), time.process_time()

    def slide(user: int) -> None:
        for step in range(STEPS):
            scale = scales[user, step]
            start = time.perf_counter()
            status, response = served.callback(OUTPUT, question(scale))
            took.append(time.perf_counter() - start)
            if status != 200 or f"load.scale={scale:g} %" not in str(response["chips"]):
                wrong.append(f"{user} {step} {status}")
            answers[user, step] = shown_pue(response)

    answers: dict[tuple[int, int], str] = {}
    threads = [threading.Thread(target=slide, args=(user,)) for user in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    wall, cores = time.perf_counter() - began, os.cpu_count()
    print(  # noqa: T201
        f"\n{USERS} users × {STEPS} steps: p50 {np.percentile(took, 50) * 1e3:.0f} ms, p95 {np.percentile(took, 95) * 1e3:.0f} ms, {wall:.1f} s, {(time.process_time() - used) / wall:.1f} of {cores} cores"
    )
    assert wrong == []
    assert len(took) == USERS * STEPS
    for pick in ((0, 0), (7, 1), (19, 3)):  # nobody got another's result
        run = twin.simulate(SMALL_SITE, changes={"load.scale": f"{scales[pick]:g} %"})
        assert answers[pick] == f"{twin.summarize(run).pue:.3f}"
