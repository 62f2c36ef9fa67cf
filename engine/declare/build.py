"""State files, inventory and variables → what is declared for each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from engine.codes import Code
from engine.declare import registry
from engine.declare.assemble import Assembler, watching
from engine.declare.controller_files import Sources
from engine.declare.expand import Item, Problems, Unroller
from engine.declare.host_facts import HostNames, used
from engine.declare.needs import Needs, Resolver
from engine.declare.places import collisions
from engine.declare.problems import assuming_facts, sorted_problems
from engine.declare.registry import Kinds
from engine.declare.schema.validate import nearest
from engine.declare.secrets.store import SecretStore, StateSecrets
from engine.declare.statefile import Entry, Reader, State
from engine.declare.templates.budget import Spent, counted
from engine.declare.templates.names import RenderError
from engine.declare.templates.scope import Binding, Layer, Scope, given, of_host, of_inventory, typed
from engine.declare.yaml.nodes import Node
from engine.errors import InvalidInput, Problem, code_of, of_kind
from engine.kit import duration
from engine.model import DeclaredResource, Facts, Host, HostDeclaration, Resource, Secret, Watch

if TYPE_CHECKING:
    from engine.declare.inventory import Inventory
    from engine.declare.secrets.resolve import NewHash


def read_states(files: Sequence[Path], reader: Reader) -> list[State]:
    """The states on the command line; a directory stands for the state files in it."""
    states: list[State] = []
    for file in files:
        found = sorted([*file.glob("*.yaml"), *file.glob("*.yml")]) if file.is_dir() else [file]
        if not found:
            reader.problems.append(Problem("no *.yaml in this directory", str(file), code=Code.STATE_NOT_FOUND))
        states += [state for each in found if (state := reader.read(each, str(each)))]
    return list({id(state): state for state in states}.values())


def pick_hosts(
    states: Sequence[State], inventory: Inventory, limit: str | None
) -> tuple[dict[int, list[Host]], list[Problem]]:
    """The hosts of each state, by its place in the sequence. With several states the limit may leave one without."""
    picked: dict[int, list[Host]] = {}
    problems: list[Problem] = []
    limited: list[Problem] = []
    for number, state in enumerate(states):
        if state.hosts is None:
            continue
        try:
            hosts = inventory.hosts(state.hosts.text, None)
        except InvalidInput as error:
            problems += [
                Problem(each.message, each.where or state.hosts.where, each.hints, code=each.code)
                for each in error.problems
            ]
            continue
        if limit is not None:
            try:
                hosts = inventory.hosts(state.hosts.text, limit)
            except InvalidInput as error:
                limited += error.problems
                continue
        picked[number] = list(hosts)
    if not picked and not problems:
        problems = list(dict.fromkeys(limited))
    return picked, problems


class Variables:
    """The variables of a run that are the same for every host: what `-e` gave, in the types of each state."""

    def __init__(self, extra: Mapping[str, Any], states: Sequence[State]) -> None:
        self.extra = extra
        self.problems: list[Problem] = []
        self.declared = {
            name for state in states for each in state.tree() for name in (each.vars.items if each.vars else ())
        }
        self._layers: dict[State, Layer] = {}

    def layer(self, state: State) -> Layer:
        """What `-e` gives the variables of a state."""
        if state not in self._layers:
            layer: dict[str, Binding] = {}
            for name, value in self.extra.items():
                default: Node | None = state.vars.items.get(name) if state.vars else None
                try:
                    layer[name] = Binding(f"-e {name}", data=typed(name, value, default))
                except RenderError as fault:
                    self.problems.append(Problem(fault.message, f"-e {name}", fault.hints, code=Code.EXTRA_VARIABLE))
            self._layers[state] = layer
        return self._layers[state]

    def undeclared(self, hosts: Iterable[Host]) -> list[Problem]:
        """A problem for each variable of `-e` that no state and no host declares."""
        if not self.extra:
            return []
        known = dict.fromkeys([*self.declared, *(name for host in hosts for name in of_host(host))])
        return [
            Problem("no state declares this variable", f"-e {name}", nearest(name, known), code=Code.UNKNOWN_VARIABLE)
            for name in self.extra
            if name not in known
        ]


class Scopes:
    """What templates can refer to on one host: a scope each time that a state file is unrolled."""

    def __init__(
        self, host: Host, facts: Facts | None, variables: Variables, store: SecretStore, shared: Layer
    ) -> None:
        self.names, self.own = HostNames(host, facts), of_host(host)
        self.variables, self.store, self.shared = variables, store, shared
        self.secrets: list[StateSecrets] = []

    def of(self, state: State, passed: Layer) -> Scope:
        """The scope of a state file that is given the variables `passed`."""
        scope = Scope(self.names, (passed, self.variables.layer(state), self.own, given(state.vars), self.shared))
        scope.secrets = secrets = StateSecrets(self.store, state.secrets, scope)
        self.secrets.append(secrets)
        return scope


class Builder:
    """Builds the declarations of one host after the other. `picked`: by its number, the hosts of each state. `known`:
    what templates know of all hosts."""

    def __init__(
        self,
        states: Sequence[State],
        picked: Mapping[int, Sequence[Host]],
        variables: Variables,
        store: SecretStore,
        sources: Sources,
        become_user: str | None,
        known: Layer,
    ) -> None:
        self.states = states
        self.picked = picked
        self.variables = variables
        self.store = store
        self.sources = sources
        self.become_user = become_user or "root"
        self.known = known
        self.shared: dict[Entry, Resource] = {}
        self.secrets: dict[Secret, None] = {}
        self.spent = Spent()
        self.one = Lock()

    def host(self, host: Host, facts: Facts | None = None) -> tuple[HostDeclaration, list[Problem]]:
        """What is declared for a host, and what is wrong with it. Without `facts`, what refers to one is put off: the
        declaration is `pending` then, and what is wrong is wrong whatever they are."""
        with counted(self.spent):
            return self._host(host, facts)

    def _host(self, host: Host, facts: Facts | None) -> tuple[HostDeclaration, list[Problem]]:
        problems, scopes = Problems(), Scopes(host, facts, self.variables, self.store, self.known)
        unroller = Unroller(problems, scopes.of)
        for number, hosts in self.picked.items():
            if any(other.name == host.name for other in hosts):
                unroller.state(self.states[number], number)
        items = _unique(unroller.items, problems)
        needed = Resolver(items, unroller)
        assembler = Assembler(problems, self.sources, self.shared)
        data = {item.name: assembler.data(item) for item in items if item.active}
        watched = {
            item.name: watching(item.entry.body, values)
            for item in items
            if item.entry.body and (values := data.get(item.name))
        }
        resources = self.assembled(needed.ordered(watched), data, assembler, host)
        problems.add(collisions(resources))
        self.secrets.update(assembler.secrets)
        if problems.later:
            for secrets in scopes.secrets:
                secrets.ask()
        return HostDeclaration(host, tuple(resources), used(scopes.names), problems.later), list(problems.found)

    def assembled(
        self,
        ordered: Sequence[tuple[Item, Needs]],
        data: Mapping[str, dict[str, Any] | None],
        assembler: Assembler,
        host: Host,
    ) -> list[DeclaredResource]:
        """The resources in order; without those that something is wrong with."""
        made: dict[str, Resource] = {}
        users = {item.name: self._user(item, host) for item, _ in ordered}
        declared: list[DeclaredResource] = []
        for item, needs in ordered:
            values = data[item.name]
            if values is None:
                continue
            watches = {
                param: _watches(item, param, names, made, users, assembler.problems)
                for param, names in needs.watches.items()
            }
            resource = assembler.resource(item, values, watches)
            if resource is not None:
                made[item.name] = resource
                declared.append(_declared(item, resource, needs.needs, users[item.name]))
        return declared

    def _user(self, item: Item, host: Host) -> str | None:
        """Whom a resource runs as; None: as the host's programs do."""
        become = item.words.get("become")
        if become is True:
            return str(host.vars.get("ansible_become_user") or self.become_user)
        return become or None


