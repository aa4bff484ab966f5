"""Colours of the dashboard, once: figures read them here, pages through the CSS variables made from them.

Colour means one thing: ``power`` electricity and the one accent, ``heat`` heat and what is worse, ``water`` supply
water, ``ghost`` the baseline, ``watch`` and ``bad`` a limit that is near or passed.
"""

LIGHT = {
    "power": "#4453C4", "power2": "#7F8CE0", "power3": "#BCC4F2", "power_soft": "#EDEFFB", "power_fill": "#BEC4EA",
    "heat": "#CB3C10", "heat2": "#E8895C", "heat3": "#F2BFA2", "heat4": "#F9DFD1", "heat_fill": "#EDBBAB",
    "water": "#0B818E", "ghost": "#8793A0",
    "watch": "#5E3A00", "watch_soft": "#FFF4DD", "watch_line": "#D9A441",
    "bad": "#8F0048", "bad_soft": "#FDEBF1", "bad_line": "#E08DB1",
    "ink": "#1B2430", "muted": "#566373", "grid": "#E9EDF0", "line": "#DCE2E7", "page": "#F4F6F8", "card": "#FFFFFF",
    "on_accent": "#FFFFFF", "band": "#DADDF3", "strip": "#E3E7EA",
}  # fmt: skip
DARK = {
    "power": "#96A2FF", "power2": "#6B77D6", "power3": "#454F9F", "power_soft": "#252A49", "power_fill": "#3A4178",
    "heat": "#FF7A4D", "heat2": "#C9623F", "heat3": "#8F4A35", "heat4": "#5E3629", "heat_fill": "#6E3727",
    "water": "#5FC8DD", "ghost": "#76828F",
    "watch": "#FAC342", "watch_soft": "#32280F", "watch_line": "#8A6A1E",
    "bad": "#FF70B8", "bad_soft": "#3A1522", "bad_line": "#7A2B4E",
    "ink": "#E4E9EE", "muted": "#A3AFBB", "grid": "#28313B", "line": "#313B46", "page": "#12171C", "card": "#1A2128",
    "on_accent": "#12171C", "band": "#333A63", "strip": "#343E49",
}  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}


def tokens(theme: str | None) -> dict[str, str]:
    """Colours of a theme; light where it is not known yet."""
    return THEMES.get(theme or "light", LIGHT)


def css() -> str:
    """The same colours as CSS variables; ``assets/1-tokens.css`` holds this text."""

    def block(selector: str, colours: dict[str, str]) -> str:
        lines = "".join(f"  --{name.replace('_', '-')}: {value};\n" for name, value in colours.items())
        return f"{selector} {{\n{lines}}}\n"

    return block(":root", LIGHT) + block("[data-mantine-color-scheme=dark]", DARK)
