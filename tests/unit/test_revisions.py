"""Which earlier revision a service goes back to."""

from __future__ import annotations

import pytest

from jupyter_mldeploy.errors import Conflict, NotFound, TargetUnavailable
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.spec import InferenceConfig, Script, ServiceSpec
from jupyter_mldeploy.targets.revisions import Revision, choose, revisions_of

SPEC = ServiceSpec(name="iris", inference=InferenceConfig(Script("def init(): ...\ndef run(data): ...\n")))


def kept(*numbers: int, current: int) -> list[Revision]:
    return [
        Revision(number=number, created="", current=number == current, image="", source="", spec=SPEC)
        for number in numbers
    ]


def test_the_last_one_before_this_or_the_one_that_is_named() -> None:
    assert choose("iris", kept(7, 5, 2, current=7), None).number == 5
    assert choose("iris", kept(7, 5, 2, current=5), None).number == 2
    assert choose("iris", kept(7, 5, 2, current=7), 2).number == 2


def test_what_is_not_kept_is_refused_with_what_is() -> None:
    with pytest.raises(NotFound, match=r"no revision 4.*7, 2") as failed:
        choose("iris", kept(7, 5, 2, current=5), 4)
    assert failed.value.hint
    with pytest.raises(Conflict, match="runs revision 5 already"):
        choose("iris", kept(7, 5, 2, current=5), 5)
    with pytest.raises(NotFound, match="no earlier revision"):
        choose("iris", kept(3, current=3), None)


def test_a_process_has_no_history() -> None:
    with pytest.raises(TargetUnavailable, match="local target keeps no earlier revisions"):
        revisions_of(Record(spec=SPEC))
