"""Where the addresses of the stories are: they are for documentation (RFC 5737, RFC 3849), and nowhere really."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A town, in degrees."""

    city: str
    latitude: float
    longitude: float


BERLIN = Place("Berlin", 52.5200, 13.4050)
HAMBURG = Place("Hamburg", 53.5511, 9.9937)
COLOGNE = Place("Cologne", 50.9375, 6.9603)
VIENNA = Place("Vienna", 48.2082, 16.3738)
LONDON = Place("London", 51.5074, -0.1278)
NEW_YORK = Place("New York", 40.7128, -74.0060)
SINGAPORE = Place("Singapore", 1.3521, 103.8198)
LABASA = Place("Labasa", -16.4167, 179.3833)
APIA = Place("Apia", -13.8333, -171.7667)

TOWNS: dict[str, Place] = {
    "198.51.100.10": BERLIN,
    "198.51.100.11": HAMBURG,
    "198.51.100.12": LONDON,
    "198.51.100.13": NEW_YORK,
    "198.51.100.14": SINGAPORE,
    "198.51.100.15": LABASA,
    "198.51.100.16": APIA,
    "198.51.100.17": VIENNA,
    "198.51.100.18": COLOGNE,
}
"""Of the story of travels."""
HOUSE = "192.0.2."
"""The network of the house, which is in Berlin: all of its addresses."""


def places(addresses: Iterable[str]) -> bytes:
    """`places.csv`, of those of these addresses that are somewhere."""
    house = {address: BERLIN for address in addresses if address.startswith(HOUSE)}
    rows = [
        f"{address},{place.latitude:.4f},{place.longitude:.4f},{place.city}"
        for address, place in sorted({**house, **TOWNS}.items())
    ]
    return "\n".join(["src_ip,latitude,longitude,city", *rows, ""]).encode()
