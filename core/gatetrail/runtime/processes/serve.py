"""The service from beginning to end: its socket, then one process that answers, or several and their supervisor."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from gatetrail.runtime.processes.attendance import Attendance, Talk
from gatetrail.runtime.processes.inherited import inherited_listener
from gatetrail.runtime.processes.notify import notifier_of
from gatetrail.runtime.processes.open_files import allow_all_open_files
from gatetrail.service.listening import listen
from gatetrail.settings import ServiceSettings


async def serve(
    settings: ServiceSettings,
    *,
    sinks: bool,
    talk: Talk,
    environment: MutableMapping[str, str],
    worker: tuple[str, ...],
    reloads: bool,
) -> None:
    """Serve until cancelled. `worker` is the command that starts a process for a `WorkerTask`.

    With `reloads` SIGHUP has the policy file read anew, in all processes.

    The socket is the one that `environment` tells of, else one of the settings. At the end nothing new is accepted,
    calls in flight finish, followers drain, the journal closes, and an embedded server stops.
    Raises what `attend` and `Supervisor.run` raise; a taken port before anything starts.
    """
    allow_all_open_files()
    own_id = os.getpid()
    notifier = notifier_of(environment, own_id)
    with inherited_listener(environment, own_id) or listen(settings.host, settings.port) as listener:
        attendance = Attendance(
            settings=settings, sinks=sinks, listener=listener, talk=talk, notifier=notifier, reloads=reloads
        )
        # A supervisor has no use for MCP and HTTP, which are most of what this process would carry.
        if settings.workers == 1:
            from gatetrail.runtime.processes.attending import attend

            await attend(attendance)
        else:
            from gatetrail.runtime.processes.supervisor import Supervisor

            await Supervisor(attendance, worker).run()
