"""What every test gets: properties are never judged by the time that an example takes on a busy machine."""

from hypothesis import settings

settings.register_profile("harness", deadline=None)
settings.load_profile("harness")
