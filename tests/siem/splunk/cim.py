"""What the Common Information Model 6 asks for, of the data models that the add-on fills.

Source: pytest-splunk-addon 7.0.5, data_models/{Data_Access,Change,Alerts,Intrusion_Detection,Authentication}.json:
fields of type "required", and "conditional" where its condition holds, with their expected values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SEVERITIES = frozenset({"critical", "high", "medium", "low", "informational"})


@dataclass(frozen=True, slots=True)
class Model:
    """One data model."""

    tags: frozenset[str]
    """An event that has all of them belongs to it."""
    required: frozenset[str]
    values: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Closed lists."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODELS: Mapping[str, Model] = {
    "Data Access": Model(
        frozenset({"data", "access"}),
        _names(
            "action app object object_attrs object_category object_id object_size dest src user_name vendor_account"
            " user vendor_product"
        ),
    ),
    "Change": Model(
        frozenset({"change"}),
        _names(
            "action change_type command dest dvc object object_attrs object_category object_id src status user"
            " vendor_product"
        ),
        {"status": frozenset({"success", "failure"})},
    ),
    "Alerts": Model(
        frozenset({"alert"}),
        _names("app description dest id signature signature_id severity src type user"),
        {"severity": SEVERITIES, "type": frozenset({"alarm", "alert", "event", "task", "warning"})},
    ),
    "Intrusion Detection": Model(
        frozenset({"ids", "attack"}),
        _names("action category dvc ids_type severity signature vendor_product dest src transport"),
        {
            "action": frozenset({"allowed", "blocked"}),
            "ids_type": frozenset({"network", "host"}),
            "severity": SEVERITIES,
        },
    ),
    "Authentication": Model(
        frozenset({"authentication"}),
        _names("action app dest src user"),
        {"action": frozenset({"success", "failure", "pending", "error"})},
    ),
}
"""Intrusion Detection asks for ports, too, where `ids_type` is network: no event knows them, so none has them."""

CONDITIONAL = {"Change": (("status", "failure", "result"), ("object_category", "user", "src_user"))}
"""A field, one of its values, and the field that is required then."""

NEVER = ("_bunit", "_category", "_priority", "_requires_av", "_should_timesync", "_should_update")
"""Ends of fields of src, dest and user that only the site's own lists may fill."""
