"""Our part of Locust's web UI: a tab with live charts and the verdict, and a form that offers what there is to choose.

The tab is an iframe of a page of ours, which a small script puts where Locust shows a tab without a table; the page
works on its own as well, at `/realtime/`. Must be imported after gevent's monkey patch.
"""

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
from flask import Blueprint, Response, abort, jsonify, redirect, request, send_from_directory, url_for
from locust.env import Environment
from locust.html import get_html_report
from locust.runners import STATE_SPAWNING, MasterRunner, WorkerRunner
from locust.web import WebUI
from werkzeug.datastructures import ImmutableMultiDict

from harness.clock import SystemClock
from harness.errors import HarnessError, UsageError
from harness.history.store import write_text
from load.judging.judged import Judged
from load.options import chosen_form, chosen_plan, chosen_stack
from load.plan import Plan
from load.telling.live import Live
from load.telling.live_page import live_page, live_picture
from load.telling.reporting import REPORT, SERVED, write_report

PATH: Final = "/realtime"
LOCUST_REPORT: Final = "locust.html"
LOOPBACK: Final = "127.0.0.1"
_CLOCK: Final = SystemClock()
_REPORT: Final = "realtime"
"""The key of what a worker tells the master."""
_FILES: Final = Path(__file__).parent / "templates"


def bind_loopback(parser: Any) -> None:
    """Have Locust's web UI listen on this machine only, unless `--web-host` says otherwise (`*` for all interfaces)."""
    parser.set_defaults(web_host=LOOPBACK)


class Pages:
    """The live figures of a Locust process, and the pages that show them; one for all its runs, one after another."""

    def __init__(self) -> None:
        self._environment: Environment | None = None
        self._live = Live()
        self._first: float | None = None
        self._plan: Plan | None = None
        self._judged: Judged | None = None
        self._folder: Path | None = None

    def extend(self, environment: Environment) -> None:
        """Listen to the run, and show it if there is a web UI. To be called once, when Locust is there."""
        self._environment = environment
        events = environment.events
        if isinstance(environment.runner, WorkerRunner):
            events.report_to_master.add_listener(self._on_report_to_master)  # type: ignore[no-untyped-call]
        elif environment.web_ui is None:
            return
        else:
            self._add_pages(environment, environment.web_ui)
            events.worker_report.add_listener(self._on_worker_report)  # type: ignore[no-untyped-call]
        events.test_start.add_listener(self._on_start)  # type: ignore[no-untyped-call]
        events.request.add_listener(self._on_request)  # type: ignore[no-untyped-call]

    def show(self, folder: Path, judged: Judged) -> None:
        """A run has been judged: write its page and Locust's, show its verdict. Raises `HistoryError` if it cannot."""
        if self._environment is not None:
            whole: str = get_html_report(self._environment, show_download_link=False)  # type: ignore[no-untyped-call]
            write_text(folder / LOCUST_REPORT, whole)
        write_report(folder, {folder: judged})
        self._folder, self._judged = folder, judged

    # -- what is heard

    def _on_start(self, environment: Environment, **_: Any) -> None:
        """While a run is being prepared, Locust is to take it for one that goes on: else its form came back."""
        self._live, self._first = Live(), None
        self._judged = self._folder = None
        if environment.web_ui is not None and environment.runner is not None:
            self._plan = chosen_plan(environment.parsed_options)
            environment.runner.update_state(STATE_SPAWNING)

    def _on_request(
        self, request_type: str, name: str, response_time: float, exception: Exception | None = None, **_: Any
    ) -> None:
        now = _CLOCK.now()
        self._first = self._first or now
        at = now - self._first
        self._live.add(request_type, name, response_time / 1000.0, at=at, failed=exception is not None)

    def _on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        data[_REPORT] = self._live.report()
        self._live = Live()

    def _on_worker_report(self, data: dict[str, Any], **_: Any) -> None:
        if _REPORT in data:
            self._live.merge(data[_REPORT])

    # -- what is shown

    def _add_pages(self, environment: Environment, web_ui: WebUI) -> None:
        assert web_ui.app is not None, "Locust has made it"
        base = environment.parsed_options.web_base_path if environment.parsed_options else ""
        pages = Blueprint("realtime", __name__, url_prefix=f"{base}{PATH}")
        views: Mapping[str, tuple[str, Callable[..., Any]]] = {
            "live": ("/", live_page),
            "picture": ("/picture", lambda: self._picture(environment)),
            "script": ("/locust.js", lambda: send_from_directory(_FILES, "locust.js", mimetype="text/javascript")),
            "run": ("/run/<file>", self._file),
        }
        for name, (rule, view) in views.items():
            pages.add_url_rule(rule, name, web_ui.auth_required_if_enabled(view))  # type: ignore[no-untyped-call]
        # The form has its fields in the order of the options, not of the alphabet.
        web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}
        web_ui.app.before_request(lambda: _checked(environment))
        web_ui.app.after_request(_with_script)
        web_ui.app.register_blueprint(pages)
        web_ui.template_args["extended_tabs"] = [{"title": "Realtime", "key": "realtime"}]

    def _picture(self, environment: Environment) -> Response:
        """What there is to be seen now. Others run between two types of event: counting takes its time."""
        types = {}
        for kind, moment in self._live.types():
            types[kind] = moment
            gevent.sleep(0)
        runner = environment.runner
        state = "ready" if runner is None else runner.state
        link = None if self._folder is None else f"run/{REPORT}"
        told = live_picture(self._live, types, plan=self._plan, state=state, judged=self._judged, link=link)
        return Response(told, mimetype="text/html", headers={"Cache-Control": "no-store"})

    def _file(self, file: str) -> Any:
        """One of the run that was judged last: its page, or what that links to, and nothing else that lies there."""
        if file not in SERVED:
            abort(404)
        if self._folder is None:
            return redirect(url_for("realtime.live"))
        return send_from_directory(self._folder.resolve(), file)


def _checked(environment: Environment) -> Any:
    """Have a run that cannot be refused with a sentence, as the command line does; others get the users they need.

    Locust sees no more of the form than that: it would take any of its options from it.
    """
    if request.endpoint != "locust.swarm":
        return None
    form = chosen_form(request.form)
    try:
        plan = chosen_plan(Namespace(**{**vars(environment.parsed_options or Namespace()), **form}))
        _refuse_unplayable(environment, plan)
    except HarnessError as error:
        return jsonify(success=False, message=str(error), host=environment.host)
    except ValueError as error:
        return jsonify(success=False, message=f"one of the numbers is none: {error}", host=environment.host)
    users = {"user_count": str(plan.users), "spawn_rate": str(float(plan.users))}
    request.form = ImmutableMultiDict({**form, **users})
    return None


def _refuse_unplayable(environment: Environment, plan: Plan) -> None:
    """Raises `UsageError` where there is no stack, or there are more workers than writers: once started, a run that
    cannot be prepared is lost. A master knows of no stack."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        chosen_stack(environment.parsed_options)
    elif runner.worker_count > plan.writers:
        raise UsageError(
            f"{runner.worker_count} workers for {plan.writers} writers: give at least as many writers, as each worker "
            "has its own"
        )


def _with_script(response: Response) -> Response:
    """Locust's own page with our script, which says where the tab goes."""
    if request.endpoint == "locust.index" and response.mimetype == "text/html":
        script = f'<script src=".{PATH}/locust.js" defer></script></body>'
        response.set_data(response.get_data(as_text=True).replace("</body>", script))
    return response