def _watches(
    item: Item,
    param: str,
    names: Sequence[str],
    made: Mapping[str, Resource],
    users: Mapping[str, str | None],
    problems: Problems,
) -> tuple[Watch, ...]:
    watches: list[Watch] = []
    for name in names:
        try:
            script = made[name].watched() if name in made else None
        except Exception as error:
            problems.add(
                [
                    Problem(
                        of_kind(name, made[name].kind, error),
                        item.entry.params.items[param].where,
                        code=code_of(error),
                    )
                ]
            )
            continue
        if script is not None:
            apart = users[name] != users[item.name]
            watches.append(Watch(name, script, (users[name] or "") if apart else None))
        elif name in made:
            node = item.entry.params.items[param]
            hint = "it has no content that a service could read"
            what = f"`{param}` cannot watch {name}, which is of kind {made[name].kind}"
            problems.add([Problem(what, node.where, (hint,), code=Code.PARAMETER)])
    return tuple(watches)


def _declared(item: Item, resource: Resource, needs: tuple[str, ...], become: str | None) -> DeclaredResource:
    words = item.words
    return DeclaredResource(
        name=item.name,
        resource=resource,
        needs=needs,
        tags=frozenset(words.get("tags", ())),
        timeout=duration.seconds(words["timeout"]) if "timeout" in words else None,
        retries=words.get("retries", 0),
        become=become,
        position=item.entry.where,
    )


