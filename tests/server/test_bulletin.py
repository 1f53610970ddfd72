"""The bulletin: the newest word on each subject, however slow the reader is."""

from __future__ import annotations

import asyncio
import threading

from jupyter_mldeploy.server.bulletin import Bulletin, Reader


def test_only_the_newest_word_and_no_repetition() -> None:
    bulletin = Bulletin()
    for state in ("deploying", "running", "running"):
        bulletin.post("service", "a", {"state": state})
    bulletin.post("service", "b", {"state": "failed"})
    assert [(n.number, n.data["state"]) for n in bulletin.after(0)] == [(2, "running"), (3, "failed")]
    assert [n.number for n in bulletin.after(2)] == [3]
    bulletin.forget("service", "b")
    assert [n.number for n in bulletin.after(0)] == [2]


def test_ids_of_another_life_begin_at_the_beginning() -> None:
    bulletin = Bulletin()
    assert bulletin.position(bulletin.event_id(7)) == 7
    for text in ("", "7", "other-7", f"{bulletin.life}-x", f"{bulletin.life}--1"):
        assert bulletin.position(text) == 0


def test_a_reader_sees_the_last_word_of_many_writers() -> None:
    bulletin = Bulletin()

    def write(subject: str) -> None:
        for number in range(1000):
            bulletin.post("service", subject, {"subject": subject, "number": number})

    async def read() -> dict[str, int]:
        reader = Reader(bulletin, 0)
        writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for writer in writers:
            writer.start()
        seen: dict[str, int] = {}
        last = 0
        while list(seen.values()).count(999) < 4:
            for notice in await reader.read():
                assert notice.number > last
                last = notice.number
                assert notice.data["number"] > seen.get(notice.data["subject"], -1)
                seen[notice.data["subject"]] = notice.data["number"]
        for writer in writers:
            writer.join()
        reader.leave()
        return seen

    assert asyncio.run(asyncio.wait_for(read(), 60)) == dict.fromkeys("abcd", 999)
    assert not bulletin.has_readers
