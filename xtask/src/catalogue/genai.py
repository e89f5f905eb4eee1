"""Reads the data module of a `genai-prices` wheel without importing it, and prints it as JSON.

usage: python3 genai.py WHEEL YYYY-MM-DD < {"provider": ["model", ...]}

The module is one literal of constructor calls, which is walked as a syntax tree; nothing of the package is run.
Prices are those in force on the given day, their numbers as decimal text. Where the price depends on the time of
day, the dearest is taken. Beside the models stands, for each model asked about on standard input, which of the
package's models matches it and whether it does so by its full name.
"""

import ast
import datetime
import decimal
import json
import re
import sys
import zipfile


def literal(node):
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {literal(key): literal(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, ast.Attribute):
        return ast.unparse(node)
    if isinstance(node, ast.Call):
        kind = ast.unparse(node.func)
        args = [literal(arg) for arg in node.args]
        if kind == "Decimal":
            return str(args[0])
        members = {keyword.arg: literal(keyword.value) for keyword in node.keywords}
        return {"kind": kind, "args": args, **members}
    raise ValueError(f"the data module has an expression that is not understood: {ast.dump(node)}")


def matches(clause, name, exact):
    """Whether `clause` holds for `name`; with `exact`, whether it names it in full."""
    kind = clause["kind"]
    if kind == "ClauseEquals":
        return name == clause["equals"].lower()
    if kind == "ClauseOr":
        return any(matches(each, name, exact) for each in clause["or_"])
    if exact:
        return False
    if kind == "ClauseAnd":
        return all(matches(each, name, exact) for each in clause["and_"])
    if kind == "ClauseStartsWith":
        return name.startswith(clause["starts_with"].lower())
    if kind == "ClauseEndsWith":
        return name.endswith(clause["ends_with"].lower())
    if kind == "ClauseContains":
        return clause["contains"].lower() in name
    if kind == "ClauseRegex":
        return re.search(clause["regex"], name) is not None
    raise ValueError(f"unknown clause `{kind}`")


def names(clause):
    if clause["kind"] == "ClauseEquals":
        return [clause["equals"]]
    return [name for each in clause.get("or_", []) for name in names(each)]


def base(price):
    return decimal.Decimal(price["base"] if isinstance(price, dict) else price)


def tiers(prices):
    """Each price as a list of [prompt tokens above which it holds, amount]."""
    table = {}
    for name, price in prices.items():
        if name in ("kind", "args") or price is None:
            continue
        steps = [[0, price]]
        if isinstance(price, dict):
            steps = [[0, price["base"]]] + [[tier["start"], tier["price"]] for tier in price["tiers"]]
        table[name] = [[start, str(amount)] for start, amount in steps]
    return table


def in_force(constraint, day):
    return constraint is None or datetime.date(*constraint["start_date"]["args"]) <= day


def standard(prices, day):
    """The prices of `day`, and whether another time of that day has other ones."""
    if isinstance(prices, dict):
        return prices, False
    candidates = []
    for option in reversed(prices):
        constraint = option.get("constraint")
        if constraint and constraint["kind"] == "TimeOfDateConstraint":
            candidates.append(option["prices"])
        elif in_force(constraint, day):
            candidates.append(option["prices"])
            break
    candidates = candidates or [prices[0]["prices"]]
    dearest = max(candidates, key=lambda table: base(table.get("input_mtok") or "0"))
    return dearest, len(candidates) > 1


def service(when):
    """The service tier that a variant is for, or nothing where it is for something else."""
    if list(when) in (["processing"], ["service_tier"], ["speed"]):
        return next(iter(when.values()))
    return None


def model(info, day):
    prices, peak = standard(info["prices"], day)
    variants = {}
    for variant in info.get("price_variants") or []:
        name = service(variant["when"])
        if name and in_force(variant.get("constraint"), day):
            for meter, steps in tiers(variant["prices"]).items():
                variants.setdefault(name, {}).setdefault(meter, steps)
    return {
        "id": info["id"],
        "listed": matches(info["match"], info["id"].lower(), True),
        "names": names(info["match"]),
        "window": info.get("context_window"),
        "prices": tiers(prices),
        "variants": variants,
        "peak": peak,
    }


def find(models, name):
    for exact in (True, False):
        for info in models:
            if matches(info["match"], name.lower(), exact) or (not exact and info["id"].lower() == name.lower()):
                return {"id": info["id"], "exact": exact or info["id"].lower() == name.lower()}
    return None


def main():
    day = datetime.date.fromisoformat(sys.argv[2])
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        tree = ast.parse(wheel.read("genai_prices/data.py"))
    found = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id == "providers"]
    asked = json.load(sys.stdin)
    result = {}
    for provider in literal(found[0]):
        models = provider["models"]
        pairs = ((name, find(models, name)) for name in asked.get(provider["id"], []))
        result[provider["id"]] = {
            "models": [model(info, day) for info in models],
            "matches": {name: match for name, match in pairs if match},
        }
    json.dump(result, sys.stdout)


main()
