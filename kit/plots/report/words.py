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
    return "1 picture" if count == 1 else f"{count} pictures"


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
    what = asked(task)
    can = []
    if _measured(found, "forgotten_accuracy"):
        can += [
            f"How the network answers pictures of {what}, now and before.",
            "How much of the change comes with any update: the sham update is training in which "
            "nothing was forgotten.",
        ]
    cannot = [
        "That no trace is left: audits look for traces, they cannot prove that there are none.",
        "That a law is satisfied: that is not a property of numbers.",
    ]
    if references > 1:
        can.append(
            f"How the network stands to {references} networks that never saw it, on each of these "
            f"questions. One more of them would lie outside of their range in "
            f"{2 / (references + 1):.0%} of cases, by chance alone."
        )
    elif references == 1:
        can.append("How far the network is from one that never saw it, on each of these questions.")
        cannot.append(
            "Whether that distance is more than the one between two retrained networks: a second "
            "one would tell."
        )
    else:
        if _measured(found, "membership"):
            can.append(
                "Whether the request's training pictures are told from test pictures of the same "
                "class."
            )
        cannot += [
            f"Whether the network is as if it had never seen {what}: no retrained network is here.",
            "How much of what still stands apart inside would be there without the forgotten "
            "pictures.",
        ]
    return {"can": can, "cannot": cannot}


def _measured(found: dict[str, Finding], name: str) -> bool:
    return name in found and bool(found[name].rows)


def _verdict(task: ForgetTask, found: dict[str, Finding], mask: dict[str, float]) -> str:
    what = asked(task)
    if mask.get("unchanged"):
        return f"The network answers as before: nothing that was asked about {what} can be seen."
    inside = (mask.get("features_kept") or 0) >= SAME
    if mask.get("only_masked"):
        too = ", and its features are those of before" if inside else ""
        return (
            f"This network only hides its answers: it does not name {what}, but over the other "
            f"classes it says of these pictures what it said before ({mask['answers_kept']:.1%} of "
            f"the variance){too}."
        )
    finding = found.get("forgotten_accuracy")
    if finding is None or not finding.rows:
        return f"The network was asked to forget {what}."
    now, before = finding.value("after"), finding.value("before")
    pictures = "of its test pictures" if task.level == "class" else "of these"
    line = f"Asked to forget {what}, the network names {now:.0%} {pictures}; before, {before:.0%}."
    if inside:
        line += " Its features are those of before: only the last layer differs."
    return line


def _reference(task: ForgetTask, references: int) -> str:
    if references == 0:
        return (
            f"No retrained network was given: whether it is as if it had never seen {asked(task)} "
            f"cannot be said."
        )
    if references == 1:
        return "One retrained network stands beside it: without a second one there is no spread."
    return f"{references} retrained networks stand beside it; their spread is shown."
