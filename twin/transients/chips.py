"""Racks of one group in time: packages with what is fixed to them, and the coolant in the rack.

Each row stands for racks that are alike; an event that touches one splits it off. Per rack

    C_chip · dT_chip/dt = P(activity, T_chip) − G · (T_chip − T_in)
    C_coolant · dT_out/dt = W · (T_in − T_out) + share · G · (T_chip − T_in) + parts

with G = packages / (R(flow) + R_junction_case), referred to the coolant that enters, as in `accelerator.respond`, so
that standing still gives the same temperatures. Without flow G goes to nothing and the packages heat at P/C.
Throttling is a bound on power: it holds the junction at its limit at the end of a step and never below idle power.
"""

from typing import NamedTuple

import numpy as np
from twin_models.accelerator import accelerator
from twin_models.cold_plate import cold_plate
from twin_models.immersion import immersion
from twin_models.rack import rack as rack_model
from twin_models.rack.ashrae import AIR_CLASSES
from twin_models.streams import Array, Mask
from twin_models.two_phase import two_phase

from twin.compile import RackNode
from twin.design_flows import AIR_DENSITY
from twin.transients.course import Course, alive, follows, follows_fused
from twin.transients.fused import Fused
from twin.transients.masses import chip_mass, coolant_mass

FLOW_TIME = 10.0  # s in which a rack's flow valve follows its demand (estimate: electric actuator, its loop)
LEAST_FLOW = 1e-4  # of rated: no valve is tighter, and it keeps the numbers finite
NEAR_K = 2e-3  # below a limit counts as at it
# Movement of power (over rated) and of air up to which a rack's parts are affine in them.
NEAR, AROUND_K = 0.01, 0.05
AROUND_AGE = 16  # calls after which they are worked out again if anything moved at all
STILL, STILL_K = 1e-9, 1e-9  # movement of power (over rated) and air below which nothing is worked out again
THROTTLED = 1e-6  # activity lost above which packages count as throttled


ROW_ARRAYS = (
    "chip_mass", "coolant_mass", "chip", "out", "demand", "flow", "rate", "conductance", "stopped", "blocked", "on", "switched",
    "activity", "asked", "source", "reference", "_most", "bound", "_none", "_power", "_taken_at",
)  # fmt: skip


class Sums(NamedTuple):
    """What the racks of a group hand to the plant, all racks together."""

    heat_liquid: float  # W that their coolant carries into its loop
    heat_air: float  # W
    power: float  # W at the feed


