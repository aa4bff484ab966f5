"""Readings that arrive from an MQTT broker: numbers, or JSON with a member of power."""

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from twin_sites.errors import InputError, Problem

from twin.errors import RunError
from twin.files import Stamps, column_numbers
from twin.loads.signal import Boundary
from twin.loads.traces.column_names import POWER_UNITS, TIME, kind_of, unit_of
from twin.loads.traces.raw import RawTrace

if TYPE_CHECKING:
    from paho.mqtt.client import Client

CONNECT_S = 10.0
USER, PASSWORD = "TWIN_MQTT_USER", "TWIN_MQTT_PASSWORD"  # environment variables
NAMES = ("device", "name", "host", "node", "rack", "id", "gpu")
UNITS = ("unit", "units", "uom")


class Reading(NamedTuple):
    """One reading: name of its series, epoch s or None, W."""

    name: str
    stamp: float | None
    watts: float


def listen(
    host: str,
    topics: list[str],
    for_s: float,
    *,
    port: int = 1883,
    tls: bool = False,
    boundary: Boundary | None = None,
) -> RawTrace:
    """All readings under ``topics`` within ``for_s``; a series per topic, and device where the message names one.

    Raises ``InputError`` without the package or the permission, ``RunError`` where the broker or the messages stay away.
    """
    try:
        from paho.mqtt import client as mqtt
    except ModuleNotFoundError:
        raise InputError(
            [
                Problem(
                    "twin trace pull mqtt",
                    "the package 'paho-mqtt' is missing",
                    "the extra 'live'",
                    "pip install 'facility-twin[live]'",
                )
            ]
        ) from None
    from paho.mqtt.enums import CallbackAPIVersion

    arrived: list[tuple[float, str, bytes]] = []
    ready = threading.Event()
    failed: list[str] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    if os.environ.get(USER):
        client.username_pw_set(os.environ[USER], os.environ.get(PASSWORD))
    if tls:
        client.tls_set()

    def connected(client: "Client", userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        del userdata, flags, properties
        if reason.is_failure:
            failed.append(str(reason))
        else:
            client.subscribe([(topic, 1) for topic in topics])
        ready.set()

    def message(client: "Client", userdata: Any, found: Any) -> None:
        del client, userdata
        if not found.retain:  # a retained message is old
            arrived.append((time.time(), found.topic, found.payload))

    client.on_connect = connected
    client.on_message = message
    try:
        client.connect(host, port, keepalive=30)
    except (OSError, ValueError) as error:
        raise RunError(f"{host}:{port} does not answer: {error}. Is a broker there?") from None
    client.loop_start()
    try:
        if not ready.wait(CONNECT_S):
            raise RunError(f"{host}:{port} took the connection but does not answer as an MQTT broker.")
        if failed:
            raise RunError(
                f"{host}:{port} refuses: {failed[0]}. Set {USER} and {PASSWORD} if it asks for them."
            )
        time.sleep(for_s)
    except KeyboardInterrupt:  # what has come so far is worth having
        pass
    finally:
        client.loop_stop()
        client.disconnect()
    if not arrived:
        raise RunError(f"No message under {', '.join(topics)} within {for_s:g} s.")
    trace = trace_of(arrived, f"{host}:{port}")
    trace.boundary = boundary
    return trace


def trace_of(arrived: list[tuple[float, str, bytes]], where: str) -> RawTrace:
    """Readings of messages (epoch s of arrival, topic, payload). Raises ``InputError`` if none can be read."""
    trace = RawTrace(where, format="MQTT")
    trace.rows = len(arrived)
    found: dict[str, list[tuple[float, float]]] = {}
    own = 0
    for moment, topic, payload in arrived:
        reading = parse(topic, payload)
        if reading is None:
            trace.unreadable += 1
            continue
        own += reading.stamp is not None
        found.setdefault(reading.name, []).append((reading.stamp or moment, reading.watts))
    first = min((stamp for rows in found.values() for stamp, _ in rows), default=0.0)
    for name, rows in found.items():
        table = np.array(rows)
        trace.add([name], None, table[:, 0] - first, table[:, 1])
    note = "times of the messages, UTC" if own else "times of arrival, UTC"
    trace.stamps = Stamps(np.empty(0), np.datetime64(round(first * 1000.0), "ms"), True, note)
    trace.finish()
    return trace


def parse(topic: str, payload: bytes) -> Reading | None:
    """A message's reading; None for what holds no power."""
    try:
        content = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if isinstance(content, int | float) and not isinstance(content, bool):
        return Reading(topic, None, float(content) * POWER_UNITS.get(unit_of(topic.rpartition("/")[2]), 1.0))
    if not isinstance(content, dict):
        return None
    members = dict(_members(content))
    key = next((key for key in members if kind_of(key) == "power"), None)
    key = key or next((key for key in members if key.lower() in ("value", "p", "w")), None)
    if key is None:
        return None
    stated = next((str(members[unit]) for unit in UNITS if unit in members), "")
    unit = "milliwatt" if stated == "mW" else stated.lower() or unit_of(key)
    try:
        watts = float(members[key]) * POWER_UNITS[unit or "w"]
    except (ValueError, TypeError, KeyError):
        return None
    name = next((str(members[word]) for word in NAMES if word in members), "")
    stamp = next((_stamp(members[word]) for word in members if TIME.fullmatch(word)), None)
    return Reading(f"{topic}/{name}" if name else topic, stamp, watts)


def _members(content: dict[str, Any]) -> "list[tuple[str, Any]]":
    """Members of an object and of the objects in it."""
    out = []
    for key, value in content.items():
        out += _members(value) if isinstance(value, dict) else [(str(key), value)]
    return out


def _stamp(value: object) -> float | None:
    """Epoch s of a number or an ISO text; None for anything else, such as a local clock without zone."""
    import pandas as pd

    number = float(column_numbers(pd.Series([value]))[0])
    if np.isfinite(number):
        for floor, scale in ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (3e8, 1.0)):
            if number > floor:
                return number * scale
        return None
    try:
        stamp = pd.Timestamp(str(value))
    except ValueError:
        return None
    return None if pd.isna(stamp) or stamp.tz is None else float(stamp.timestamp())
