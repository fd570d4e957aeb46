"""`Task`: what the publishing process is told on its first line."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from harness.backends.environment import Environment
from load.offering.share import Share
from load.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the first line says. `began` is the zero of the run on this machine's monotonic clock, `started` the same
    moment as date and time; `part` is the file for the history of this process, which plays its `share` of the plan."""

    plan: Plan
    share: Share
    environment: Environment
    began: float
    started: datetime
    part: Path

    def line(self) -> str:
        """As JSON; it holds secrets, and is to go through a pipe only."""
        return json.dumps(
            {
                "plan": asdict(self.plan),
                "share": asdict(self.share),
                "environment": dict(self.environment.variables()),
                "began": self.began,
                "started": self.started.isoformat(),
                "part": str(self.part),
            }
        )

    @classmethod
    def parse(cls, line: str) -> "Task":
        told = json.loads(line)
        return cls(
            plan=Plan(**told["plan"]),
            share=Share(**told["share"]),
            environment=Environment.parse(json.dumps(told["environment"])),
            began=told["began"],
            started=datetime.fromisoformat(told["started"]),
            part=Path(told["part"]),
        )