def _unique(items: Sequence[Item], problems: Problems) -> list[Item]:
    """The items without those whose name another one has."""
    known: dict[str, Item] = {}
    for item in items:
        first = known.setdefault(item.name, item)
        if first is not item:
            hint = f"the other is at {first.entry.where}"
            if first.entry is item.entry:
                hint = "its file is included twice under the same name; give each include its own `as`"
            problems.add(
                [
                    Problem(
                        f"there are two resources named `{item.name}`",
                        item.entry.where,
                        (hint,),
                        code=Code.DUPLICATE_RESOURCE,
                    )
                ]
            )
    return list(known.values())


def merged_rollout(states: Sequence[State]) -> tuple[dict[str, Any], list[Problem]]:
    """The `rollout` of all states together: they must not contradict each other."""
    found = [state for state in states if state.rollout]
    if not found or all(state.rollout == found[0].rollout for state in found):
        return (dict(found[0].rollout) if found else {}), []
    where = found[0].root.at("rollout")
    others = tuple(f"the other: {state.root.at('rollout')}" for state in found[1:])
    return {}, [
        Problem("the states have different rollouts; apply them one at a time", where, others, code=Code.ROLLOUT)
    ]


def _built(
    builder: Builder, hosts: Sequence[Host], facts: Facts | None, found: dict[Problem, list[str]]
) -> list[HostDeclaration]:
    """What is declared for each host; what is wrong goes to `found`, with the hosts it is wrong on. A host that
    cannot be connected to is that host's error when it is, not the run's, unless `facts` stand for those of all."""
    declared: list[HostDeclaration] = []
    for host in hosts:
        if host.problems:
            declared.append(HostDeclaration(host, ()))
            found.update({problem: [] for problem in (host.problems if facts is not None else ())})
            continue
        declaration, problems = builder.host(host)
        if facts is not None and declaration.pending:
            declaration, more = builder.host(host, facts)
            problems += [assuming_facts(problem, declaration.facts) for problem in more if problem not in problems]
        declared.append(declaration)
        for problem in problems:
            found.setdefault(problem, []).append(host.name)
    return declared