class Rows:
    """State of one group; arrays have one entry per row."""

    def __init__(self, node: RackNode, weight: Array, rho_cp: float) -> None:
        racks = node.racks
        self.node, self.weight = node, weight
        n = weight.size
        self.chips = racks.accelerators if racks.accelerator is not None else 0
        sink = racks.cold_plate or racks.bath_sink or racks.boiling_surface
        self.liquid = sink is not None and racks.liquid is not None
        self.boils = racks.liquid is not None and racks.liquid.control == "boiling"
        self.share = racks.accelerator_liquid
        self.converts = bool(racks.converter_liquid or racks.shelf_liquid)  # whether losses go into liquid
        self.chip_mass = np.full(n, max(chip_mass(node), 1.0))
        self.coolant_mass = np.full(n, max(coolant_mass(node, rho_cp), 1.0))
        self.chip = np.zeros(n)  # °C
        self.hottest = -np.inf  # °C of any package in the last step
        self.out = np.zeros(n)  # °C
        self.demand = np.zeros(n)  # m³/s per rack, as its valve stands
        self.flow = np.zeros(n)  # m³/s per rack
        self.rate = np.zeros(n)  # W/K of that flow
        self.conductance = np.zeros(n)  # W/K of all packages of a rack
        self.stopped: Mask = np.zeros(n, dtype=bool)
        self.blocked = np.ones(n)  # share of its demand that a valve lets through
        self.switched, self.on = np.ones(n, dtype=bool), np.ones(n, dtype=bool)  # by events; and powered
        self.activity = np.zeros(n)
        self.asked = np.zeros(n)  # activity asked
        self.row_of = np.zeros(racks.count, dtype=np.intp)  # row of each rack
        self.source = np.arange(n)  # which row of the load each follows
        self.parted = False  # whether that is another one than its own, for some
        self.flat_until = (
            racks.fans.flat_until if racks.fans is not None else np.inf
        )  # °C: cooler air changes nothing
        self.inlet_high = AIR_CLASSES[racks.air_class].allowable_high
        self.reference = np.zeros(n)  # W of all packages of a rack at reference temperature
        self.bound = np.full(n, np.inf)  # W that holds the throttling temperature
        self.bounded = False  # whether that bound can matter in this step
        self.around: rack_model.Around | None = None
        self.too_warm_since = np.inf  # s at which coolant too warm for the racks began to enter
        self._air_in = np.nan
        self._calls = 0
        self._stale = True
        self._most = self.reference  # the highest of the next step
        self.course: Course | None = None  # load over the next step where it changes
        self.fused: Fused | None = None  # compiled kernels
        self._none = np.zeros(n)
        self._known: tuple[Array, Array, Array] | None = None  # temperature, its power and slope
        self._power = np.zeros(n)  # W of packages around which the rack is expanded
        self._taken_at = np.zeros(n)

    # -- what the packages do ------------------------------------------------------------------------------------

    def ask(self, activity: Array) -> bool:
        """Activity of the rows from now on; whether that is news. What has stopped or has no power does nothing and draws nothing."""
        if self.course is None and np.array_equal(activity, self.asked):
            return False
        self.asked, self.course = activity, None
        self.renew()
        return True

    def renew(self) -> None:
        """Work out again what follows from activity and from what has stopped."""
        dead = self.stopped | ~self.on
        self.activity = np.where(dead, 0.0, self.asked) if dead.any() else self.asked
        self._refer(None)
        self._stale = True

    def stop(self, which: Mask) -> None:
        """Shut down packages that got too hot."""
        self.stopped = self.stopped | which
        self.renew()

    def split(self, unit: int) -> int:
        """Row of one rack, the unit-th of the group: it gets a row of its own where it shares one."""
        row = int(self.row_of[unit - 1])
        if self.weight[row] <= 1.0:
            return row
        self.weight = np.r_[self.weight, 1.0]
        self.weight[row] -= 1.0
        self.parted = True
        self.row_of[unit - 1] = self.weight.size - 1
        for name in ROW_ARRAYS:
            values = getattr(self, name)
            setattr(self, name, np.r_[values, values[row : row + 1]])
        self._taken_at[:] = -1.0
        if self.around is not None:
            self.around = rack_model.Around(*(np.r_[part, part[row : row + 1]] for part in self.around))
        return self.weight.size - 1

    def _refer(self, entering: float | None) -> None:
        """Package power at reference temperature."""
        self.reference = self._most = self._reference_of(self.activity, entering)
        self.bounded, self._known = bool(self.chips), None

    def _reference_of(self, activity: Array, entering: float | None) -> Array:
        """W of all packages of a rack at reference temperature; a power cap needs the coolant that enters."""
        racks = self.node.racks
        chip = racks.accelerator
        if chip is None:
            return np.zeros_like(activity)
        at = (racks.work.busy_activity, racks.work.idle_activity) if racks.work is not None else (0.0, 0.0)
        case = self.chips / np.maximum(self.conductance, 1e-9) - chip.junction_to_case
        power = self.chips * accelerator.reference_power(
            activity, 0.0 if entering is None else entering, case, chip, *at
        )
        dead = self.stopped | ~self.on
        return np.asarray(np.where(dead, 0.0, power) if dead.any() else power)

    def expect(self, spans: Array, asked: Array, entering: float, air_in: float) -> None:
        """Load over the next step, spans of it by rows; the step itself goes by its means, `within.follow` by the load."""
        racks = self.node.racks
        live = self.on & ~self.stopped
        whole = bool(live.all())
        activity = asked if whole else np.where(live, asked, 0.0)
        reference, share = self._reference_of(activity, entering), spans / spans.sum()
        growth = self._growth(self.chip) if self.chips else np.ones(self.chip.size)
        if self.fused is not None and whole:
            power, found, mean = follows_fused(activity, reference, growth, air_in, share, self.fused, racks)
        else:
            power, found, mean = follows(activity, reference, growth, air_in, share, live, racks)
        conductance = self.conductance[None]
        if racks.air_sink is not None and racks.accelerator is not None:
            conductance = self.chips / (found.sink + racks.accelerator.junction_to_case)
            self.conductance = share @ conductance
        self.course = Course(spans, asked, activity, reference, conductance, power, found)
        self.asked = share @ asked
        self.activity = self.asked if whole else share @ activity
        self._power, self.around = mean
        self.reference, self._most = share @ reference, reference.max(axis=0)
        self.bounded, self._known = bool(self.chips), None
        self._air_in, self._stale, self._calls = air_in, False, 0

    def course_over(self, spans: Array) -> Course:
        """What is asked over the next step; constant load in spans of it where no other is expected."""
        if self.course is not None:
            return self.course
        assert self.around is not None
        return Course(
            spans, self.asked[None], self.activity[None], self.reference[None], self.conductance[None], self._power[None],
            rack_model.Around(*(part[None] for part in self.around)),
        )  # fmt: skip

    def power_of(self, reference: Array, chip: Array) -> tuple[Array, Array]:
        """W of packages that no limit binds, and its slope in W/K; arrays of their own."""
        model = self.node.racks.accelerator
        if model is None:
            return np.zeros_like(reference), np.zeros_like(reference)
        share = model.leakage_share if model.feedback else 0.0
        leak = self._grown(chip)
        leak *= share
        leak = reference * leak
        return reference * (1.0 - share) + leak, model.leakage_coefficient * leak

    def _growth(self, chip: Array) -> Array:
        """Power of packages over that at reference temperature."""
        model = self.node.racks.accelerator
        assert model is not None
        share = model.leakage_share if model.feedback else 0.0
        return np.asarray((1.0 - share) + share * self._grown(chip))

    def _grown(self, chip: Array) -> Array:
        """Leakage over that at reference temperature, a new array; above the throttling temperature the law is not claimed."""
        model = self.node.racks.accelerator
        assert model is not None
        over = np.minimum(chip, model.throttle)
        over -= model.leakage_reference
        over *= model.leakage_coefficient
        return np.asarray(np.exp(over, out=over))

    def present(self) -> tuple[Array, Array]:
        """`package_power` at the temperature of now."""
        if self._known is None or self._known[0] is not self.chip:
            self._known = (self.chip, *self.package_power(self.chip))
        return self._known[1:]

    def package_power(self, chip: Array) -> tuple[Array, Array]:
        """W of all packages of a rack at a junction temperature, and its slope in W/K."""
        model = self.node.racks.accelerator
        if model is None:
            return self._none, self._none
        power, slope = self.power_of(self.reference, chip)
        if not self.bounded:
            return power, slope
        least = np.minimum(power, self.chips * model.idle * self._growth(chip))
        bound = np.maximum(self.bound, least)
        free = power <= bound
        return np.where(free, power, bound), np.where(free & (chip < model.throttle), slope, 0.0)

    def hold(self, entering: float, step: float) -> None:
        """Power with which no junction ends the step above its throttling temperature."""
        model = self.node.racks.accelerator
        if model is None:
            return
        if model.power_cap is not None or model.clock < 1.0:
            self._refer(entering)
        top = model.throttle
        middle = 0.5 * (self.chip + top)
        self.bound = self.chip_mass * (top - self.chip) / step + self.conductance * (middle - entering)
        share = model.leakage_share if model.feedback else 0.0
        most = 1.0 + share * np.expm1(model.leakage_coefficient * (top - model.leakage_reference))
        bounded = bool((self.bound < most * self._most).any())
        self._known = None if bounded or self.bounded else self._known
        self.bounded = bounded

    def until_limit(self, entering: float) -> float:
        """s until the first package meets its throttling or shutdown limit, if it went on as now."""
        model = self.node.racks.accelerator
        if model is None:
            return np.inf
        power = self.power_of(self.reference, self.chip)[0] if self.bounded else self.present()[0]
        rate = (power - self.conductance * (self.chip - entering)) / self.chip_mass
        if self.chip.max() < model.throttle - NEAR_K and not self.stopped.any():  # far from any limit
            soonest = float((rate / (model.throttle - self.chip)).max())
            return 1.0 / soonest if soonest > 0.0 else np.inf
        low = self.chip < model.throttle - NEAR_K
        room = np.where(low, model.throttle, model.stop) - self.chip
        least = self.chips * model.idle
        idle = np.minimum(power, least) - self.conductance * (self.chip - entering)
        rate = np.where(low, rate, idle / self.chip_mass)
        rising = (rate > 1e-6) & ~self.stopped & (room > 0.0)
        return float(np.min(room[rising] / rate[rising])) if rising.any() else np.inf

    def done(self, asked: Array, activity: Array, chip: Array, power: Array, free: bool = False) -> Array:
        """Activity really done with a power of the packages; ``free`` where no limit of temperature binds any."""
        model = self.node.racks.accelerator
        if model is None or (free and model.power_cap is None and model.clock == 1.0):
            return activity
        part = (power / (self.chips * self._growth(chip)) - model.idle) / (model.tdp - model.idle)
        left = np.clip(part, 0.0, None) ** (1.0 / model.activity_exponent)
        return np.minimum(np.where(self.stopped, 0.0, left), activity)

    # -- flow ----------------------------------------------------------------------------------------------------

    def want(self, supply: float, rho_cp: float, heat: Array, step: float | None) -> Array:
        """Flow in m³/s that each rack's valve asks for, ``step`` s later; at once where step is None."""
        demand = rack_model.flow_demand(heat, supply, rho_cp, self.node.racks).flow
        if step is None or self.boils:  # vapour has no valve
            return demand
        return np.asarray(demand + (self.demand - demand) * np.exp(-step / FLOW_TIME))

    def give(self, flow: Array, rho_cp: float, air_in: float, liquid_in: float = 0.0) -> None:
        """Take the flow that the pumps give; resistance of the plates follows."""
        racks = self.node.racks
        if racks.liquid is not None:
            flow = np.maximum(flow * self.blocked, LEAST_FLOW * racks.liquid.rated_flow)
            self.rate = flow * rho_cp
            moved = np.abs(flow - self._taken_at) > 1e-6 * flow
            self.flow = flow
            if racks.bath_sink is not None and racks.accelerator is not None:
                chip = racks.accelerator
                heat = chip.idle + (chip.tdp - chip.idle) * np.minimum(self.activity, 1.0)
                per_sink = flow * (racks.liquid.accelerator_share / self.chips)
                bath = immersion.resistance(heat, liquid_in, per_sink, racks.bath_sink).resistance
                self.conductance = self.chips / (np.minimum(bath, 1e3) + chip.junction_to_case)
            elif racks.boiling_surface is not None and racks.accelerator is not None:
                chip = racks.accelerator
                heat = chip.idle + (chip.tdp - chip.idle) * np.minimum(self.activity, 1.0)
                pool = two_phase.resistance(heat, liquid_in, racks.boiling_surface).resistance
                self.conductance = self.chips / (pool + chip.junction_to_case)
            elif self.liquid and racks.accelerator is not None and moved.any():
                assert racks.cold_plate is not None
                per_plate = flow * (racks.liquid.accelerator_share / self.chips)
                resistance = (
                    cold_plate.resistance(per_plate, racks.cold_plate) + racks.accelerator.junction_to_case
                )
                self.conductance = self.chips / np.minimum(resistance, 1e3)
                self._taken_at = flow
        self.surround(air_in)

    def surround(self, air_in: float) -> None:
        """Work out the rack around its packages again where air, activity or package power moved."""
        racks = self.node.racks
        power, _ = self.present()
        self._calls += 1
        old = self._calls >= AROUND_AGE
        near, near_k = (STILL, STILL_K) if old else (NEAR, AROUND_K)
        if (
            self._stale
            or (abs(air_in - self._air_in) > near_k and max(air_in, self._air_in) > self.flat_until)
            or (self.chips and np.max(np.abs(power - self._power)) > near * racks.tdp)
        ):
            self._calls = 0
            live = self.on & ~self.stopped
            found = alive(rack_model.around(self.activity, power, air_in, racks), live)
            self.around = found
            self._air_in, self._power, self._stale = air_in, power, False
            if racks.air_sink is not None and racks.accelerator is not None:
                self.conductance = self.chips / (found.sink + racks.accelerator.junction_to_case)

    # -- rates ---------------------------------------------------------------------------------------------------

    @property
    def stores(self) -> bool:
        """Whether anything of the group stores heat here; what does not draws the same whatever its loop does."""
        return bool(self.chips) or self.node.loop is not None

    def rates(self, chip: Array, out: Array, entering: float, liquid_in: float) -> tuple[Array, Array, Sums]:
        """K/s of packages and coolant, and what the plant gets."""
        assert self.around is not None
        a, w = self.around, self.weight
        if not self.stores:
            drawn = float(w @ a.power)
            return self._none, self._none, Sums(0.0, drawn, drawn)
        power, _ = self.present() if chip is self.chip else self.package_power(chip)
        more = power - self._power
        taken = self.conductance * (chip - entering)
        in_liquid = a.heat_liquid + a.liquid_slope * more + self.share * taken
        feed = a.power + a.power_slope * more
        air = feed - power + taken - in_liquid
        d_chip = (power - taken) / self.chip_mass if self.chips else self._none
        carried = self.rate * (out - liquid_in)
        d_out = (in_liquid - carried) / self.coolant_mass
        return d_chip, d_out, Sums(float(w @ carried), float(w @ air), float(w @ feed))

    def heat_to_liquid(self, entering: float, ahead: float = 0.0) -> Array:
        """W per rack that reach the coolant, some seconds ahead where all that enters stays as it is."""
        if self.around is None:
            return np.zeros_like(self.chip)
        power, slope = self.present()
        parts = self.around.heat_liquid + self.around.liquid_slope * (power - self._power)
        if not self.liquid:
            return parts
        taken = self.conductance * (self.chip - entering)
        pull = self.conductance - slope
        if ahead > 0.0 and (pull > 0.0).all():
            grown = (power - taken) / pull * -np.expm1(-ahead * pull / self.chip_mass)
            taken, parts = taken + self.conductance * grown, parts + self.around.liquid_slope * slope * grown
        return np.asarray(self.share * taken + parts)

    def parts_compute(self, activity: Array) -> Array:
        """W of parts that count as compute in all racks, packages apart, for activity over moments and rows."""
        line = self.node.racks.compute_parts
        live = self.weight * (self.on & ~self.stopped)
        return np.asarray(line.fixed * live.sum() + line.rise * (activity @ live))

    @property
    def air_flow(self) -> float:
        """kg/s of air that all racks of the group draw."""
        assert self.around is not None
        return float(self.weight @ self.around.air_flow) * AIR_DENSITY

    def stored(self) -> float:
        """J over 0 °C in packages and coolant."""
        chips = float(self.weight @ (self.chip_mass * self.chip)) if self.chips else 0.0
        liquid = self.node.racks.liquid is not None
        return chips + (float(self.weight @ (self.coolant_mass * self.out)) if liquid else 0.0)
