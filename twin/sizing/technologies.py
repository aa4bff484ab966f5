"""Cooling technologies that can be sized, and which of them a rack system is built for."""

from typing import NamedTuple

from twin_models.fluids import boiling
from twin_sites import catalogue
from twin_sites.schema import Racks

from twin.sizing.datasheets import typed

AIR_MOST_W = (
    50e3  # a rack that air handlers in its row still reach (engineering reference library: in-row <= 50 kW)
)
USUAL = {"plates": "direct-to-chip", "bath": "immersion", "boiling": "two-phase"}
BUILT_FOR = {
    "air": ("air", "rear-door"),
    "plates": ("direct-to-chip", "liquid-to-air"),
    "bath": ("immersion",),
    "boiling": ("two-phase",),
}
FORMS = {
    "air": "air-cooled",
    "plates": "cold-plate",
    "bath": "single-phase immersion",
    "boiling": "two-phase",
}


class Technology(NamedTuple):
    """How the heat of compute racks leaves them: their liquid loop, the machine that empties it, and where that stands."""

    name: str
    loop: str = ""  # empty where racks give all heat to air
    unit: str = ""  # name of the link in the site file
    fluid: str = ""
    concentration: float = 0.0
    approach: float = 0.0  # K, at which the catalogue's machines are rated
    doors: bool = False  # all heat leaves through rear doors

    @property
    def facility(self) -> bool:
        """Whether the loop gives its heat to facility water."""
        return self.unit in ("cdu", "tank")


TECHNOLOGIES = {
    "air": Technology("air"),
    "rear-door": Technology("rear-door", doors=True),
    "direct-to-chip": Technology("direct-to-chip", "tcs", "cdu", "propylene_glycol", 0.25, 4.0),
    # 11 K of the units' rating, and 1 K for air that comes back from exhausts
    "liquid-to-air": Technology("liquid-to-air", "tcs", "sidecar", "propylene_glycol", 0.25, 12.0),
    "immersion": Technology("immersion", "bath", "tank", "gtl_oil", 0.0, 8.0),
    "two-phase": Technology("two-phase", "bath", "tank", "novec_649", 0.0, 14.0),
}
BOILING_PLATES = Technology("two-phase", "tcs", "cdu", "r1233zd_e", 0.0, 10.0)


def form_of(slug: str) -> str:
    """Server form of a rack of the catalogue: air, plates, bath or boiling; empty for one without accelerators."""
    rack: Racks = typed(slug, Racks, ("racks", "compute"))
    if not rack.accelerators:
        return ""
    return "air" if rack.liquid is None else rack.liquid.medium


def cooled_by(slug: str) -> str:
    """How a rack of the catalogue is usually cooled; empty for one without accelerators."""
    form = form_of(slug)
    if form != "air":
        return USUAL.get(form, "")
    return "air" if typed(slug, Racks, ("racks", "compute")).tdp <= AIR_MOST_W else "rear-door"


def technology(slug: str, cooling: str) -> Technology:
    """What ``cooling`` means for a rack system: ``as-built`` and ``best`` are its usual technology."""
    name = cooled_by(slug) if cooling in ("as-built", "best") else cooling
    rack: Racks = typed(slug, Racks, ("racks", "compute"))
    if name == "two-phase" and rack.fans is not None:  # boards in a tank have no fans
        return BOILING_PLATES
    return TECHNOLOGIES[name]


def takes_doors(one: Technology) -> bool:
    """Whether rear doors can stand behind its racks: they have an exhaust, and water at the racks."""
    return one.doors or one.unit == "cdu"


def boils_at(fluid: str, pressure: float) -> float:
    """Saturation temperature of a vented tank in °C, rounded to what a site file states."""
    return round(float(boiling.saturation_temperature(fluid, pressure)), 1)


def candidates(slug: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Systems with the same accelerators and the technologies that fit them; and why the others are out.

    The system itself comes first; of other server forms each system of the catalogue is tried.
    """
    accelerator = _accelerator(slug)
    own = form_of(slug)
    found, out = [], {}
    for form, names in BUILT_FOR.items():
        others = [s for s in catalogue.names("rack") if form_of(s) == form and _accelerator(s) == accelerator]
        systems = [slug] if form == own else others
        for name in names:
            if not systems:
                out[name] = f"the catalogue has no {FORMS[form]} form of {accelerator}"
            elif name == "liquid-to-air":
                out[name] = "for halls without facility water at the racks; ask for it by name"
            elif name == "air" and all(cooled_by(s) == "rear-door" for s in systems):
                out[name] = f"racks above {AIR_MOST_W / 1e3:g} kW are beyond what air handlers in rows carry"
            else:
                found += [(s, name) for s in systems]
    return sorted(found, key=lambda pair: pair[0] != slug), out


def _accelerator(slug: str) -> str:
    chip = catalogue.datasheet(slug).values.get("accelerator")
    return str(chip.get("use", "")) if isinstance(chip, dict) else ""
