"""What every test gets: signals as in a terminal, and properties that are never judged by the time an example takes."""

import signal

from hypothesis import settings

settings.register_profile("harness", deadline=None)
settings.load_profile("harness")

# Started by nohup, or with `&` in a script, we and all whom we start would ignore these for good.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
