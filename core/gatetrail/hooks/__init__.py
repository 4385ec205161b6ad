"""Hooks of the policy: programs and webhooks that are asked before something happens, or told that it did."""

from gatetrail.hooks.asking import HookDenial
from gatetrail.hooks.facts import Facts
from gatetrail.hooks.hooks import HookLimits, Hooks
from gatetrail.hooks.outside import Limits, Outside
from gatetrail.hooks.payload import HookPayload
from gatetrail.hooks.signature import sign, verify
from gatetrail.hooks.tallies import HookOutcome, HookTallies
from gatetrail.hooks.webhook import Webhooks

__all__ = [
    "Facts",
    "HookDenial",
    "HookLimits",
    "HookOutcome",
    "HookPayload",
    "HookTallies",
    "Hooks",
    "Limits",
    "Outside",
    "Webhooks",
    "sign",
    "verify",
]
