"""HOW it is told: history, verdicts and accounts as text, HTML, JUnit and JSON, and the line shown meanwhile."""
