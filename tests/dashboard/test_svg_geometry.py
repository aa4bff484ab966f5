"""What drawings are made of: pipes that hop over others, names as words, widths of text as a browser sets it."""

import numpy as np
import pytest
from twin_dashboard.svg.geometry import HOP, Pipe, fit, path, text_width, with_hops
from twin_dashboard.svg.symbols import title


def test_pipes_of_two_nets_hop_and_those_of_one_do_not():
    flat = Pipe("a", "", "heat", "one", ((0.0, 50.0), (100.0, 50.0)))
    up = Pipe("b", "", "water", "two", ((40.0, 90.0), (40.0, 10.0)))
    crossed, _ = with_hops([flat, up])
    assert crossed.hops == ((40.0, 50.0),)
    assert f"H{40 - HOP:.0f}a" in path(crossed)
    same, _ = with_hops([flat, Pipe("b", "", "heat", "one", up.points)])
    assert same.hops == ()


def test_names_become_words():
    assert title("air_handler") == "Air handler"
    assert title("cdu.2") == "CDU no. 2"
    assert title("fws2") == "FWS2"
    assert title("ups_b") == "UPS B"
    assert fit("Transformers in the yard B", 90.0).endswith("… B")
    assert text_width(fit("A name that is much too long for its box", 110.0), 12) <= 110.0


@pytest.mark.parametrize(
    ("text", "regular", "bold"),
    [  # px at 12 px, measured in Chromium with Inter
        ("Outdoors 31.7 °C dry bulb · 24.5 °C wet bulb", 257.0, 260.7),
        ("loss 240 kW to electrical", 140.3, 144.0),
        ("12 run · pumps 16 kW", 126.0, 128.5),
        ("FWS · 88,888 m³/h", 108.7, 110.9),
        ("111.5 °F", 50.3, 51.2),
        ("Transformer ×6", 88.2, 90.8),
    ],
)
def test_widths_of_text_are_those_of_a_browser(text, regular, bold):
    assert 0.99 * regular <= text_width(text) <= 1.08 * regular
    assert 0.99 * bold <= text_width(text, bold=True) <= 1.08 * bold
    assert np.isclose(text_width(text, 24.0), 2 * text_width(text))
