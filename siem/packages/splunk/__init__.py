"""The add-on for Splunk: what is generated of it. The rest is written by hand where it is installed from."""

from __future__ import annotations

from siem.files import Files
from siem.packages.splunk.about import FOLDER, app_conf, app_manifest
from siem.packages.splunk.icons import PAPER, icon, logo
from siem.packages.splunk.searches import searches_text
from siem.places import ROOT


def files() -> Files:
    """All that is generated of it."""
    made = {
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "app.manifest": app_manifest().encode(),
        "default/app.conf": app_conf().encode(),
        "default/savedsearches.conf": searches_text().encode(),
        "static/appIcon.png": icon(36),
        "static/appIcon_2x.png": icon(72),
        "static/appIconAlt.png": icon(36, PAPER),
        "static/appIconAlt_2x.png": icon(72, PAPER),
        "static/appLogo.png": logo(40),
        "static/appLogo_2x.png": logo(80),
    }
    return {f"{FOLDER}/{name}": content for name, content in made.items()}
