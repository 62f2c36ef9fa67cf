"""The nouns of the engine: frozen values and the Resource and Transport protocols. Performs no I/O.

Data flows one way: files → declarations → facts → plan → report → view. What a plugin sees (`Script`, `Facts`,
`State`, `Change`, `Action`) may hold secrets; what a plan or report holds (`Step`, `Outcome`) is plain data in which
every secret is a fingerprint, so that it can be shown, saved and compared.
"""

from engine.model.become import Become, become_of
from engine.model.events import Event, Progress
from engine.model.host import DeclaredResource, Host, HostDeclaration, Output, Transport
from engine.model.plan import (
    Attribute,
    Batch,
    Command,
    Drift,
    Drifted,
    HostPlan,
    HostReport,
    Lost,
    Outcome,
    Plan,
    PlanStatus,
    Reason,
    Report,
    ResourceRef,
    ResultStatus,
    Step,
    Stop,
    Watched,
    Why,
)
from engine.model.resource import (
    WRONG,
    Action,
    BatchedProbe,
    Change,
    Place,
    Resource,
    Script,
    ScriptText,
    Source,
    SourceFile,
    Upload,
    Watch,
)
from engine.model.sentence import Outside, Sentence, joined, said
from engine.model.values import (
    CHANGED,
    CURRENT,
    MAY_HAVE_CHANGED,
    REQUEST,
    UNKNOWN,
    Facts,
    HostPath,
    Params,
    Phase,
    Plain,
    Secret,
    State,
    Tense,
    Unknown,
    Value,
)

__all__ = [
    "CHANGED", "CURRENT", "MAY_HAVE_CHANGED", "REQUEST", "UNKNOWN", "WRONG", "Action", "Attribute", "Batch",
    "BatchedProbe", "Become", "Change", "Command", "DeclaredResource", "Drift", "Drifted", "Event", "Facts", "Host",
    "HostDeclaration", "HostPath", "HostPlan", "HostReport", "Lost", "Outcome", "Output", "Outside", "Params",
    "Phase", "Place", "Plain", "Plan", "PlanStatus", "Progress", "Reason", "Report", "Resource", "ResourceRef",
    "ResultStatus", "Script", "ScriptText", "Secret", "Sentence", "Source", "SourceFile", "State", "Step", "Stop",
    "Tense", "Transport", "Unknown", "Upload", "Value", "Watch", "Watched", "Why", "become_of", "joined", "said",
]  # fmt: skip
