"""Pictures on their way in: from a URL, a data URI or base64 to plain pixels, guarded throughout.

Used by the container and by the gateway. Knows nothing about routes or models.
"""

from friendli_server.intake.intake import Intake
from friendli_server.intake.source import MAX_BYTES

__all__ = ["MAX_BYTES", "Intake"]
