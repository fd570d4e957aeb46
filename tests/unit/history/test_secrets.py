import pytest

from harness.history.secrets import hide_secrets, names_a_secret

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJlLXRleHQ"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"ws://host/socket?apikey={TOKEN}&vsn=2", "ws://host/socket?apikey=[token]&vsn=2"),
        ("postgresql://postgres:pa55@127.0.0.1:5432/db", "postgresql://postgres:[password]@127.0.0.1:5432/db"),
        ("key sb_secret_abc-123 here", "key [key] here"),
        ("http://127.0.0.1:80/path: nothing to hide", "http://127.0.0.1:80/path: nothing to hide"),
        ("札幌", "札幌"),
    ],
)
def test_tokens_keys_and_passwords_are_hidden(text: str, hidden: str) -> None:
    assert hide_secrets(text) == hidden


@pytest.mark.parametrize("name", ["jwt_secret", "JWT_SECRET", "anon_key", "access_token", "password", "key"])
def test_names_of_secrets_are_known(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["keyword", "monkey", "seed", "backend"])
def test_other_names_are_not(name: str) -> None:
    assert not names_a_secret(name)
