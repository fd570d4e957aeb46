"""WHICH steps happen: the steps of a story as values, and ready-made runs of them."""

from harness.generators.article import QUESTIONS, answer_all, answer_question, simulation
from harness.generators.step import (
    Step,
    acknowledge,
    answer,
    disconnect,
    leave,
    pause,
    resume,
    settle,
    start_process,
    subscribe,
    together,
    wait,
    wait_committed,
    wait_for,
    wait_ready,
)

__all__ = [
    "QUESTIONS",
    "Step",
    "acknowledge",
    "answer",
    "answer_all",
    "answer_question",
    "disconnect",
    "leave",
    "pause",
    "resume",
    "settle",
    "simulation",
    "start_process",
    "subscribe",
    "together",
    "wait",
    "wait_committed",
    "wait_for",
    "wait_ready",
]
