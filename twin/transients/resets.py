"""Set points reset by requests: trim and respond, as `twin.trim_respond` has it, interval by interval.

Since when a temperature has been too high is found within the step; intervals end steps, so that what is asked for then does
not hang on their lengths. While the pumps of a loop stand, its reset is at its coldest; it begins a delay after they start.
"""

import math

from twin_sites.schema import Chillers, Reset

from twin.transients.conditions import Held
from twin.transients.parts import LinkState
from twin.transients.staging import SOON, Staging
from twin.trim_respond import SENDS, STOPS, WARM_K, WARM_S, resets_of, senders, stepped


class Sender:
    """Units of one group: whether their valves ask, and since when what they cool has been too warm."""

    def __init__(self, link: LinkState) -> None:
        self.link, self.asks = link, False
        self.warm = [Held() for _ in WARM_K]


class LoopReset:
    """The reset of one loop."""

    def __init__(self, name: str, reset: Reset, links: list[LinkState], chillers: list[str]) -> None:
        self.name, self.reset, self.chillers = name, reset, chillers
        self.senders = [Sender(link) for link in links]
        self.off = False  # whether its pumps stand
        self.turn = 0  # which run of intervals counts: another begins when its pumps start


class Resets:
    """All loops whose set point follows requests."""

    def __init__(self, staging: Staging) -> None:
        self.staging, self.machines = staging, staging.machines
        self.plant, self.stepper = staging.plant, staging.stepper
        self.all: list[LoopReset] = []
        for volume, reset in resets_of(self.plant.plan):
            links = [self.plant.by_link[node.name] for node in senders(self.plant.plan, volume.name)]
            own = [
                node.address for stage in volume.stages for node in stage if isinstance(node.link, Chillers)
            ]
            one = LoopReset(volume.name, reset, links, own)
            self.all.append(one)
            self._later(one, reset.interval)

    def after(self, step: float) -> None:
        """Take up what a step did to valves and temperatures."""
        for one in self.all:
            bank = self.stepper.flows.banks.get(one.name)
            off = bank is not None and bank.running <= 0.0
            if off != one.off:
                one.off, one.turn = off, one.turn + 1
                if off:
                    self.plant.resets[one.name].share = 1.0
                    self.stepper.forget()
                else:  # they started with the step
                    self._later(one, one.reset.delay + one.reset.interval - step)
            for sender in one.senders:
                self._note(sender, step)
            self.plant.resets[one.name].requests = self._requests(one)

    def _note(self, sender: Sender, step: float) -> None:
        link, y = sender.link, self.stepper.y
        if link.running <= 0.0:
            sender.asks = False
            for held in sender.warm:
                held.forget()
            return
        sender.asks = y[link.u] > (STOPS if sender.asks else SENDS)
        above = float(y[link.sensor] - self.plant.by_name[link.node.hot].wanted)
        for held, kelvin in zip(sender.warm, WARM_K, strict=True):
            held.note(self.stepper.now, step, (above - kelvin,))

    def _requests(self, one: LoopReset) -> float:
        now, total = self.stepper.now, 0.0
        for sender in one.senders:
            each = 1.0 if sender.asks else 0.0
            for level, held in enumerate(sender.warm, start=2):
                if held.since + WARM_S <= now + SOON:
                    each = float(level)
            total += sender.link.running * each
        return total

    def _later(self, one: LoopReset, wait: float) -> None:
        turn = one.turn
        self.machines.later(self.stepper.now + wait, lambda: self._interval(one, turn))

    def _interval(self, one: LoopReset, turn: int) -> bool:
        """Trim or respond at the end of an interval, unless a chiller has just been staged; whether anything moved."""
        if turn != one.turn:
            return False
        self._later(one, one.reset.interval)
        now = self.stepper.now
        for where in one.chillers:
            wait = max(one.reset.hold, self.machines.machine(where).restart)
            if now < self.staging.changed.get(where, -math.inf) + wait - SOON:
                return False
        state = self.plant.resets[one.name]
        before, state.share = state.share, stepped(one.reset, state.share, self._requests(one))
        return state.share != before
