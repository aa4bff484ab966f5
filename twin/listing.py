"""What ``twin show`` lists: embedded series, reference sites, datasheets with their sources, addresses of a site."""

from collections.abc import Mapping
from typing import Any

from twin_sites import catalogue
from twin_sites.errors import InputError, Problem, did_you_mean

Rows = list[dict[str, Any]]


def listing(what: str, name: str | None, text: str | None, system: str) -> tuple[Rows, str]:
    """Rows and a printed table.

    Raises
    ------
    InputError
        When there is nothing of that kind or name.
    """
    if what == "addresses":
        return _addresses(name, text, system)
    if what in catalogue.FAMILIES:
        return _datasheets(catalogue.FAMILIES[what], name)
    named = _named(what)
    if name is not None:
        if name not in named:
            raise InputError(
                [
                    Problem(
                        f"show {what} {name}",
                        "no such name",
                        f"a name of 'twin show {what}'",
                        did_you_mean(name, named),
                    )
                ]
            )
        if what == "sites":
            return _site(name)
        named = {name: named[name]}
    rows = [{"name": key, "is": value} for key, value in named.items()]
    return rows, _table(rows)


def _named(what: str) -> Mapping[str, str]:
    if what == "sites":
        from twin_sites.loader import load_site, sites

        return {name: load_site(name).title for name in sites()}
    if what == "weather":
        from twin.weather import weathers

        return weathers()
    if what == "loads":
        from twin.load import loads

        return loads()
    known = ["addresses", "sites", "weather", "loads", *catalogue.FAMILIES]
    raise InputError(
        [Problem(f"show {what}", "nothing of that kind", ", ".join(known), did_you_mean(what, known))]
    )


def _site(name: str) -> tuple[Rows, str]:
    from importlib.resources import files

    text = files("twin_sites").joinpath("reference", f"{name}.yaml").read_text(encoding="utf-8")
    return [{"name": name, "yaml": text}], text


def _datasheets(family: str, name: str | None) -> tuple[Rows, str]:
    slugs = catalogue.names(family)
    if name is None:
        rows: Rows = [
            {
                "name": slug,
                "product": catalogue.datasheet(slug).name,
                "confidence": catalogue.datasheet(slug).origins[""].confidence,
            }
            for slug in slugs
        ]
        return rows, _table(rows)
    if name not in slugs:
        raise InputError(
            [Problem(f"show {name}", "no such datasheet", "a name of this family", did_you_mean(name, slugs))]
        )
    sheet = catalogue.datasheet(name)
    rows = []
    for path, value in _leaves(sheet.values):
        origin = next(sheet.origins[p] for p in _prefixes(path) if p in sheet.origins)
        rows.append(
            {
                "field": path,
                "value": value,
                "confidence": origin.confidence,
                "source": origin.source,
                "reason": origin.reason,
            }
        )
    head = f"{sheet.name} ({sheet.slug})\n{sheet.notes}".strip()
    return rows, f"{head}\n\n{_table(rows)}"


def _leaves(node: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(node, Mapping):
        return [
            leaf
            for key, value in node.items()
            for leaf in _leaves(value, f"{path}.{key}" if path else str(key))
        ]
    return [(path, node)]


def _prefixes(path: str) -> list[str]:
    keys = path.split(".")
    return [".".join(keys[:end]) for end in range(len(keys), -1, -1)]


def _addresses(name: str | None, text: str | None, system: str) -> tuple[Rows, str]:
    from twin_sites.addresses import addresses
    from twin_sites.loader import load_site

    if name is None:
        raise InputError([Problem("show addresses", "no site", "twin show addresses SITE [TEXT]")])
    rows: Rows = []
    for entry in addresses(load_site(name)):
        if text is None or text.lower() in entry.address.lower() or text.lower() in entry.label.lower():
            rows.append(
                {
                    "address": entry.address, "value": entry.text(system), "allowed": entry.bounds(system), "label": entry.label,
                    "confidence": entry.origin.confidence, "source": entry.origin.source,
                }
            )  # fmt: skip
    if not rows:
        raise InputError(
            [Problem(f"show addresses {name} {text}", "no address matches", "a part of an address or label")]
        )
    return rows, _table(rows)


def _table(rows: Rows) -> str:
    """Columns as wide as they need; the last is not padded."""
    if not rows:
        return "nothing"
    keys = list(rows[0])
    cells = [keys, *([str(row[key]).replace("\n", " ") for key in keys] for row in rows)]
    widths = [min(60, max(len(line[i]) for line in cells)) for i in range(len(keys))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
