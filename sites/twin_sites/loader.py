"""Where sites come from: reference sites by name, files, written forms, and other sites with some values changed."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from twin_sites.building import WHAT_IF, build
from twin_sites.changes import changed_form
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import Site
from twin_sites.yaml_files import MAX_CHARACTERS, plain_form, read_yaml

MAX_BYTES = 4 * MAX_CHARACTERS  # UTF-8 takes at most four for one


def sites() -> list[str]:
    """Names of the reference sites."""
    folder = files("twin_sites").joinpath("reference")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_site(source: str | Path | Mapping[str, Any]) -> Site:
    """Read a site.

    Parameters
    ----------
    source
        Name of a reference site, path of a YAML file, or the written form as a mapping.

    Returns
    -------
    Site
        Frozen and validated.

    Raises
    ------
    InputError
        With every problem of the file at once.
    """
    if isinstance(source, Mapping):
        name = str(source.get("name") or "site")[:80]
        return build(plain_form(source, name), name)
    if isinstance(source, str) and source in sites():
        return _reference(source)
    path = Path(source)
    written, lines = read_yaml(_content(path, str(source)), path.name)
    return build(written, path.name, lines)


def _content(path: Path, given: str) -> str:
    where = given if len(given) <= 120 else given[:119] + "…"
    try:
        if not given.strip():
            raise InputError(
                [
                    Problem(
                        "site",
                        "an empty name",
                        "a site file (YAML) or a name of 'twin show sites'",
                        did_you_mean("", sites()),
                    )
                ]
            )
        if path.is_dir():
            raise InputError([Problem(where, "a folder", "a site file (YAML)", "name the file inside it")])
        if not path.exists():
            remedy = did_you_mean(given, sites())
            raise InputError(
                [Problem(where, "no such file", "a site file (YAML) or a name of 'twin show sites'", remedy)]
            )
        if not path.is_file():
            raise InputError(
                [Problem(where, "not a regular file", "a site file (YAML)", "copy it to a file on disk")]
            )
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                [
                    Problem(
                        where,
                        f"{size / 1e6:,.0f} MB",
                        f"at most {MAX_BYTES / 1e6:.0f} MB",
                        "is this a site file?",
                    )
                ]
            )
        data = path.read_bytes()
        if b"\0" in data:
            raise InputError(
                [
                    Problem(
                        where, "a binary file", "a site file (YAML), plain UTF-8 text", "is this a site file?"
                    )
                ]
            )
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"no UTF-8 text at byte {error.start}"
        raise InputError(
            [Problem(where, what, "a site file (YAML), plain UTF-8 text", "save it as UTF-8")]
        ) from error
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise InputError(
            [Problem(where, what, "a readable file", "check its name and permissions")]
        ) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            [Problem(where, "no file name", "a site file (YAML)", "remove the odd characters")]
        ) from error


@lru_cache(maxsize=32)
def _reference(name: str) -> Site:
    content = files("twin_sites").joinpath("reference", f"{name}.yaml").read_text(encoding="utf-8")
    written, lines = read_yaml(content, f"{name}.yaml")
    return build(written, f"{name}.yaml", lines)


def change_site(site: Site, changes: Mapping[str, Any]) -> Site:
    """The site with some addresses set to other values.

    Parameters
    ----------
    site
        Where to start.
    changes
        Address to value as it would be written in a site file: ``{"cooling.fws.supply": "95 degF"}``.
        ``use`` behind an element names another datasheet; ``cdu.2`` is the second unit of a group.

    Raises
    ------
    InputError
        For an address that does not exist or a site that would not be valid.
    """
    if not changes:
        return site
    earlier = [address for address, origin in site.sources.items() if origin == WHAT_IF]
    return build(changed_form(site, changes), site.name, changed=[*earlier, *map(str, changes)])


__all__ = ["change_site", "load_site", "sites"]
