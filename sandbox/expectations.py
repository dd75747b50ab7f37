"""What an archive should end with for a result: `stored`, `withheld` or `gone`."""

from typing import Literal

from sandbox import faults, state

Expected = Literal["stored", "withheld", "gone"]


def of(place: state.Place, chance: faults.Chance) -> Expected:
    """The end of one result, for an archive that tries long enough and hears every callback that was acknowledged.

    `gone` means that nobody can have it: it or its workflow is lastingly missing or forbidden, or its ephemeral
    workflow was never told with details. What an ephemeral workflow's details do not say cannot be asked for later.
    """
    workflow, play = place.workflow, place.blob.scenario
    if chance.lasts(faults.BLOB, play.own_faults) or chance.lasts(("workflow_403",), workflow.scenario.own_faults):
        return "gone"
    is_told = place.step.name in workflow.told
    if not is_told and (workflow.ephemeral or chance.lasts(("workflow_404",), workflow.scenario.own_faults)):
        return "gone"
    if place.blob.ephemeral and (play.available_after or (play.withheld and play.placeholder == "redirect")):
        return "gone"
    return "stored" if play.withheld is None else "withheld"
