"""What the numbers of a report allow one to say, and what they do not."""

from kit.metrics.inside.masking import SAME
from kit.plots.report.finding import Finding
from kit.tasks import ForgetTask

LOST = 0.1  # of accuracy on what was to be kept: worth the first lines


def asked(task: ForgetTask) -> str:
    """What the request names, in words."""
    if task.level == "class":
        names = " and ".join(f"“{task.data.classes[c]}”" for c in task.forget_classes)
        return f"the class {names}" if len(task.forget_classes) == 1 else f"the classes {names}"
    count = len(task.forget)
    return (
        "the one picture of the request" if count == 1 else f"the {count} pictures of the request"
    )


def first_lines(
    task: ForgetTask, found: dict[str, Finding], mask: dict[str, float], references: int
) -> list[str]:
    """The lines that a hurried reader takes away; all of them computed.

    ``references`` is how many retrained networks stand beside it.
    """
    lines = [_verdict(task, found, mask)]
    kept = found.get("kept_accuracy")
    if kept is not None and kept.rows and kept.value("before") - kept.value("after") > LOST:
        lines.append(
            f"It lost some of its work: right on {kept.value('after'):.0%} of the other test "
            f"pictures, before on {kept.value('before'):.0%}."
        )
    inside = found.get("still_apart") or found.get("membership")
    if inside is not None and inside.rows:
        lines.append(f"{inside.question} {compared(inside)}")
    return [*lines, _reference(task, references)]


def compared(finding: Finding) -> str:
    """One finding in a sentence: the network beside retrained ones, or beside itself before."""
    said = f"{finding.value('after'):.0%}, before {finding.value('before'):.0%}"
    if not finding.reference:
        sham = finding.rows["sham update"]["value"]
        return f"{said}." if sham is None else f"{said}, after a sham update {sham:.0%}."
    least, most, count = (finding.reference[key] for key in ("least", "most", "count"))
    if count == 1:
        return f"{said}, in the one retrained network {most:.0%}."
    return f"{said}; the {count} retrained networks have {least:.0%} to {most:.0%}."


def statements(
    task: ForgetTask, found: dict[str, Finding], references: int
) -> dict[str, list[str]]:
    """What can be said on the strength of this report, and what cannot."""
    pictures = f"pictures of {asked(task)}" if task.level == "class" else asked(task)
    can = []
    if _measured(found, "forgotten_accuracy"):
        can += [
            f"How the network answers {pictures}, now and before, within the intervals.",
            "How much of the change comes with any update: the sham update is training in which "
            "nothing was left out.",
        ]
    cannot = [
        "That no trace is left: audits look for traces, they cannot prove that there are none.",
        "That a law is satisfied: that is not a property of numbers.",
    ]
    if references > 1:
        can.append(
            f"How the network stands to {references} networks that never saw the pictures. One "
            f"more of these would lie outside of their range in {2 / (references + 1):.0%} of "
            f"cases, by chance alone."
        )
    elif references == 1:
        can.append("How the network stands to one that never saw the pictures.")
        cannot.append(
            "Whether that distance is more than the one between two retrained networks: a second "
            "one would tell."
        )
    else:
        if _measured(found, "membership"):
            can.append(
                "How well one attack tells the training pictures of the request from test pictures "
                "of the same class."
            )
        cannot.append(
            "Whether the network is as if it had never seen the pictures: no retrained network is "
            "here."
        )
        if _measured(found, "still_apart"):
            cannot.append("How much of what still stands apart inside would be there without them.")
    return {"can": can, "cannot": cannot}


def _measured(found: dict[str, Finding], name: str) -> bool:
    return name in found and bool(found[name].rows)


def _verdict(task: ForgetTask, found: dict[str, Finding], mask: dict[str, float]) -> str:
    what = asked(task)
    if mask.get("unchanged"):
        return f"The network answers as before: nothing that was asked about {what} can be seen."
    inside = (mask.get("features_kept") or 0) >= SAME
    if mask.get("only_masked"):
        too = " What enters its last layer is that of before." if inside else ""
        return (
            f"This network only hides its answers: it does not name {what}, and what it says of "
            f"{len(task.test_forget)} such test pictures among the other classes is what it said "
            f"before ({mask['answers_kept']:.1%} of the variance).{too}"
        )
    finding = found.get("forgotten_accuracy")
    if finding is None or not finding.rows:
        return f"The network was asked to forget {what}."
    now, before = finding.value("after"), finding.value("before")
    pictures = "these" if task.level == "sample" else f"its {len(task.test_forget)} test pictures"
    line = (
        f"Asked to forget {what}, the network names {now:.0%} of {pictures}; before, {before:.0%}"
    )
    if finding.reference:
        one = finding.reference["count"] == 1
        line += f"; {'the retrained one' if one else 'retrained ones'}, "
        line += f"{finding.reference['mean']:.0%}"
    line += ": as many as before." if now >= before else "."
    if inside:
        line += " What enters its last layer is that of before."
    return line


def _reference(task: ForgetTask, references: int) -> str:
    if references == 0:
        return (
            f"No retrained network was given: whether it is as if it had never seen {asked(task)}, "
            f"cannot be said."
        )
    if references == 1:
        return "One retrained network stands beside it: without a second one there is no spread."
    return f"{references} retrained networks stand beside it; their spread is shown."
