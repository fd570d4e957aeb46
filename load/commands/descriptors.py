"""Makes room for many sockets: the limit of open files, which stack and Locust inherit."""

import resource
from typing import Final

from harness.errors import UsageError
from load.plan import Plan

_EACH: Final = 3
"""Of one user: its socket, one for a fetch, and some to spare."""
_OTHERS: Final = 256
"""Of a process beside its users: the database, pipes, files."""


def make_room(plan: Plan) -> None:
    """Raise this process's limit to what the plan needs; raises `UsageError` if the system does not allow that."""
    needed = needed_for(plan)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UsageError(
            f"{plan.users} users need {needed} open files, and this system allows {hard}: raise it (`ulimit -Hn`), "
            "or offer less"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def needed_for(plan: Plan) -> int:
    """How many files one process may have open at once."""
    return _OTHERS + _EACH * plan.users
