"""The nouns of the engine: frozen values and the Resource and Transport protocols. Performs no I/O.

Data flows one way: files → declarations → facts → plan → report → view. What a plugin sees (`Script`, `Facts`,
`State`, `Change`, `Action`) may hold secrets; what a plan or report holds (`Step`, `Outcome`) is plain data in which
every secret is a fingerprint, so that it can be shown, saved and compared.
"""

from engine.model.become import Become, become_of
from engine.model.host import Declared, Host, HostDeclaration, Output, Transport
from engine.model.plan import (
    Attribute,
    Batch,
    HostPlan,
    HostReport,
    Lost,
    Outcome,
    Outlook,
    Plan,
    Report,
    Step,
    Verdict,
)
from engine.model.progress import Progress
from engine.model.resource import (
    WRONG,
    Action,
    Change,
    Glance,
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
    UNKNOWN,
    Facts,
    HostPath,
    Params,
    Phase,
    Plain,
    Secret,
    State,
    Unknown,
    Value,
)

__all__ = [
    "CHANGED", "CURRENT", "MAY_HAVE_CHANGED", "UNKNOWN", "WRONG", "Action", "Attribute", "Batch", "Become", "Change",
    "Declared", "Facts", "Glance", "Host", "HostDeclaration", "HostPath", "HostPlan", "HostReport", "Lost",
    "Outcome", "Outlook", "Output", "Outside", "Params", "Phase", "Place", "Plain", "Plan", "Progress", "Report",
    "Resource", "Script", "ScriptText", "Secret", "Sentence", "Source", "SourceFile", "State", "Step", "Transport",
    "Unknown", "Upload", "Value", "Verdict", "Watch", "become_of", "joined", "said",
]  # fmt: skip
