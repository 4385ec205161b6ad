"""Which OCSF class and activity each kind of event is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from gatetrail.formats.kinds import Kind


@dataclass(frozen=True, slots=True)
class OcsfClass:
    """A class of OCSF 1.8.0, and the profiles that we fill in it."""

    uid: int
    name: str
    category_uid: int
    category_name: str
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened, as a class has it. `99` is named by us."""

    of: OcsfClass
    id: int
    name: str

    @property
    def type_uid(self) -> int:
        """The class and the activity in one number."""
        return self.of.uid * 100 + self.id


OTHER = 99

_COMMON = ("datetime", "security_control")
_WITH_ACTOR = (*_COMMON, "host")
"""`host` is what brings `actor` to the classes that do not have it by themselves."""
_IAM = "Identity & Access Management"
_APPLICATION = "Application Activity"

API_ACTIVITY = OcsfClass(6003, "API Activity", 6, _APPLICATION, (*_COMMON, "trace"))
APPLICATION_LIFECYCLE = OcsfClass(6002, "Application Lifecycle", 6, _APPLICATION, _WITH_ACTOR)
APPLICATION_ERROR = OcsfClass(6008, "Application Error", 6, _APPLICATION, _WITH_ACTOR)
DETECTION_FINDING = OcsfClass(2004, "Detection Finding", 2, "Findings", _WITH_ACTOR)
AUTHENTICATION = OcsfClass(3002, "Authentication", 3, _IAM, _COMMON)
ENTITY_MANAGEMENT = OcsfClass(3004, "Entity Management", 3, _IAM, _COMMON)

_INVOKE = Activity(API_ACTIVITY, OTHER, "Invoke")
_UPDATE = Activity(ENTITY_MANAGEMENT, 3, "Update")


def activity_of(kind: Kind, event_name: str) -> Activity:  # noqa: C901, PLR0911, PLR0912 -- one for each kind
    """The class and activity of a kind of event.

    OCSF has no value for the call of a tool: 6003 with 99 "Invoke" is where its maintainers' discussion stands.
    What an agent reports about itself is the life of an application, and so is what the trail tells about
    itself; the application is the agent there and Gatetrail here.
    """
    match kind:
        case Kind.TOOL_CALL_DECIDED | Kind.TOOL_CALL_COMPLETED | Kind.EXECUTION_ORPHANED:
            return _INVOKE
        case Kind.MANIFEST_LISTED:
            return Activity(API_ACTIVITY, 2, "Read")
        case Kind.SCANNER_DETECTED:
            return Activity(DETECTION_FINDING, 1, "Create")
        case Kind.IDENTITY_REFUSED | Kind.SESSION_STARTED:
            return Activity(AUTHENTICATION, 1, "Logon")
        case Kind.IDENTITY_RESTRICTED:
            return Activity(ENTITY_MANAGEMENT, 12, "Suspend")
        case Kind.IDENTITY_RESTORED:
            return Activity(ENTITY_MANAGEMENT, 13, "Resume")
        case Kind.SESSION_RESUMED:
            return Activity(AUTHENTICATION, OTHER, "Resume")
        case Kind.SESSION_ENDED:
            return Activity(AUTHENTICATION, 2, "Logoff")
        case Kind.POLICY_CHANGED | Kind.POLICY_REJECTED:
            return _UPDATE
        case Kind.HOOK_RAN:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Hook Ran")
        case Kind.HOOK_FAILED:
            return Activity(APPLICATION_ERROR, 1, "General Error")
        case Kind.RATE_STORE_FAILED:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Rate Store Failed")
        case Kind.RATE_STORE_RECOVERED:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Rate Store Recovered")
        case Kind.LIFECYCLE:
            return _LIFECYCLE.get(event_name) or Activity(APPLICATION_LIFECYCLE, OTHER, event_name.partition(".")[2])
        case Kind.AUDIT_HEARTBEAT:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Heartbeat")
        case Kind.AUDIT_CHECKPOINT:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Checkpoint")
        case Kind.AUDIT_GAP:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Gap")
        case Kind.AUDIT_SINK_FAILED:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Sink Failed")
        case Kind.AUDIT_SINK_RECOVERED:
            return Activity(APPLICATION_LIFECYCLE, OTHER, "Sink Recovered")
        case _:
            assert_never(kind)


_LIFECYCLE = {
    "lifecycle.session_start": Activity(APPLICATION_LIFECYCLE, 3, "Start"),
    "lifecycle.subagent_start": Activity(APPLICATION_LIFECYCLE, 3, "Start"),
    "lifecycle.session_end": Activity(APPLICATION_LIFECYCLE, 4, "Stop"),
    "lifecycle.subagent_stop": Activity(APPLICATION_LIFECYCLE, 4, "Stop"),
}
