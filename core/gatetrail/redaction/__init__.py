"""What must not stand in the record as it came: found, and replaced before an event is sealed."""

from gatetrail.redaction.redaction import Redaction
from gatetrail.redaction.redactor import Redactor

__all__ = ["Redaction", "Redactor"]
