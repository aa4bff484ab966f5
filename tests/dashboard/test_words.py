"""Numbers, colours, links and controls: what a person reads, without a server."""

import re
from pathlib import Path

import pytest
import twin_dashboard
from twin_dashboard import format as fmt
from twin_dashboard import tokens
from twin_dashboard.controls import GROUPS, controls, shown_change
from twin_dashboard.state import State, command, from_query, python, to_query
from twin_sites.loader import sites

import twin

ASSETS = Path(twin_dashboard.__file__).parent / "assets"
TEXT_CONTRAST, LINE_CONTRAST = 4.5, 3.0


def test_css_variables_are_the_tokens() -> None:
    assert (ASSETS / "1-tokens.css").read_text() == tokens.css()
    used = set(re.findall(r"var\(--([a-z0-9-]+)", (ASSETS / "2-app.css").read_text()))
    own = {"font", "gap", "h1", "h2", "tile", "left", "icon", "fill", "slide"}
    assert used - own <= {name.replace("_", "-") for name in tokens.LIGHT}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(theme: str) -> None:
    c = tokens.tokens(theme)

    def ratio(a: str, b: str) -> float:
        high, low = sorted((luminance(c[a]), luminance(c[b])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for text in ("ink", "muted", "power", "heat", "bad"):
        assert ratio(text, "card") >= TEXT_CONTRAST, text
    assert ratio("watch", "watch_soft") >= TEXT_CONTRAST
    assert ratio("bad", "bad_soft") >= TEXT_CONTRAST
    assert ratio("ghost", "card") >= LINE_CONTRAST


@pytest.mark.parametrize(
    ("value", "quantity", "system", "text"),
    [
        (1.0674, "ratio", "si", "1.067"), (8.371e6, "power_mw", "si", "8.37 MW"), (66.84, "temperature", "si", "66.8 °C"), (66.84, "temperature", "ip", "152.3 °F"),
        (5.0, "difference", "ip", "9.0 °F"), (0.976, "share", "si", "98 %"), (0.0421, "share", "si", "4.2 %"), (130012.0, "volume", "si", "130,000 m³"),
        (-3.2, "temperature", "si", "−3.2 °C"), (None, "ratio", "si", "—"), (1.0, "wue", "ip", "0.264 gal/kWh"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, quantity: str, system: str, text: str) -> None:
    assert fmt.text(value, quantity, system) == text


def test_a_delta_is_the_difference_of_what_is_shown() -> None:
    assert fmt.delta(1.0524, 1.0736, "ratio") == ("0.022", -1)
    assert fmt.delta(1.05244, 1.05236, "ratio") == ("0.000", 0)
    assert fmt.money(5.926e6) == ("$5.93", "M")
    assert fmt.money(-381_000.0) == ("−$381", "k")


def test_a_link_brings_the_state_back() -> None:
    state = State(
        "frontier",
        {"cooling.fws.supply": "95 degF", "load.scale": "110 %", "cooling.tcs.supply": "fws + 4 K"},
        {"power.ups.mode": "eco"},
    )
    assert from_query(to_query(state)) == state
    assert from_query("") == State()
    assert from_query("set=nothing&set=" + "x" * 300 + "=1") == State()


def test_command_and_python_are_the_same_run() -> None:
    changes = {"cooling.fws.supply": "34 degC", "load.scale": "110 %"}
    assert (
        command("gb300-10mw", changes)
        == "twin run gb300-10mw --set 'cooling.fws.supply=34 degC' --set 'load.scale=110 %'"
    )
    made: dict[str, object] = {}
    exec(python("enterprise-3-rack-gb300", {"load.scale": "80 %"}).replace("print(", "pue = ("), made)
    direct = twin.summarize(twin.simulate("enterprise-3-rack-gb300", changes={"load.scale": "80 %"})).pue
    assert made["pue"] == direct


@pytest.mark.parametrize("name", sites())
@pytest.mark.parametrize("system", ["si", "ip"])
def test_controls_cover_the_site_and_start_at_its_values(name: str, system: str) -> None:
    site = twin.load_site(name)
    found = controls(site, system)
    groups = {c.group for c in found.values() if c.group}
    assert {"Load and weather", "Power", "Room air"} <= groups <= {g for g, _ in GROUPS}
    for control in found.values():
        if control.kind == "number" and control.group:
            assert control.slide_low <= control.base <= control.slide_high, control.address
            assert control.step > 0.0
        elif control.kind == "choice":
            assert control.base in dict(control.options), control.address


def test_a_control_writes_what_the_engine_reads() -> None:
    site = twin.load_site("gb300-10mw")
    for system, text in (("si", "34 degC"), ("ip", "93.2 degF")):
        control = controls(site, system)["cooling.fws.supply"]
        assert shown_change(control, text, system)[1] == pytest.approx(34.0 if system == "si" else 93.2)
        assert twin.change_site(site, {"cooling.fws.supply": text}).cooling[
            "fws"
        ].supply.value == pytest.approx(34.0)
    relative = controls(site, "si")["cooling.tcs.supply"]
    assert relative.prefix == "fws "
    assert shown_change(relative, "fws - 2.5 K", "si")[1] == -2.5