@dataclass(frozen=True)
class Declarations:
    """All that state files declare.

    name     of the states, joined by a comma
    hosts    what is declared for each host, in the order of the inventory
    sources  every file that was read: states, includes, templates, sources; absolute, no secret among them
    rollout  the section `rollout`, as it is written
    """

    name: str
    hosts: tuple[HostDeclaration, ...]
    sources: tuple[Path, ...]
    rollout: Mapping[str, Any]
    inventory: Inventory = field(repr=False, compare=False)
    builder: Builder = field(repr=False, compare=False)

    def finish(self, host: Host, facts: Facts) -> HostDeclaration:
        """What is declared for a pending host whose facts are known now. Raises InvalidInput. Any thread may call it,
        and it may add to the secrets, warnings and new hashes."""
        builder = self.builder
        with builder.one:
            builder.store.asking = False
            builder.spent = Spent()
            declaration, problems = builder.host(host, facts)
        if problems:
            raise InvalidInput(sorted_problems({problem: [] for problem in problems}, 1))
        return declaration

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that was used by now, and everything that was made of one: for the redactor."""
        from engine.declare.inventory import passwords

        with self.builder.one:
            found = [
                *self.builder.store.found,
                *passwords([each.host for each in self.hosts]),
                *self.inventory.secrets,
            ]
            values = [secret.reveal() for secret in found]
            # Where one of them stands in what was made of it, that one is enough.
            made = [s for s in self.builder.secrets if not any(value in s.reveal() for value in values)]
            return tuple(dict.fromkeys([*found, *made]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what is odd by now, but not wrong."""
        with self.builder.one:
            return (*self.inventory.warnings, *self.builder.store.warnings)

    @property
    def new_hashes(self) -> tuple[NewHash, ...]:
        """The bcrypt hashes that had to be made by now, and that an apply is to write before it uses them."""
        with self.builder.one:
            return tuple(self.builder.store.new.values())


def load(
    files: Sequence[Path],
    *,
    project: Path,
    inventory: Inventory,
    extra: Mapping[str, Any],
    limit: str | None,
    read_secrets: bool = True,
    kinds: Kinds | None = None,
    facts: Facts | None = None,
    become_user: str | None = None,
) -> Declarations:
    """Read state files and say what they declare for each host that they, and `limit`, name.

    A host is reached later: where what is declared for one refers to facts (`host.os`), it comes back `pending`, and
    only what is wrong whatever the facts are is told here.

    files         state files, or directories of them; messages name them as they are given here
    project       the project root, where controller paths begin
    extra         variables from the command line: text takes the type of the variable's default, other values
                  (from `read_vars`) keep theirs
    limit         an inventory pattern that narrows the hosts down
    read_secrets  False: no secret is resolved, a stand-in takes its place, and all else is checked
    become_user   whom `become: true` means on a host that does not say; root unless given
    kinds         the kinds there are; those that are installed unless given
    facts         stand for those of every host, so that none is pending

    Raises InvalidInput with every problem found, in the order of the files.
    """
    reader = Reader(kinds or registry.kinds())
    states = read_states(files, reader)
    picked, unmatched = pick_hosts(states, inventory, limit)
    rollout, contradictions = merged_rollout(states)
    variables, store, sources = Variables(extra, states), SecretStore(project, read=read_secrets), Sources(project)
    known = of_inventory(inventory.groups, inventory.hostvars)
    builder = Builder(states, picked, variables, store, sources, become_user, known)
    hosts = list({host.name: host for each in picked.values() for host in each}.values())
    found: dict[Problem, list[str]] = {problem: [] for problem in [*reader.problems, *unmatched, *contradictions]}
    if picked:
        found.update({problem: [] for problem in variables.undeclared(hosts)})
    declared = _built(builder, hosts, facts, found)
    found.update({problem: [] for problem in variables.problems})
    if found:
        raise InvalidInput(sorted_problems(found, len(hosts)))
    name = ", ".join(dict.fromkeys(state.name for state in states))
    return Declarations(name, tuple(declared), (*reader.files, *sources.read), rollout, inventory, builder)
