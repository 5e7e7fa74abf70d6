"""The merging rules of the language: what lies over what, on nodes, without losing where anything came from.

Maps merge key by key; lists of things with `id` merge by id, keeping the base's order, new ids last; everything else is
replaced. Replaced whole: a distribution, a `basket`, a study's `design` and its `over`, a list without ids, and any map
whose `kind`, `policy`, `algorithm`, `mode` or `rule` changes. `{id: X, delete: true}` removes a member; `null` removes
a key: it stays as a marker until presets and `like` are done, so that it also removes what a preset set, and is taken
out at the end.
"""

from __future__ import annotations

from dataclasses import replace

from marketsim.scenario.nodes import Node, Path, Problems, id_of, near

WHICH = ("kind", "policy", "algorithm", "mode", "rule")
"""Keys that say which thing a map is; another value makes it another thing."""

LAWS = frozenset({"lognormal", "uniform", "pareto", "exponential", "choice"})


def merge(base: Node, over: Node, problems: Problems, path: Path = ()) -> Node:
    """What results when `over` lies over `base`."""
    if isinstance(base.value, list) and isinstance(over.value, list):
        return _merge_lists(base, over, problems, path)
    if not isinstance(base.value, dict) or not isinstance(over.value, dict) or _replaces_whole(base, over, path):
        return over
    entries, keys = dict(base.map), dict(base.keys)
    for key, entry in over.map.items():
        below = entries.get(key)
        entries[key] = entry if below is None else merge(below, entry, problems, (*path, key))
        if key in over.keys:
            keys[key] = over.keys[key]
    return replace(over, value=entries, keys=keys)


def without_markers(node: Node, problems: Problems, path: Path = ()) -> Node:
    """The document without keys that are null and without members marked for deletion."""
    if isinstance(node.value, dict):
        kept = {k: without_markers(v, problems, (*path, k)) for k, v in node.map.items() if v.value is not None}
        is_same = len(kept) == len(node.map) and all(entry is node.map[key] for key, entry in kept.items())
        return node if is_same else node.with_entries(kept, node.keys)
    if isinstance(node.value, list):
        items = []
        for position, item in enumerate(node.list):
            if "delete" in item.map:
                message = "there is nothing to delete: no file below has a member of this id"
                problems.add(item.place, ".".join(map(str, path)), id_of(item) or "", message)
                continue
            items.append(without_markers(item, problems, (*path, position)))
        return replace(node, value=items)
    return node


def _replaces_whole(base: Node, over: Node, path: Path) -> bool:
    if path and path[-1] == "basket":
        return True
    if path in (("study", "design"), ("study", "over")):
        return True
    if any(len(each.map) == 1 and LAWS >= set(each.map) for each in (base, over)):
        return True
    return any(key in base.map and key in over.map and base.map[key].value != over.map[key].value for key in WHICH)


def _merge_lists(base: Node, over: Node, problems: Problems, path: Path) -> Node:
    if not over.list or not all(id_of(item) for item in (*base.list, *over.list)):
        return over
    members = {id_of(item) or "": item for item in base.list}
    where, seen = ".".join(map(str, path)), set[str]()
    for item in over.list:
        name = id_of(item) or ""
        wish = item.map.get("delete")
        if name in seen:
            problems.add(item.place, f"{where}.{name}", name, "this id stands here twice", "each id once")
        elif wish is None:
            members[name] = merge(members[name], item, problems, (*path, name)) if name in members else item
        elif wish.value is not True:
            problems.add(wish.place, f"{where}.{name}.delete", wish.shown(), "delete is true or left out", "true")
        elif members.pop(name, None) is None:
            allowed = "an id of the file below: " + (", ".join(members) or "there is none")
            problems.add(item.place, where, name, "there is nothing to delete", allowed, near(name, members))
        seen.add(name)
    return replace(over, value=list(members.values()))
