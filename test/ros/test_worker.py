from __future__ import annotations

import threading

from pinet_ros.ros.live_node import LatestWorker


def test_works_on_the_latest_item_and_counts_what_it_replaced():
    busy, free, done = threading.Event(), threading.Event(), []

    def work(item):
        done.append(item)
        busy.set()
        free.wait(5)

    worker = LatestWorker(work)
    worker.start()
    worker.put(0)
    assert busy.wait(5)
    busy.clear()
    for item in (1, 2, 3):
        worker.put(item)
    free.set()
    assert busy.wait(5)
    worker.stop()
    assert done == [0, 3]
    assert (worker.received, worker.dropped) == (4, 2)


def test_starts_again_after_a_stop_and_forgets_what_waited():
    done, came = [], threading.Event()

    def work(item):
        done.append(item)
        came.set()

    worker = LatestWorker(work)
    worker.put("before the start")
    worker.stop()
    worker.start()
    worker.start()  # does nothing
    worker.put("after")
    assert came.wait(5)
    worker.stop()
    assert done == ["after"]
