"""The tenants' API of a server: what the `ctl` steps of a recording do.

Beside the straight line, one of the player's hands.
"""

import json
from datetime import datetime
from typing import Final

import aiohttp

from harness.fidelity.target import TENANT, Target
from harness.tokens import mint

_PATH: Final = f"/api/tenants/{TENANT}"


async def control(target: Target, step: str, *, wall: datetime) -> str:
    """Do `limits {…}` or `reload`; the outcome as the recorder notes it, e.g. `admin 204`."""
    what, _, limits = step.partition(" ")
    if what == "reload":
        return await _ask(target, "POST", f"{_PATH}/reload", b"", wall)
    return await _ask(target, "PUT", _PATH, json.dumps({"tenant": json.loads(limits)}).encode(), wall)


async def _ask(target: Target, method: str, path: str, body: bytes, wall: datetime) -> str:
    token = mint(target.secret, role="anon", wall=wall)
    headers = {"Host": target.host, "Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, target.http_url(path), headers=headers, data=body or None) as answer,
        ):
            return f"admin {answer.status}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"admin {type(error).__name__}"
