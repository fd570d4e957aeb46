"""The witness's own list of tables, as SQL."""

from harness.backends.witness_publication import create_publication, drop_publication


def test_it_names_the_tables_of_the_application_in_their_schema() -> None:
    assert create_publication("harness_witness", "Mine") == (
        'create publication "harness_witness" for table "Mine"."process_events", "Mine"."generated_articles_state"'
    )


def test_names_are_quoted() -> None:
    assert drop_publication('w"x') == 'drop publication if exists "w""x"'
