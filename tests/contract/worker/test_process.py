"""The life of a worker process: its channel, how it is cancelled, and how it ends."""

import os
import signal
import sys
import textwrap
from pathlib import Path

from generation import Cancelled, Finished, Loading, Model, Progress
from generation.protocol import Cancel, ShutDown
from tests.contract.worker.process import WorkerProcess

Models = dict[str, Model]
MANY = 400  # steps; some ten seconds of drawing


def test_the_worker_says_what_it_computes_with(worker: WorkerProcess) -> None:
    ready = worker.ready

    assert ready.device == "cpu"
    assert ready.threads == 1
    assert ready.dtype in {"float32", "bfloat16"}
    assert "bf16" in ready.reason
    assert ready.memory > 2**30
    assert ready.versions["torch"]


def test_a_device_that_does_not_exist_is_an_error_in_words() -> None:
    with WorkerProcess("--device", "toaster") as worker:
        assert worker.next() is None
        assert worker.wait() == 2
        assert any("'toaster'" in line for line in worker.log)


def test_a_cancelled_job_stops_between_two_steps_and_the_next_is_the_same_as_ever(
    worker: WorkerProcess, models: Models
) -> None:
    worker.draw(worker.order(models["sd1"], job="before"))
    order = worker.order(models["sd1"], num_inference_steps=MANY, seeds=(1, 2))
    worker.send(order)
    assert isinstance(worker.next(), Progress)
    worker.send(Cancel(job=order.job))
    ended = worker.end_of(order.job)
    worker.draw(worker.order(models["sd1"], job="after"))

    assert isinstance(ended, Cancelled)
    assert ended.seconds > 0
    assert len(worker.progress) < MANY
    assert worker.pixels("after.png") == worker.pixels("before.png")
    assert not (worker.folder / f"{order.job}.png").exists()


def test_cancelling_a_job_that_ended_or_never_was_changes_nothing(worker: WorkerProcess, models: Models) -> None:
    order = worker.order(models["sd1"], job="twice")
    worker.draw(order)
    worker.send(Cancel(job="twice"))
    worker.send(Cancel(job="never"))

    assert isinstance(worker.draw(order), Finished)


def test_orders_are_carried_out_in_turn_and_a_waiting_one_can_be_cancelled(
    worker: WorkerProcess, models: Models
) -> None:
    first, second, third = (worker.order(models["sd1"]) for _ in range(3))
    for order in (first, second, third, Cancel(job=second.job)):
        worker.send(order)

    ends = [worker.end_of(order.job) for order in (first, second, third)]

    assert [type(end) for end in ends] in (
        [Finished, Cancelled, Finished],
        [Finished, Finished, Finished],  # the first two were drawn before the cancellation was written
    )


def test_a_line_that_is_no_order_is_skipped(worker: WorkerProcess, models: Models) -> None:
    worker.write(b"make me a sandwich\n")
    worker.write(b"\xff\xfe\n\n")

    assert isinstance(worker.draw(worker.order(models["sd1"])), Finished)
    assert any("make me a sandwich" in line for line in worker.log)


def test_prints_of_libraries_do_not_break_the_channel_and_shutting_down_finishes_the_running_job(
    models: Models, tmp_path: Path
) -> None:
    # Python runs this at its start, as a library's import would: it prints later, past Python's own streams too.
    (tmp_path / "sitecustomize.py").write_text(
        textwrap.dedent("""
            import atexit, os, sys, threading

            def shout():
                while not stop.wait(0.01):
                    print("loading weights: 100%")
                    os.write(1, b"a C library says hello\\n")
                    os.system("echo a child says hello")

            def begin(event, arguments):
                if event == "import" and arguments[0] == "torch" and not begun:
                    begun.append(True)
                    threading.Thread(target=shout, daemon=True).start()

            begun, stop = [], threading.Event()
            atexit.register(stop.set)
            sys.addaudithook(begin)
        """),
        encoding="utf-8",
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with WorkerProcess("--device", "cpu", "--threads", "1", environment=environment) as worker:
        worker.folder = tmp_path
        order = worker.order(models["sd1"], num_inference_steps=20)
        worker.send(order)
        assert isinstance(worker.next(), Loading)
        worker.send(ShutDown())
        worker.send(worker.order(models["sd1"]))

        assert isinstance(worker.end_of(order.job), Finished)
        assert worker.next() is None
        assert worker.wait() == 0
    assert "a C library says hello" in worker.log
    assert "a child says hello" in worker.log


def test_termination_is_a_shut_down_and_an_interrupt_is_the_parents_business(
    models: Models, tmp_path: Path
) -> None:
    with WorkerProcess() as worker:
        worker.folder = tmp_path
        order = worker.order(models["sd1"], num_inference_steps=20)
        worker.send(order)
        assert isinstance(worker.next(), Loading)
        worker.process.send_signal(signal.SIGINT)
        worker.process.send_signal(signal.SIGTERM)

        assert isinstance(worker.end_of(order.job), Finished)
        assert worker.next() is None
        assert worker.wait() == 0


def test_a_worker_whose_owner_is_gone_ends_after_the_step(models: Models, tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.folder = tmp_path
        worker.send(worker.order(models["sd1"], num_inference_steps=1000, seeds=(1, 2, 3, 4)))
        assert isinstance(worker.next(), Loading)
        assert isinstance(worker.next(), Progress)
        worker.process.stdin.close()

        assert worker.wait() == 0
    assert list(tmp_path.iterdir()) == []
