"""The command ``twin study``: run a study, list the ready-made ones."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twin.studies.run import Tally

QUIET_S = 10.0  # between lines of progress where nobody watches a terminal
BLINK_S = 0.2


def study(
    what: Annotated[
        str,
        typer.Argument(
            metavar="STUDY", help="Study file, or name of a ready-made study; or list, show, report."
        ),
    ],
    more: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]", help="Study to show; stores to report, the first beside the others."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; as many as there are cores by default.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Store of results (.zarr), named after the study by default; of a report .html, .md, .csv or .parquet."
        ),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler in place of own processes, tcp://host:8786.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a store that was interrupted.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what came out as JSON and nothing else.")
    ] = False,
) -> None:
    """Run a study: many cases of a facility. Exit code 1 if any case failed; its error is in the store."""
    from contextlib import nullcontext

    from twin.processes import process_context, without_dask

    if scheduler is None and workers != 1 and what not in ("list", "show", "report"):
        process_context()  # its server imports while this process does
    with without_dask() if scheduler is None else nullcontext():
        _do(what, more, workers, out, scheduler, resume, as_json)


def _do(
    what: str,
    more: list[str] | None,
    workers: int | None,
    out: Path | None,
    scheduler: str | None,
    resume: bool,
    as_json: bool,
) -> None:
    from twin_sites.errors import InputError, Problem

    import twin

    if what in ("list", "show", "report"):
        _about(what, more or [], out, as_json)
        return
    if more:
        found = f"the further word '{more[0][:60]}'"
        raise InputError(
            [Problem(f"study {what}", found, "one study", "put a name of several words in quotes")]
        )
    from twin.studies.analysis import digest, digest_text
    from twin.studies.run import default_workers

    target = out if out is not None else Path(f"{Path(what).stem}.zarr")
    shown = _Shown()
    try:
        ds = twin.study(
            what,
            out=target,
            workers=default_workers() if workers is None else workers,
            scheduler=scheduler,
            resume=resume,
            progress=shown,
        )
    except KeyboardInterrupt:
        shown.end()
        kept = (
            f"What was finished is in {target}; --resume goes on."
            if target.exists()
            else "Nothing was written."
        )
        sys.stderr.write(f"Stopped. {kept}\n")
        raise typer.Exit(130) from None
    shown.end()
    typer.echo(json.dumps(digest(ds), indent=1) if as_json else digest_text(ds, str(target)))
    failed = int((ds["status"] == 2).sum())
    if failed:
        first = next(str(error) for error in ds["error"].values.ravel() if error)
        sys.stderr.write(f"{failed:,} of {ds['status'].size:,} cases failed; the first: {first}\n")
        raise typer.Exit(1)


def _about(what: str, names: list[str], out: Path | None, as_json: bool) -> None:
    """List the ready-made studies, show one, or report on stores."""
    from twin_sites.errors import InputError, Problem, did_you_mean

    from twin.studies.file import read_study, ready_made
    from twin.studies.report import study_report
    from twin.tables import table

    known = ready_made()
    if what == "list":
        rows = [{"name": name, "is": read_study(name).study.title} for name in known]
        typer.echo(json.dumps(rows, indent=1) if as_json else table(rows, ["is"]))
    elif what == "show":
        if len(names) != 1 or names[0] not in known:
            found = f"'{' '.join(names)[:60]}'" if names else "no name"
            remedy = did_you_mean(names[0] if names else "", known)
            raise InputError([Problem("study show", found, "a name of 'twin study list'", remedy)])
        typer.echo(known[names[0]].read_text(encoding="utf-8").rstrip())
    else:
        if not names:
            raise InputError(
                [
                    Problem(
                        "study report",
                        "no store",
                        "a folder that 'twin study' wrote",
                        "twin study report x.zarr",
                    )
                ]
            )
        typer.echo(
            f"Report: {study_report(names, out if out is not None else Path(names[0]).stem + '.html')}"
        )


class _Shown:
    """Progress on stderr: one line that is rewritten on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self.begun = self.last = time.monotonic()
        self.wide = 0

    def __call__(self, tally: "Tally") -> None:
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if now - self.last < (BLINK_S if terminal else QUIET_S) and tally.done < tally.total:
            return
        if tally.done == tally.total and not self.wide and now - self.begun < 1.0:
            return
        self.last = now
        rate = tally.fresh / max(now - self.begun, 1e-9)
        left = (tally.total - tally.done) / rate if rate else 0.0
        text = f"{tally.done:,} of {tally.total:,} cases · {rate:.3g} a second · {_span(left)} left"
        text += f" · {tally.failed:,} failed" if tally.failed else ""
        sys.stderr.write(f"\r{text:<{self.wide}}" if terminal else f"{text}\n")
        sys.stderr.flush()
        self.wide = len(text)

    def end(self) -> None:
        """Leave the line that was rewritten."""
        if self.wide and sys.stderr.isatty():
            sys.stderr.write("\n")


def _span(seconds: float) -> str:
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400.0 else f"{seconds / 3600:.1f} h"


__all__ = ["study"]
