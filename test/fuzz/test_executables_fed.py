from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from attempts import FIRST, SEED, amount, generator, memory, wrong_in_log
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from harness import Process, Ros
from odd_messages import Messages, small_photo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from pinet_ros.msg import PersonPoseArray

_MARGIN = 150 * 2**20  # bytes that a node may grow by after its warm-up
_BATCH = 25  # rounds after each of which whole messages must still be answered


class Fed:
    """A node in a process of its own, and what goes to it over DDS."""

    def __init__(self, ros: Ros, name: str, executable: str, answer: tuple[type, str], **topics):
        """Start it in a namespace, with publishers by the names of its topics."""
        self.name = f"{name}/{executable}"
        parameters: dict[str, Any] = {"input_timeout": 3600.0}
        if executable != "pose_overlay":
            parameters["device"] = "cpu"
        if "image/compressed" in topics:
            parameters["image_transport"] = "compressed"
        self.process: Process = ros.start(executable, parameters, remap={"__ns": f"/{name}"})
        self.answers = ros.listen(answer[0], f"/{name}/{answer[1]}")
        self._publishers = {
            topic: ros.node.create_publisher(kind, f"/{name}/{topic}", 10)
            for topic, kind in topics.items()
        }

    @property
    def ready(self) -> bool:
        return all(p.get_subscription_count() for p in self._publishers.values())

    def send(self, **messages: Any) -> None:
        """Publish messages by topic; a topic's slash is an underscore."""
        for topic, publisher in self._publishers.items():
            if (message := messages.get(topic.replace("/", "_"))) is not None:
                publisher.publish(message)


@pytest.mark.slow
def test_nodes_fed_with_odd_messages_go_on_answering_whole_ones(clip, tmp_path):
    messages, rounds = Messages(small_photo()), amount(200) // 5
    with closing(Ros(tmp_path)) as ros:
        people, infos = (PersonPoseArray, "people/initial"), {"camera_info": CameraInfo}
        raw = Fed(ros, "raw", "pose_estimator", people, image=Image, **infos)
        compressed = {"image/compressed": CompressedImage}
        packed = Fed(ros, "packed", "pose_estimator", people, **compressed, **infos)
        drawn = {"image": Image, "people": PersonPoseArray}
        overlay = Fed(ros, "drawn", "pose_overlay", (Image, "people/image"), **drawn, **infos)
        initial = {"people/initial": PersonPoseArray}
        refiner = Fed(ros, "refined", "pose_refiner", (PersonPoseArray, "people"), **initial)
        nodes = (raw, packed, overlay, refiner)
        ros.until(lambda: all(node.ready for node in nodes))

        def send_whole(header: Header) -> None:
            image, info = messages.image(header), messages.info(header)
            found = messages.people(header)
            raw.send(camera_info=info, image=image)
            packed.send(camera_info=info, image_compressed=messages.compressed(header))
            overlay.send(camera_info=info, image=image, people=found)
            refiner.send(people_initial=found)

        def send_odd(number: int) -> None:
            rng = generator(number)
            header = Header(stamp=Time(sec=1000 + number), frame_id="camera")
            info = messages.odd_info(rng, header) if number % 4 == 0 else messages.info(header)
            whole = messages.image(header)
            image = messages.odd_image(rng, header) if number % 4 == 1 else whole
            found = messages.people(image.header)
            found = messages.odd_people(rng, header) if number % 4 == 2 else found
            raw.send(camera_info=info, image=image)
            packed.send(camera_info=info, image_compressed=messages.odd_compressed(rng, header))
            overlay.send(camera_info=info, image=image, people=found)
            refiner.send(people_initial=messages.odd_people(rng, header))

        def require_answers(number: int) -> None:
            """Send whole messages, each with a new stamp, until all nodes have answered one."""
            seconds: set[int] = set()

            def answered() -> bool:
                seconds.add(10**6 + 1000 * number + len(seconds))
                send_whole(Header(stamp=Time(sec=max(seconds)), frame_id="camera"))
                ros.spin(0.2)
                return all(
                    any(a.header.stamp.sec in seconds for a in node.answers) for node in nodes
                )

            ros.until(answered)
            for node in nodes:
                node.answers.clear()

        statuses = ros.listen(DiagnosticArray, "/diagnostics")
        require_answers(0)
        level: dict[str, int] = {}
        for number in range(FIRST, FIRST + rounds):
            send_odd(number)
            ros.spin(0.03)
            if (number + 1) % _BATCH == 0:
                require_answers(number)
            if number == FIRST + rounds // 4:
                level = {node.name: memory(node.process.popen.pid) for node in nodes}
        require_answers(FIRST + rounds)
        statuses.clear()
        ros.spin(1.5)
        print(f"seed {SEED}, {rounds} rounds of odd messages, and whole ones between")
        for node in nodes:
            status = [s for m in statuses for s in m.status if s.name == node.name][-1]
            values = {pair.key: pair.value for pair in status.values}
            problems = {key: value for key, value in values.items() if key[0].isupper()}
            done = int(values["received"]) - int(values["dropped"])
            growth = memory(node.process.popen.pid) - level[node.name]
            print(f"{node.name}: {done} processed, {problems}, memory {growth / 2**20:+.0f} MiB")
            said = node.process.output
            assert node.process.alive, said
            assert not wrong_in_log(said)
            assert growth < _MARGIN
